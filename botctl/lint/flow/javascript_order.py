"""The order of what JavaScript does with one variable: which reads come after the code itself has set it.

Such a read is none from outside. A write on a branch that the read does not stand on is passed over; one that
is only made on some ways counts, because who reads after it has thought of that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from botctl.lint.flow.javascript_branches import DEEPEST, Branch

if TYPE_CHECKING:
    from tree_sitter import Node as Syntax

_TARGETS = {
    "array_pattern", "object_pattern", "pair_pattern", "assignment_pattern", "object_assignment_pattern",
    "rest_pattern", "parenthesized_expression",
}  # fmt: skip
_ASSIGNMENTS = {"assignment_expression", "augmented_assignment_expression"}


def done_at(node: Syntax, parents: Mapping[int, Syntax]) -> int:
    """Where a write is done: behind the whole assignment, whose right side is worked out before."""
    inner, outer = node, parents.get(node.id)
    for _ in range(DEEPEST):
        if outer is None or outer.type not in _TARGETS:
            break
        inner, outer = outer, parents.get(outer.id)
    if outer is not None and outer.type in _ASSIGNMENTS and outer.child_by_field_name("left") == inner:
        return outer.end_byte
    return node.end_byte


def comes_after(
    start: int, around: Sequence[Branch], written: Sequence[tuple[int, tuple[Branch, ...]]]
) -> bool:
    """Whether what begins at `start`, in these branches, comes after one of the writes, which are given by
    where they are done and in which branches."""
    taken = {branch.place: branch.number for branch in around}
    return any(
        done <= start and all(taken.get(one.place, one.number) == one.number for one in branches)
        for done, branches in written
    )
