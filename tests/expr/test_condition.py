"""Conditions: what holds, what is refused, and that a user's text is only ever an operand."""

from __future__ import annotations

import operator
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botctl.expr.condition import parse_condition
from botctl.expr.path import ExpressionError
from tests.expr.test_template import HOSTILE

VARIABLES: dict[str, Any] = {
    "n": 500,
    "price": 49.5,
    "text": "500",
    "code": "007",
    "padded": "  gift card \n",
    "yes": True,
    "no": False,
    "nothing": None,
    "blank": " \t",
    "zero": 0,
    "list": ["red", 2, None, {"a": 1}],
    "empty": [],
    "object": {"key": 1},
    "intent": {"text": " billing\n", "tokensInput": 12, "tokensOutput": 1},
    "taste": "salt and pepper",
    "pattern": "^b[a-z]+$",
    "date": "2026-11-21",
}


@pytest.mark.parametrize(
    "condition",
    [
        "{{intent.text}} == billing",
        "{{intent}} == billing",
        "billing == {{intent}}",
        "{{intent}} contains ill",
        "{{padded}} == gift card",
        '{{padded}} == "gift card"',
        "{{padded}} == ' gift card '",
        "{{padded}} != Gift card",
        "{{n}} == 500.0",
        "{{text}} == 5e2",
        "{{text}} >= 99",
        "{{n}}>49",
        "{{price}} < {{n}}",
        "{{price}} <= 49.50",
        "{{code}} != 7",
        "{{date}} > 2026-09-01",
        "{{yes}} == true",
        "{{nothing}} == null",
        "{{unset}} == null",
        '{{unset}} == ""',
        "null == {{nothing}}",
        '"null" != {{nothing}}',
        "{{n}} != null",
        "order-{{n}} == order-500",
        '"order-{{n}}" == order-500',
        "{{list}} contains red",
        "{{list}} contains 2",
        "{{list}} contains 2.0",
        '{{list}} contains ""',
        "{{list}} not_contains re",
        "{{object}} contains key",
        "{{object}} not_contains ke",
        "{{object}} == '{\"key\":1}'",
        "{{taste}} contains salt",
        "{{taste}} not_contains sugar",
        "{{taste}} starts_with salt",
        "{{padded}} ends_with card",
        '{{taste}} == "salt and pepper"',
        "{{taste}} matches ^salt",
        r"{{code}} matches ^\d{3}$",
        "{{intent}} matches ^(billing|refund)$",
        "{{intent}} matches {{pattern}}",
        'xa500 matches "^x[{{taste}}]{{n}}$"',
        "{{nothing}} is_empty",
        "{{unset}} is_empty",
        "{{blank}} is_empty",
        "{{empty}} is_empty",
        "{{zero}} is_not_empty",
        "{{no}} is_not_empty",
        "{{object}} is_not_empty and {{list}} is_not_empty",
        "{{yes}}",
        "{{object}}",
        "true",
        "hello",
        "not {{no}}",
        "not {{zero}}",
        "not {{empty}}",
        "not {{nothing}}",
        "not {{unset}}",
        "not {{blank}}",
        "not 'false'",
        "not not {{yes}}",
        "not({{no}})",
        "not {{n}} == 5",
        "{{no}} and {{no}} or {{yes}}",
        "{{yes}} or {{no}} and {{no}}",
        "not ({{yes}} and ({{no}} or {{n}} < 5))",
        "({{yes}})and({{n}}==500)",
        "{{padded}} != not found",
        "{{taste}} != rock 'n' roll",
        "{{taste}} != don't",
        "{{taste}} != call (555) 12",
        "'it\\'s' == \"it's\"",
        "a=b == a=b",
        "{{taste}} != https://x.example?a=b&&c=d",
        "{{n}}\n  == 500\n  and {{yes}}",
    ],
)
def test_a_condition_holds(condition: str) -> None:
    assert parse_condition(condition).holds(VARIABLES)


@pytest.mark.parametrize("value", ["", "false", "0", " 0 ", None, [], {}, False, 0, 0.0])
def test_a_lone_operand_that_is_nothing_is_false(value: Any) -> None:
    assert not parse_condition("{{x}}").holds({"x": value})


