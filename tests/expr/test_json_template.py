"""JSON templates: values are put into a shape that they cannot change."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botctl.expr.json_template import parse_json_template
from botctl.expr.path import ExpressionError
from tests.expr.test_template import HOSTILE


def test_a_placeholder_keeps_its_type_where_it_is_a_whole_value() -> None:
    source = '{"bare": {{n}}, "whole": "{{n}}", "within": "n={{n}}", "list": [{{l}}, "{{none}}"], "{{k}}": 1}'

    value = parse_json_template(source).render({"n": 2.5, "l": [1], "none": None, "k": "key"})

    assert value == {"bare": 2.5, "whole": 2.5, "within": "n=2.5", "list": [[1], None], "key": 1}


def test_the_same_arguments_may_be_written_as_a_mapping() -> None:
    source = {
        "whole": "{{n}}",
        "within": "n={{n}}",
        "list": ["{{l}}", 3, True, None],
        "{{k}}": {"deep": "{{n}}"},
        7: 1,
    }

    value = parse_json_template(source).render({"n": 2.5, "l": [1], "k": "key"})  # type: ignore[arg-type]

    assert value == {
        "whole": 2.5,
        "within": "n=2.5",
        "list": [[1], 3, True, None],
        "key": {"deep": 2.5},
        "7": 1,
    }


def test_an_unknown_placeholder_is_null_where_it_is_bare_and_stays_as_written_in_a_text() -> None:
    told: list[str] = []

    value = parse_json_template('{"bare": {{a}}, "whole": "{{ b }}", "within": "x{{c}}"}').render(
        {}, told.append
    )

    assert (value, told) == ({"bare": None, "whole": "{{ b }}", "within": "x{{c}}"}, ["a", "b", "c"])


@pytest.mark.parametrize("source", [None, "", "  \n", "{}", {}])
def test_no_arguments_are_an_empty_object(source: Any) -> None:
    assert parse_json_template(source).render({}) == {}


def test_escapes_in_a_text_are_kept_beside_placeholders() -> None:
    source = r'{"a": "\"{{x}}\" \\{{x}}\n\u00e9 \ud83d\ude00", "b": "\u007b\u007bx}}"}'

    value = parse_json_template(source).render({"x": '"\\'})

    assert value == {"a": '""\\" \\"\\\né 😀', "b": "{{x}}"}


def test_what_is_rendered_can_be_changed_without_changing_the_template() -> None:
    template = parse_json_template('{"list": [1]}')
    template.render({})["list"].append(2)

    assert template.render({}) == {"list": [1]}


def test_a_key_made_of_a_users_text_replaces_no_other_key() -> None:
    source = '{"{{k}}": "from the user", "amount": 5, "{{k}}!": 1}'

    values = [parse_json_template(source).render({"k": k}) for k in ("amount", "other")]

    assert values == [{"amount": 5, "amount!": 1}, {"other": "from the user", "amount": 5, "other!": 1}]


def test_placeholders_tell_where_they_stand_in_the_text_and_in_a_mapping() -> None:
    source = r'{"a\n": "é\" {{x}}", "b": [{{ y.z }}]}'
    of_text = parse_json_template(source).placeholders
    of_mapping = parse_json_template({"a": {"b": ["-", "to {{x}}"]}}).places

    assert [source[one.offset : one.offset + one.length] for one in of_text] == ["{{x}}", "{{ y.z }}"]
    assert [(path, one.name, one.offset) for path, one in of_mapping] == [(("a", "b", 1), "x", 3)]


@pytest.mark.parametrize(
    ("source", "found", "message"),
    [
        ('{"a": 1,}', "}", "comma stands before the end"),
        ("[1, 2,]", "]", "comma stands before the end"),
        ('{"a": 1 "b": 2}', '"', "a comma or `}` is expected"),
        ('{"a" 1}', "1", "colon is expected"),
        ("{a: 1}", "a", "key in double quotes"),
        ("{'a': 1}", "'", "key in double quotes"),
        ("{\"a\": 'x'}", "'", "value is expected"),
        ('{"a": 1, "b": 2, "a": 3}', '"a"', "`a` stands twice"),
        ('{"a": NaN}', "NaN", "value is expected"),
        ('{"a": -Infinity}', "-Infinity", "value is expected"),
        ('{"a": None}', "None", "value is expected"),
        ('{"a": 01}', "01", "value is expected"),
        ('{"a": 1e999}', "1e999", "too large"),
        ('{"a": order-{{x}}}', "order-", "value is expected"),
        ('{"a": {{x}}{{x}}}', "{", "a comma or `}` is expected"),
        ('{"a": 1} x', "x", "the JSON is over"),
        ('{"a": "x}', '"', "text is not closed"),
        ('{"a": [1, 2}', "}", "a comma or `\\]` is expected"),
        ('[{"a": [1, 2', "[", "this `\\[` is not closed"),
        ('{"a": {', "{", "this `{` is not closed"),
        ('{"a": "\\d"}', "\\d", "not an escape"),
        ('{"a": "\\{{x}}"}', "\\", "not an escape"),
        ('{"a": "one\ntwo"}', "\n", "line break"),
        ('{"a": "{{x y}}"}', "{{x y}}", "not the path"),
        ('{"a": {{x', "{{", "not closed"),
        ("// hi", "//", "value is expected"),
        ("[" * 200 + "]" * 200, "[", "nested too deeply"),
    ],
)
def test_what_is_not_json_is_refused_at_its_place(source: str, found: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message) as caught:
        parse_json_template(source)
    assert source[caught.value.offset : caught.value.offset + caught.value.length] == found


def test_json_that_ends_too_early_is_refused_at_its_end() -> None:
    with pytest.raises(ExpressionError, match="value is missing") as caught:
        parse_json_template('{"a":')
    assert caught.value.offset == 5


def test_a_text_in_a_mapping_that_cannot_be_read_tells_its_path() -> None:
    with pytest.raises(ExpressionError, match="not closed") as caught:
        parse_json_template({"a": [{"b": "x {{y"}]})
    assert (caught.value.path, caught.value.offset) == (("a", 0, "b"), 2)


@settings(max_examples=200, deadline=None)
@given(HOSTILE, HOSTILE)
def test_a_users_text_cannot_change_the_shape_of_json(first: str, second: str) -> None:
    source = '{"id": "{{first}}", "n": 5, "bare": {{second}}, "deep": [{"t": "a{{first}}\\"{{second}}"}]}'
    variables = {"first": first, "second": second, "other": "EXPANDED"}

    value = parse_json_template(source).render(variables)

    assert value == {
        "id": first,
        "n": 5,
        "bare": second,
        "deep": [{"t": f'a{first}"{second}'}],
    }


@settings(max_examples=150, deadline=None)
@given(HOSTILE)
def test_a_users_text_cannot_change_the_shape_of_a_mapping(text: str) -> None:
    value = parse_json_template({"a": "{{x}}", "b": [1, "-{{x}}-"]}).render({"x": text, "other": "EXPANDED"})

    assert value == {"a": text, "b": [1, f"-{text}-"]}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(JSON, st.booleans())
def test_json_without_placeholders_is_read_as_json(value: Any, ascii_only: bool) -> None:
    source = json.dumps(value, ensure_ascii=ascii_only)
    if "{{" in source:
        return

    assert parse_json_template(source).render({}) == value


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='{}[]",:\\ \nau0e-1.tx', max_size=24))
def test_any_text_is_either_json_or_refused_within_itself(source: str) -> None:
    try:
        parse_json_template(source)
    except ExpressionError as error:
        assert 0 <= error.offset <= len(source)
        assert error.length >= 1
    else:
        if source.strip(" \n") and "{{" not in source:
            json.loads(source)
