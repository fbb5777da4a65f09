"""Rules about comparisons that cannot come out as they were meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from botctl.expr.comparison import Comparison, Operand, as_number
from botctl.expr.condition import parse_condition
from botctl.expr.path import ExpressionError
from botctl.lint.flow.flow import Flow
from botctl.lint.flow.shapes import is_answer
from botctl.lint.workflow_site import WorkflowSite
from botctl.nodes.shape import Kind, Shape
from botctl.source.rule import Finding, Rule
from botctl.source.span import Path

_ORDER = {">", ">=", "<", "<="}
_OF_TEXT = {"==", "!=", "starts_with", "ends_with", *_ORDER}
_SCALARS = {Kind.TEXT, Kind.NUMBER, Kind.TRUTH}
# Numbers as people write them, which JSON does not: $500, 20 %, 1,000, .5. Dates and versions are left alone.
_WRITTEN_NUMBER = re.compile(r"[$€£¥]\s*\d[\d.,]*|\d[\d.,]*\s*[$€£¥%]|\d{1,3}(,\d{3})+(\.\d+)?|\.\d+")
_DIGITS = re.compile(r"[^\d.]")


def check_objects(site: WorkflowSite) -> Iterator[Finding]:
    """A comparison with a whole object or list.

    Texts, numbers, true and false can be compared, and an llm_call's answer, of which the text is. Any other
    object, or a list, is compared as its JSON, which is hardly ever equal to something. Compare one of its
    keys, or its `.length`; `contains` looks into a list, and is_empty works on everything.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: check, type: logic, data: {logicType: if_else, condition: "{{attachments}} > 0"}}
      - {id: thank, type: send_message, data: {message: Thank you for the file.}}
    edges:
      - start -> check
      - check.true -> thank
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: check, type: logic, data: {logicType: if_else, condition: "{{attachments.length}} > 0"}}
      - {id: thank, type: send_message, data: {message: Thank you for the file.}}
    edges:
      - start -> check
      - check.true -> thank
    ```
    """
    for at, comparison, flow in comparisons_of(site):
        right = comparison.right
        if comparison.operator not in _OF_TEXT or right is None:
            continue
        for one, other in ((comparison.left, right), (right, comparison.left)):
            shape = _shape(one, flow)
            is_odd = _is_compared_as_json(shape) and _is_no_json(other, flow)
            if is_odd and not _may_be_given(comparison, flow):
                yield Finding(
                    f"`{one.source}` is {shape.kind.value}, compared as a text",
                    at=at,
                    within=(one.offset, len(one.source)),
                    label="its JSON is what is compared",
                    help=_inside(one, shape, comparison.operator),
                )


def _is_compared_as_json(shape: Shape) -> bool:
    return shape.kind is Kind.LIST or (shape.kind is Kind.OBJECT and not is_answer(shape))


def _is_no_json(operand: Operand, flow: Flow) -> bool:
    """Whether this can never equal the JSON of an object or a list, nor ask whether there is one."""
    if operand.placeholders:
        return _shape(operand, flow).kind in _SCALARS
    text = operand.template.plain.strip()
    return bool(text) and operand.source != "null" and text[0] not in "{["


def _inside(operand: Operand, shape: Shape, operator: str) -> str:
    path = operand.placeholders[0].name
    if shape.kind is Kind.LIST:
        return f"compare `{{{{{path}.length}}}}`, or ask whether `{{{{{path}}}}} contains` it"
    fitting = Kind.NUMBER if operator in _ORDER else Kind.TEXT
    keys = [key for key, inside in shape.keys.items() if inside.kind is fitting] or list(shape.keys)
    return f"compare one of its keys, such as `{{{{{path}.{keys[0] if keys else 'status'}}}}}`"


def check_numbers(site: WorkflowSite) -> Iterator[Finding]:
    """A comparison that never comes out as it was meant.

    Two numbers are compared as numbers, anything else as text, letter by letter. A number is written as in
    JSON: no currency, no thousands separators. True and false are `true` and `false`.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: check, type: logic, data: {logicType: if_else, condition: "{{message}} > $500"}}
      - {id: tell, type: send_message, data: {message: That is a lot.}}
    edges:
      - start -> check
      - check.true -> tell
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: check, type: logic, data: {logicType: if_else, condition: "{{message}} > 500"}}
      - {id: tell, type: send_message, data: {message: That is a lot.}}
    edges:
      - start -> check
      - check.true -> tell
    ```
    """
    for at, comparison, flow in comparisons_of(site):
        right = comparison.right
        if right is None or comparison.operator not in {"==", "!=", *_ORDER}:
            continue
        for one, other in ((comparison.left, right), (right, comparison.left)):
            told = _not_in_braces(one, other, comparison.operator, flow) or _length_outside(one)
            told = told or _never_so(one, _shape(other, flow), comparison.operator)
            if told and not _may_be_given(comparison, flow):
                message, label, help = told
                yield Finding(message, at=at, within=(one.offset, len(one.source)), label=label, help=help)


def _never_so(literal: Operand, shape: Shape, operator: str) -> tuple[str, str, str] | None:
    """What is wrong with comparing a written text with a value of this shape."""
    text = literal.template.plain.strip()
    if literal.placeholders or not text or literal.source == "null" or as_number(text) is not None:
        return None
    if operator in _ORDER and not literal.is_quoted and _WRITTEN_NUMBER.fullmatch(text):
        plain = _DIGITS.sub("", text).strip(".")
        return f"`{text}` is not a number", f"`{operator}` compares it as a text", f"write `{plain}`"
    if shape.kind is Kind.NUMBER:
        message = f"a number is compared with `{text}`"
        return message, f"`{operator}` compares them as texts", "compare with a number"
    if shape.kind is Kind.TRUTH and operator in ("==", "!=") and text not in ("true", "false"):
        return f"true or false is compared with `{text}`", "it equals neither", "write `true` or `false`"
    return None


def _not_in_braces(
    literal: Operand, other: Operand, operator: str, flow: Flow
) -> tuple[str, str, str] | None:
    """What is wrong with asking whether a value is more than the name of a variable."""
    name = literal.source.partition(".")[0]
    if operator not in _ORDER or literal.is_quoted or not other.placeholders or name not in flow.writes:
        return None
    message = f"`{literal.source}` is a text here, not the variable"
    return message, f"`{operator}` compares with the word", f"write `{{{{{literal.source}}}}}`"


def _length_outside(operand: Operand) -> tuple[str, str, str] | None:
    """What is wrong with `{{order}}.length`."""
    pieces = operand.template.pieces
    if operand.is_quoted or len(pieces) != 2 or pieces[1] != ".length":
        return None
    path = operand.placeholders[0].name
    message = f"`{operand.source}` is a text, not a length"
    return message, "`.length` stands outside of the braces", f"write `{{{{{path}.length}}}}`"


def is_never_so(comparison: Comparison) -> bool:
    """Whether one side is a number as people write it, which is told wherever it is compared."""
    sides = [side for side in (comparison.left, comparison.right) if side is not None]
    return any(_never_so(side, Shape.ANY, comparison.operator) for side in sides)


def _shape(operand: Operand, flow: Flow) -> Shape:
    if not operand.template.is_value:
        return Shape.ANY
    return flow.shapes.certain(operand.placeholders[0].parts)


def _may_be_given(comparison: Comparison, flow: Flow) -> bool:
    """Whether another bot may hand over what is compared, so that its shape is not certain."""
    operands = [one for one in (comparison.left, comparison.right) if one is not None]
    names = [placeholder.parts[0] for operand in operands for placeholder in operand.placeholders]
    return any(flow.may_be_given(name) for name in names)


def comparisons_of(site: WorkflowSite) -> Iterator[tuple[Path, Comparison, Flow]]:
    """The comparisons in nodes that can be reached, with where their condition stands."""
    if not site.graph.triggers:
        return
    for node in site.graph.nodes.values():
        condition = getattr(node.data, "condition", "")
        if not condition or node.id not in site.flow.ways.reached:
            continue
        try:
            comparisons = parse_condition(condition).comparisons
        except ExpressionError:
            continue  # told by the rules about expressions
        for comparison in comparisons:
            yield (*node.path, "data", "condition"), comparison, site.flow


OBJECTS_COMPARED = Rule(code="VR205", severity="warning", check=check_objects, doc=check_objects.__doc__)
NEVER_EQUAL = Rule(code="VR206", severity="warning", check=check_numbers, doc=check_numbers.__doc__)
