"""Narrowing: what a decision tells of the variables that it asked for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from botctl.expr.comparison import Comparison, Operand
from botctl.expr.condition import Both, Not, Part, parse_condition
from botctl.expr.path import ExpressionError, parse_bare_path
from botctl.project.graph import LOOP_BODY, LOOP_DONE, Node

NOTHING: frozenset[str] = frozenset()


def set_where(node: Node, handle: str) -> frozenset[str]:
    """The variables that are set where a node is left by this handle, because of what it asked.

    A loop that is cut leaves by `loop_done` too, though its condition still holds.
    """
    condition = getattr(node.data, "condition", "")
    if condition and handle in ("true", "false", LOOP_BODY, LOOP_DONE):
        return _told(condition)[handle in ("false", LOOP_DONE)]
    if handle.startswith("case_") and handle not in ("case_default", "case_"):
        try:
            return frozenset(parse_bare_path(node.data.variable)[:1])
        except ExpressionError:
            return NOTHING
    return NOTHING


@lru_cache(maxsize=4096)
def _told(condition: str) -> tuple[frozenset[str], frozenset[str]]:
    """The variables that are set if the condition holds, and if it does not."""
    try:
        return _of(parse_condition(condition).root)
    except ExpressionError:
        return NOTHING, NOTHING


def _of(part: Part) -> tuple[frozenset[str], frozenset[str]]:
    if isinstance(part, Comparison):
        return _of_comparison(part)
    if isinstance(part, Not):
        holds, fails = _of(part.part)
        return fails, holds
    inside = [_of(one) for one in part.parts]
    holding, failing = [one[0] for one in inside], [one[1] for one in inside]
    if isinstance(part, Both):
        return _all(holding), _any(failing)
    return _any(holding), _all(failing)


def _all(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*sets)


def _any(sets: list[frozenset[str]]) -> frozenset[str]:
    return sets[0].intersection(*sets[1:])


def _of_comparison(comparison: Comparison) -> tuple[frozenset[str], frozenset[str]]:
    """What is not set is null, which is as empty as "" and equal to the word null."""
    name = _variable(comparison.left)
    if name is None:
        return NOTHING, NOTHING
    one = frozenset([name])
    operator, right = comparison.operator, comparison.right
    if right is None:
        return (NOTHING, one) if operator == "is_empty" else (one, NOTHING)
    if right.placeholders:
        return NOTHING, NOTHING
    is_nothing = right.source == "null" or right.template.plain.strip() == ""
    if operator in ("==", "!="):
        told = (NOTHING, one) if is_nothing else (one, NOTHING)
        return told if operator == "==" else (told[1], told[0])
    if is_nothing:
        return NOTHING, NOTHING
    if operator in ("contains", "starts_with", "ends_with", ">", ">="):
        return one, NOTHING
    return (NOTHING, one) if operator in ("not_contains", "<", "<=") else (NOTHING, NOTHING)


def _variable(operand: Operand) -> str | None:
    placeholders = operand.template.placeholders
    return placeholders[0].parts[0] if operand.template.is_value and len(placeholders) == 1 else None
