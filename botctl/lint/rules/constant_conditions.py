"""The rule about conditions that come out the same whatever the variables hold."""

from __future__ import annotations

import re
from collections.abc import Iterator

from botctl.expr.comparison import ASKED, COMPARED, Comparison, Operand, as_number
from botctl.expr.condition import parse_condition
from botctl.expr.condition_words import Kind, Word, split_words
from botctl.expr.path import NAME, PATH, ExpressionError
from botctl.lint.flow.flow import Flow
from botctl.lint.rules.comparisons import comparisons_of, is_never_so
from botctl.lint.rules.loops import check_endless
from botctl.lint.workflow_site import WorkflowSite
from botctl.source.rule import Finding, Rule
from botctl.spec.fields import close_word

_WRITTEN_SO = {"true", "false", "null"}
_OPERATORS = [word for word in (*ASKED, *COMPARED) if word.isidentifier()]
_LONGEST_PHRASE = 3
# How other languages, and people, write the operators; folded as by _folded.
_MEANT = {
    "equals": "==", "equal": "==", "eq": "==", "is": "==", "isequalto": "==", "equalto": "==",
    "equalsto": "==", "isthe": "==", "notequals": "!=", "notequal": "!=", "isnot": "!=", "isnotequalto": "!=",
    "ne": "!=", "neq": "!=", "differsfrom": "!=", "gt": ">", "greaterthan": ">", "isgreaterthan": ">",
    "morethan": ">", "ismorethan": ">", "above": ">", "gte": ">=", "ge": ">=", "atleast": ">=",
    "isatleast": ">=", "lt": "<", "lessthan": "<", "islessthan": "<", "below": "<", "lte": "<=", "le": "<=",
    "atmost": "<=", "isatmost": "<=", "includes": "contains", "include": "contains", "has": "contains",
    "notincludes": "not_contains", "doesnotcontain": "not_contains", "doesnotinclude": "not_contains",
    "startwith": "starts_with", "beginswith": "starts_with", "begins": "starts_with", "starts": "starts_with",
    "endwith": "ends_with", "ends": "ends_with", "like": "matches", "regex": "matches", "match": "matches",
    "matchesregex": "matches", "empty": "is_empty", "isnull": "is_empty", "isunset": "is_empty",
    "isblank": "is_empty", "notexists": "is_empty", "notempty": "is_not_empty", "nonempty": "is_not_empty",
    "isnonempty": "is_not_empty", "exists": "is_not_empty", "isset": "is_not_empty",
    "isnotnull": "is_not_empty", "isnotblank": "is_not_empty", "isdefined": "is_not_empty", "and": "and",
    "or": "or",
}  # fmt: skip


def check_constant(site: WorkflowSite) -> Iterator[Finding]:
    """A condition that comes out the same whatever the variables hold.

    A text in which no operator stands is asked whether it is empty, and this one never is: the operator is
    misspelt, or is one of another language. Or no variable is asked for at all, because its braces were
    forgotten: `total` is a text, `{{total}}` a variable. `true`, `false` and numbers may stand alone.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: check, type: logic, data: {logicType: if_else, condition: "{{message}} equals hello"}}
      - {id: greet, type: send_message, data: {message: Hello!}}
    edges:
      - start -> check
      - check.true -> greet
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: check, type: logic, data: {logicType: if_else, condition: "{{message}} == hello"}}
      - {id: greet, type: send_message, data: {message: Hello!}}
    edges:
      - start -> check
      - check.true -> greet
    ```
    """
    found = [one for one in comparisons_of(site) if _is_constant(one[1])]
    told = {finding.at for finding in check_endless(site)} if found else set()
    for at, comparison, flow in found:
        left, operator = comparison.left, comparison.operator
        if at in told and not left.placeholders:
            continue  # the loop is told, whose condition cannot change
        text = _whole(comparison)
        yield Finding(
            f"`{_short(text)}` is always {'true' if not operator or comparison.holds({}) else 'false'}",
            at=at,
            within=(left.offset, _end(comparison) - left.offset),
            label="no variable is asked for here"
            if operator
            else "no operator stands here, and a text that is not empty is true",
            help=_way_out(comparison, flow),
        )


def _whole(comparison: Comparison) -> str:
    sides = (comparison.left.source, comparison.operator, comparison.right.source if comparison.right else "")
    return " ".join(side for side in sides if side)


def _end(comparison: Comparison) -> int:
    """Where a comparison ends in its condition."""
    left, right = comparison.left, comparison.right
    if right is not None:
        return right.offset + len(right.source)
    if comparison.operator:
        return comparison.operator_offset + len(comparison.operator)
    return left.offset + len(left.source)