@pytest.mark.parametrize("value", ["no", "False", "0.0", "null", "[]", [0], {"a": None}, True, -1])
def test_a_lone_operand_that_is_something_is_true(value: Any) -> None:
    assert parse_condition("{{x}}").holds({"x": value})


@pytest.mark.parametrize("number", ["nan", "inf", "1_000", "0x10", "+5", "٥", "1e999", ".5", "5."])
def test_only_numbers_of_json_are_numbers(number: str) -> None:
    assert not parse_condition("{{x}} == {{y}}").holds({"x": number, "y": f" {number}0"})
    assert parse_condition("{{x}} == {{y}}").holds({"x": number, "y": f" {number} "})


def test_an_unknown_name_is_told_as_far_as_it_was_looked_at() -> None:
    told: list[str] = []

    holds = parse_condition("{{a.b}} == 1 and {{c}} == 2 or x{{d}} == x").holds({}, told.append)

    assert (holds, told) == (True, ["a.b", "d"])


@pytest.mark.parametrize(
    ("condition", "found", "message"),
    [
        ("", "", "the condition is empty"),
        ("  ", "  ", "the condition is empty"),
        ("{{x}} ==", "", "missing after `==`"),
        ("{{x}} == and {{y}}", "and", "missing after `==`"),
        ("== 5", "==", "missing before `==`"),
        ("is_empty {{x}}", "is_empty", "missing before `is_empty`"),
        ("{{x}} and", "", "missing after `and`"),
        ("not", "", "missing after `not`"),
        ("{{x}} or or {{y}}", "or", "missing after `or`"),
        ("()", ")", "missing after `\\(`"),
        ("{{x}} is_empty 5", "5", "nothing is compared"),
        ("{{x}} == 1 == 2", "==", "second operator"),
        ("{{x}} == contains", "contains", "missing after `==`"),
        ("{{x}} = 5", "=", "not an operator"),
        ("{{x}}=5", "=", "not an operator"),
        ("{{x}} === 5", "===", "not an operator"),
        ("{{x}} <> 5", "<>", "not an operator"),
        ("{{x}} && {{y}}", "&&", "not an operator"),
        ("!{{x}}", "!", "not an operator"),
        ("{{x}} not contains y", "not", "does not belong before an operator"),
        ("{{x}} == salt and pepper", "pepper", "stands alone beside `and`"),
        ("{{x}} == yes or no", "no", "stands alone beside `or`"),
        ("ready and {{x}}", "ready", "stands alone beside `and`"),
        ("({{x}} == 5", "(", "not closed"),
        ("{{x}} == 5)", ")", "closes nothing"),
        ("({{x}}) > 1", ">", "`and` or `or` is expected"),
        ("{{x}} == ({{y}} or {{z}})", "(", "not closed"),
        ("{{x}} == 'tis", "'tis", "quote is not closed"),
        ("{{x}} == 'don't'", "'", "goes on after the closing quote"),
        ("{{x}} == {{y | upper}}", "{{y | upper}}", "not the path"),
        ("{{x}} == {{y", "{{", "not closed"),
        ('{{x}} == "a {{b c}}"', "{{b c}}", "not the path"),
        (r"{{x}} matches (a)\1", r"(a)\1", "is not a pattern"),
        (r"{{x}} matches '(?=a){{y}}'", r"'(?=a){{y}}'", "is not a pattern"),
        ("(" * 60 + "{{x}}" + ")" * 60, "(", "nested too deeply"),
        ("not " * 60 + "{{x}}", "not", "nested too deeply"),
    ],
)
def test_a_condition_that_cannot_be_understood_is_refused_at_its_place(
    condition: str, found: str, message: str
) -> None:
    with pytest.raises(ExpressionError, match=message) as caught:
        parse_condition(condition)
    assert condition[caught.value.offset : caught.value.offset + caught.value.length] == found
    assert caught.value.help


def test_operands_and_placeholders_tell_where_they_stand() -> None:
    text = "not {{a.b}} == 'it\\'s {{c}}' or ({{d}} is_empty)"
    condition = parse_condition(text)

    assert [
        (one.left.source, one.operator, one.right.source if one.right else None)
        for one in condition.comparisons
    ] == [("{{a.b}}", "==", "'it\\'s {{c}}'"), ("{{d}}", "is_empty", None)]
    assert [text[one.offset : one.offset + len(one.source)] for one in condition.operands()] == [
        one.source for one in condition.operands()
    ]
    assert [text[one.offset : one.offset + one.length] for one in condition.placeholders] == [
        "{{a.b}}",
        "{{c}}",
        "{{d}}",
    ]


