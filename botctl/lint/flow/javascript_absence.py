"""The absence of a variable in JavaScript: what a condition comes to while the variable is not set.

Code that gives a variable its first value asks before whether it has one: `if (ctx.variables.n == null)`,
`if (!("n" in ctx.variables))`. Such a branch is surely gone wherever the variable is not set.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node as Syntax

Extents = frozenset[tuple[int, int]]
"""Where expressions of a code begin and end."""

_FALSE_OF_NOTHING = {"Boolean", "Array.isArray", "Number", "Number.isFinite", "isFinite"}
_TRUE_OF_NOTHING = {"isNaN"}
_DEEPEST = 30


def gone_if_unset(inner: Syntax, outer: Syntax, values: Extents, questions: Extents) -> bool:
    """Whether `inner`, one of the ways that `outer` may go, is surely gone while a variable is not set.

    values: the expressions that give the variable; questions: those that ask whether there is one.
    """
    asked = _Asked(values, questions)
    if outer.type in ("if_statement", "ternary_expression"):
        holds = asked.holds(outer.child_by_field_name("condition"))
        role = "consequence" if holds else "alternative"
        return holds is not None and inner == outer.child_by_field_name(role)
    if outer.type != "binary_expression" or inner != outer.child_by_field_name("right"):
        return False
    left, operator = outer.child_by_field_name("left"), text_of(outer.child_by_field_name("operator"))
    if operator == "??":
        return left is not None and asked.is_value(left)
    goes_on = {"&&": True, "||": False}.get(operator)
    return goes_on is not None and asked.holds(left) is goes_on


class _Asked:
    """Conditions about one variable that is not set: what they come to, None where that cannot be told."""

    def __init__(self, values: Extents, questions: Extents) -> None:
        self._values = values
        self._questions = questions

    def is_value(self, node: Syntax) -> bool:
        """Whether an expression gives the variable."""
        node = _bare(node)
        return (node.start_byte, node.end_byte) in self._values

    def holds(self, node: Syntax | None, level: int = 0) -> bool | None:
        """Whether a condition holds."""
        if node is None or level > _DEEPEST:
            return None
        node = _bare(node)
        if self.is_value(node) or (node.start_byte, node.end_byte) in self._questions:
            return False
        if node.type == "unary_expression" and text_of(node.child_by_field_name("operator")) == "!":
            inside = self.holds(node.child_by_field_name("argument"), level + 1)
            return None if inside is None else not inside
        if node.type == "call_expression":
            return self._of_call(node)
        return self._of_pair(node, level) if node.type == "binary_expression" else None

    def _of_call(self, node: Syntax) -> bool | None:
        function = text_of(node.child_by_field_name("function"))
        arguments = node.child_by_field_name("arguments")
        given = arguments.named_children if arguments is not None else []
        if len(given) != 1 or not self.is_value(given[0]):
            return None
        if function in _TRUE_OF_NOTHING:
            return True
        return False if function in _FALSE_OF_NOTHING else None

    def _of_pair(self, node: Syntax, level: int) -> bool | None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        operator = text_of(node.child_by_field_name("operator"))
        if left is None or right is None:
            return None
        if operator in ("&&", "||"):
            both = [self.holds(side, level + 1) for side in (left, right)]
            settling = operator == "||"
            if settling in both:
                return settling
            return None if None in both else not settling
        is_equal = self._is_equal(_bare(left), _bare(right), is_strict=len(operator) == 3)
        if is_equal is None or operator not in ("==", "===", "!=", "!=="):
            return None
        return is_equal is operator.startswith("=")

    def _is_equal(self, left: Syntax, right: Syntax, *, is_strict: bool) -> bool | None:
        """Whether the two sides of a comparison are the same, one of which is the variable or its type."""
        for one, other in ((left, right), (right, left)):
            told = re.sub(r"\s", "", text_of(other))
            if self.is_value(one):
                if told in ("undefined", "void0", "null"):
                    return told != "null" or not is_strict
                return False if other.type in ("string", "number", "true", "false") else None
            if one.type == "unary_expression" and text_of(one.child_by_field_name("operator")) == "typeof":
                argument = one.child_by_field_name("argument")
                if argument is not None and self.is_value(argument) and other.type == "string":
                    return told[1:-1] == "undefined"
        return None


def _bare(node: Syntax) -> Syntax:
    """An expression without the brackets around it."""
    for _ in range(_DEEPEST):
        if node.type != "parenthesized_expression" or len(node.named_children) != 1:
            break
        node = node.named_children[0]
    return node


def text_of(node: Syntax | None) -> str:
    """The code of a node; "" of none."""
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""