def _is_constant(comparison: Comparison) -> bool:
    """Whether this always comes out the same, and hardly on purpose."""
    left, right = comparison.left, comparison.right
    if right is not None and right.placeholders:
        return False
    if not comparison.operator:
        return _is_never_empty(left)
    if left.placeholders or (right is not None and is_never_so(comparison)):
        return False
    operands = [left] if right is None else [left, right]
    return any(_is_word(one) for one in operands) and (right is None or left.source != right.source)


def _is_never_empty(operand: Operand) -> bool:
    """Whether a text that stands alone is true whatever its placeholders come to."""
    if not operand.placeholders:
        return _is_word(operand) and not (operand.is_quoted and _inside(operand) is None)
    pieces = operand.template.pieces
    written = "".join(piece for piece in pieces if isinstance(piece, str))
    pattern = "".join(re.escape(one.strip()) if isinstance(one, str) else ".*" for one in pieces)
    return bool(written.strip()) and not any(re.fullmatch(pattern, false) for false in ("false", "0"))


def _is_word(operand: Operand) -> bool:
    """Whether this is a text, and neither true, false, null, a number nor nothing."""
    text = operand.template.plain.strip()
    return not operand.placeholders and text != "" and text not in _WRITTEN_SO and as_number(text) is None


def _way_out(comparison: Comparison, flow: Flow) -> str:
    left, right = comparison.left, comparison.right
    if not comparison.operator:
        return _with_operator(left, flow)
    variable = next((one for one in (left, right) if one is not None and _variable(one, flow)), left)
    path = _variable(variable, flow)
    if path:
        return _in_braces(path, variable)
    return f"write `{{{{{left.source}}}}}` if it is a variable" if _is_path(left) else "ask for a variable"


def _in_braces(path: str, operand: Operand) -> str:
    if path == operand.source:
        return f"a variable stands in braces: write `{{{{{path}}}}}`"
    return f"did you mean `{{{{{path}}}}}`?"


def _variable(operand: Operand, flow: Flow) -> str:
    """The path that a bare text surely was meant as; "" if none."""
    if operand.is_quoted or not _is_path(operand) or not _is_word(operand):
        return ""
    name, dot, rest = operand.source.partition(".")
    known = name if name in flow.writes else flow.meant_by(name)
    return f"{known}{dot}{rest}" if known else ""


def _is_path(operand: Operand) -> bool:
    return re.fullmatch(PATH, operand.source) is not None


def _with_operator(operand: Operand, flow: Flow) -> str:
    """What a text that stands alone was meant as."""
    inside = _inside(operand) if operand.is_quoted else None
    if inside is not None:
        return f"take the quotes around it away: `{_short(inside)}`"
    if path := _variable(operand, flow):
        return _in_braces(path, operand)
    for first, last, operator in _misspelt(operand):
        start, end = first.start, last.end
        before, after = operand.source[:start].strip(), operand.source[end:].strip()
        if re.fullmatch(NAME, before) and before in flow.writes:
            before = f"{{{{{before}}}}}"
        meant = f"{before} {operator} {after}".strip()
        if _is_comparison(meant):
            return f"did you mean `{_short(meant)}`?"
    if not operand.placeholders:
        return f"ask for a variable: `{{{{name}}}} == {_short(operand.source)}`"
    placeholder = operand.placeholders[0].source
    return f"write an operator, as in `{placeholder} == ...`, or `{placeholder}` alone"


def _misspelt(operand: Operand) -> Iterator[tuple[Word, Word, str]]:
    """The words that look like an operator, from the first to the last of each, likeliest first."""
    try:
        words = split_words(operand.source)
    except ExpressionError:
        return
    for length in range(_LONGEST_PHRASE, 0, -1):
        for number in range(1, len(words) - length + 1):
            phrase = words[number : number + length]
            if all(word.kind is Kind.BARE for word in phrase):
                operator = _operator_of("".join(word.text for word in phrase))
                if operator:
                    yield phrase[0], phrase[-1], operator
    for word in words[1:]:
        if word.kind is Kind.BARE and (close := close_word(word.text, _OPERATORS)):
            yield word, word, close


def _operator_of(phrase: str) -> str:
    folded = phrase.casefold().replace("_", "").replace("-", "").rstrip(":")
    known = {operator.replace("_", ""): operator for operator in _OPERATORS}
    return _MEANT.get(folded) or known.get(folded, "")


def _inside(operand: Operand) -> str | None:
    """What stands in quotes, if it is a comparison."""
    text = operand.source[1:-1]
    return text if _is_comparison(text) else None


def _is_comparison(text: str) -> bool:
    try:
        comparisons = parse_condition(text).comparisons
    except ExpressionError:
        return False
    return len(comparisons) > 1 or bool(comparisons[0].operator)


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


CONSTANT = Rule(code="VR213", severity="warning", check=check_constant, doc=check_constant.__doc__)