def test_a_pattern_that_a_variable_holds_and_that_is_none_is_told_when_it_is_used() -> None:
    with pytest.raises(ExpressionError, match="is not a pattern"):
        parse_condition("{{x}} matches {{y}}").holds({"x": "a", "y": "("})


def test_a_users_text_within_a_pattern_is_no_pattern() -> None:
    condition = parse_condition('{{x}} matches "^code {{y}}$"')

    assert not condition.holds({"x": "code 1234", "y": ".*"})
    assert condition.holds({"x": "code .*", "y": ".*"})


def test_a_pattern_that_would_take_for_ever_elsewhere_takes_no_time() -> None:
    condition = parse_condition("{{x}} matches '^(a+)+$'")

    assert not condition.holds({"x": "a" * 99_000 + "!"})


def test_half_a_surrogate_pair_can_be_matched() -> None:
    assert parse_condition("{{x}} matches ^a.c$").holds({"x": "a\ud800c"})


def test_reading_conditions_loads_no_regular_expression_library() -> None:
    code = (
        "import sys; from botctl.expr.condition import parse_condition as parse;"
        "parse('{{x}} == 5 and {{y}} is_empty').holds({}); sys.exit('re2' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


PIECES = (
    "{{x}}~{{~}}~'~\"~\\~ ~and~ or ~not ~==~!~=~<~(~)~word~5~ contains ~ is_empty~ matches ~[~|~&&~{{y.z}}"
)
NUMBERS = st.one_of(
    st.integers(-1000, 1000).map(str),
    st.floats(-1000, 1000, allow_nan=False).map(repr),
    st.sampled_from(
        ["0", "-0", "1e2", "100", "1E+2", "0.10", "007", "1.", "9007199254740993", "true", "null"]
    ),
)
TEXTS = HOSTILE | NUMBERS | NUMBERS.map(lambda number: f" {number}\n")
COMPARE = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
SEARCH = {
    "contains": lambda left, right: right in left,
    "not_contains": lambda left, right: right not in left,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
}


def json_number(text: str) -> int | float | None:
    """An independent reading of what a JSON number is: what the json module says it is."""
    import json
    import math

    if not text or text[0] not in "-0123456789" or not text.isascii():
        return None
    try:
        number = json.loads(text)
    except json.JSONDecodeError:
        return None
    return number if isinstance(number, int | float) and math.isfinite(number) else None


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS, st.sampled_from(sorted(COMPARE)))
def test_a_users_text_cannot_become_an_operator(left: str, right: str, written: str) -> None:
    numbers = json_number(left.strip()), json_number(right.strip())
    sides: tuple[Any, Any] = numbers if None not in numbers else (left.strip(), right.strip())

    holds = parse_condition(f"{{{{left}}}} {written} {{{{right}}}}").holds(
        {"left": left, "right": right, "other": "X"}
    )

    assert holds == COMPARE[written](*sides)


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS, st.sampled_from(sorted(SEARCH)))
def test_a_users_text_is_searched_as_it_is(left: str, right: str, written: str) -> None:
    condition = parse_condition(f"not ({{{{left}}}} {written} '{{{{right}}}}')")

    assert condition.holds({"left": left, "right": right}) != SEARCH[written](left.strip(), right.strip())


@settings(max_examples=150, deadline=None)
@given(HOSTILE, HOSTILE)
def test_a_users_text_cannot_join_what_the_author_wrote(first: str, second: str) -> None:
    condition = parse_condition(
        "{{first}} == refund and 'a {{second}}' == \"a b\" or not {{first}} is_empty and never == x"
    )

    expected = first.strip() == "refund" and f"a {second}".strip() == "a b"
    assert condition.holds({"first": first, "second": second, "other": "X"}) == expected


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES.split("~")), max_size=10).map("".join))
def test_any_text_is_either_a_condition_or_refused_within_itself(text: str) -> None:
    try:
        condition = parse_condition(text)
    except ExpressionError as error:
        assert 0 <= error.offset <= len(text)
        assert error.length >= 1
        assert error.help
    else:
        assert condition.holds({"x": "a", "y": {"z": "b"}}) in {True, False}
