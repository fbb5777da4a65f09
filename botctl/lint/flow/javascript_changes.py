"""The changes that JavaScript may make inside of the objects and lists that it reads, if it makes any."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node as Syntax

_CHANGING = {
    "push", "pop", "shift", "unshift", "splice", "sort", "reverse", "fill", "copyWithin",
    "call", "apply", "bind", "assign", "defineProperty", "defineProperties", "setPrototypeOf", "set",
    "deleteProperty", "__defineGetter__", "__defineSetter__",
}  # fmt: skip
_ASSIGNING = {"assignment_expression": "left", "augmented_assignment_expression": "left"}
_OF_ONE = {"update_expression": "argument", "unary_expression": "argument"}
_KEY = rb"\.\s*[\w$]+|\[\s*(?:'[^'\\]*'|\"[^\"\\]*\")\s*\]"
_WHOLE_VARIABLE = re.compile(rb"ctx\s*\.\s*variables\s*(?:" + _KEY + rb")?")


def may_change_values(root: Syntax) -> bool:
    """Whether anything in a syntax tree may change an object or a list that was there before.

    Names may be given values, and so may whole variables of `ctx`. Loops change nothing, nor do methods that
    give something new.
    """
    cursor = root.walk()
    while True:
        if cursor.node is not None and _may_change(cursor.node):
            return True
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return False


def _may_change(node: Syntax) -> bool:
    if node.type == "call_expression":
        return _is_changing(node.child_by_field_name("function"))
    if node.type == "for_in_statement":
        is_declared = node.child_by_field_name("kind") is not None
        return not is_declared and _is_inside(node.child_by_field_name("left"))
    if node.type == "unary_expression" and not (node.text or b"").startswith(b"delete"):
        return False
    role = _ASSIGNING.get(node.type) or _OF_ONE.get(node.type)
    return role is not None and _is_inside(node.child_by_field_name(role))


def _is_changing(function: Syntax | None) -> bool:
    """Whether a call may change what it is called on, or given; a name computed is any name."""
    if function is None or function.type not in ("member_expression", "subscript_expression"):
        return False
    name = function.child_by_field_name("property")
    return name is None or (name.text or b"").decode("utf-8", "replace") in _CHANGING


def _is_inside(target: Syntax | None) -> bool:
    """Whether what is put here goes into something that may be a value of before."""
    if target is None or target.type == "identifier":
        return False
    return _WHOLE_VARIABLE.fullmatch(target.text or b"") is None
