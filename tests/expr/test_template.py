"""Templates: what placeholders become, what stays text, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botctl.expr.path import ExpressionError
from botctl.expr.template import parse_template, to_text

PIECES = (
    "{{~}}~{~}~{{other}}~other~\"~'~\\~ and ~ or ~not ~==~!=~>~<=~(~)~contains~is_empty"
    "~\n~ ~,~:~null~true~7~0~[~]"
)
HOSTILE = st.one_of(
    st.text(max_size=40), st.lists(st.sampled_from(PIECES.split("~")), max_size=8).map("".join)
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is ", "as it is "),
        (None, ""),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (10**20, "100000000000000000000"),
        (3.0, "3"),
        (-0.0, "0"),
        (2.50, "2.5"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (0.00001, "0.00001"),
        (-0.00000125, "-0.00000125"),
        (1e-7, "1e-7"),
        (1.5e300, "1.5e+300"),
        ({"a": [1, 2.0, None, "é"]}, '{"a":[1,2,null,"é"]}'),
        ([], "[]"),
        ([float("nan")], "[null]"),
    ],
)
def test_a_value_becomes_the_text_that_people_expect(value: Any, text: str) -> None:
    assert to_text(value) == text


def test_a_template_is_filled_in() -> None:
    variables = {"order_id": 1042, "order": {"total": 99.0, "items": [{"name": "cup"}]}}

    text = parse_template("#{{order_id}}: {{ order.items.0.name }}, ${{order.total}}").render(variables)

    assert text == "#1042: cup, $99"


def test_an_unknown_name_stays_as_it_was_written_and_is_told() -> None:
    told: list[str] = []

    text = parse_template("Hi {{  user.name }} {{user.name}}").render({"user": {}}, told.append)

    assert (text, told) == ("Hi {{  user.name }} {{user.name}}", ["user.name", "user.name"])


def test_only_a_placeholder_that_is_the_whole_template_keeps_its_type() -> None:
    variables = {"list": [1, {"a": None}], "nothing": None}

    values = [
        parse_template(text).value(variables)
        for text in ("{{list}}", " {{list}}", "{{nothing}}", "{{unset}}")
    ]

    assert values == [[1, {"a": None}], ' [1,{"a":null}]', None, "{{unset}}"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "{ {",
        "a }} b",
        '{"a":{"b":1}}',
        "{name}",
        '{{"intent": "billing"}}',
        "{{ 'a' : 1 }}",
        "$",
    ],
)
def test_braces_that_are_no_placeholder_are_text(text: str) -> None:
    assert parse_template(text).render({"name": "x", "a": "y"}) == text


@pytest.mark.parametrize(
    ("text", "rendered"),
    [("{{{x}}}", "{1}"), ("{{{{x}}}}", "{{1}}"), ('{"a":{{x}}}', '{"a":1}'), ("{{x}}{{x}}}}", "11}}")],
)
def test_of_several_braces_the_inner_two_belong_to_the_placeholder(text: str, rendered: str) -> None:
    assert parse_template(text).render({"x": 1}) == rendered


@pytest.mark.parametrize(
    ("text", "offset", "length", "message"),
    [
        ("Hi {{name", 3, 2, "not closed"),
        ("Hi {{name}", 3, 2, "not closed"),
        ("Hi {{", 3, 2, "not closed"),
        ("{{ {{a}} }}", 0, 2, "not closed"),
        ("Hi {{ }}.", 3, 5, "empty"),
        ("Hi {{first name}}", 3, 14, "`first name` is not the path"),
        ("{{ok}} {{x | upper}}", 7, 13, "`x | upper` is not the path"),
        ("{{a..b}}", 0, 8, "beside a dot"),
    ],
)
def test_a_placeholder_that_cannot_be_read_is_refused_at_its_place(
    text: str, offset: int, length: int, message: str
) -> None:
    with pytest.raises(ExpressionError, match=message) as caught:
        parse_template(text)
    assert (caught.value.offset, caught.value.length) == (offset, length)
    assert caught.value.help


def test_placeholders_tell_where_they_stand() -> None:
    text = "Hé {{a.b}} and {{ c }}"

    placeholders = parse_template(text).placeholders

    assert [(one.name, one.parts, text[one.offset : one.offset + one.length]) for one in placeholders] == [
        ("a.b", ("a", "b"), "{{a.b}}"),
        ("c", ("c",), "{{ c }}"),
    ]


@settings(max_examples=150, deadline=None)
@given(HOSTILE, HOSTILE)
def test_a_value_is_never_expanded_again(first: str, second: str) -> None:
    variables = {"first": first, "second": second, "other": "EXPANDED"}

    text = parse_template("<{{first}}|{{second}}>").render(variables)

    assert text == f"<{first}|{second}>"


@settings(max_examples=200, deadline=None)
@given(HOSTILE)
def test_any_text_is_either_a_template_or_refused_within_itself(text: str) -> None:
    try:
        template = parse_template(text)
    except ExpressionError as error:
        assert 0 <= error.offset < error.offset + error.length <= len(text)
    else:
        assert template.render({}) == text
