"""The branches of JavaScript: the ways that code may go, as far as they decide what it sets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from botctl.lint.flow.javascript_absence import text_of

if TYPE_CHECKING:
    from tree_sitter import Node as Syntax

DEEPEST = 200
"""Levels of code that are looked through."""

_LOOPS = {"for_statement", "for_in_statement", "while_statement"}
_ENDLESS = re.compile(r"(?:\(\s*(?:true|1|!0)\s*\)|;|true|1|)")
"""Conditions of loops that are only left from inside."""
_FAILING = re.compile(r"(?:null|undefined)\s*[.\[]")
_FUNCTIONS = {"function_declaration", "function_expression", "arrow_function", "method_definition"}
_SHORT = {"&&", "||", "??"}


class Branch(NamedTuple):
    """One of the ways that code goes at a place of it. others: the ones beside it; where all of them set a
    variable it is set in any case. Without others it may not be gone at all."""

    place: int
    number: int
    others: tuple[int, ...]


def never(inner: Syntax, outer: Syntax) -> bool:
    """No branch is gone for certain."""
    return False


class Branches:
    """The branches of one syntax tree. parents: the node around each, by id."""

    def __init__(self, parents: Mapping[int, Syntax]) -> None:
        self._parents = parents
        self._returns: dict[int, list[int]] = {}

    def of(self, node: Syntax, is_gone: Callable[[Syntax, Syntax], bool] = never) -> tuple[Branch, ...]:
        """The branches that a node stands in, outermost first, without those that are surely gone. Where that
        is unclear there are none, as if it were always run: within functions, and nested too deeply."""
        found: list[Branch] = []
        inner, outer = node, self._parents.get(node.id)
        for _ in range(DEEPEST):
            if outer is None:
                return tuple(reversed(found))
            if outer.type in _FUNCTIONS:
                return ()
            if _is_endless(outer) and inner == outer.child_by_field_name("body"):
                found = []  # nobody can tell in which iteration it is left
            branch = _branch(inner, outer)
            if branch is not None and not is_gone(inner, outer):
                found.append(branch)
            if outer.type in ("program", "statement_block"):
                places = [place for place in self._returning(outer) if place < inner.start_byte]
                found += [Branch(place, 1, (0,)) for place in reversed(places)]
            inner, outer = outer, self._parents.get(outer.id)
        return ()

    def _returning(self, block: Syntax) -> list[int]:
        """Where `if (...) return;` stands in a block: what comes after it is that `if`'s other branch."""
        if block.id not in self._returns:
            self._returns[block.id] = [
                statement.start_byte
                for statement in block.named_children
                if statement.type == "if_statement"
                and statement.child_by_field_name("alternative") is None
                and (then := statement.child_by_field_name("consequence")) is not None
                and _returns(then)
            ]
        return self._returns[block.id]


def merged(writes: Sequence[tuple[str, tuple[Branch, ...]]]) -> set[str]:
    """The names that are surely set, given in which branches they are set."""
    known = {(branches, name) for name, branches in writes}
    for depth in range(max((len(branches) for _, branches in writes), default=0), 0, -1):
        for branches, name in [one for one in known if len(one[0]) == depth]:
            *around, last = branches
            siblings = [Branch(last.place, number, ()) for number in last.others]
            if last.others and all(_is_known(known, tuple(around), one, name) for one in siblings):
                known.add((tuple(around), name))
    return {name for branches, name in known if not branches}


def _is_known(
    known: set[tuple[tuple[Branch, ...], str]], around: tuple[Branch, ...], sibling: Branch, name: str
) -> bool:
    return any(
        other == name
        and branches[:-1] == around
        and branches
        and (branches[-1].place, branches[-1].number) == (sibling.place, sibling.number)
        for branches, other in known
    )


def _branch(inner: Syntax, outer: Syntax) -> Branch | None:
    """The branch that `inner` is of `outer`; None if it is always run."""
    place = outer.start_byte
    if outer.type in ("if_statement", "ternary_expression"):
        consequence, alternative = (
            outer.child_by_field_name(role) for role in ("consequence", "alternative")
        )
        if inner == consequence:
            if alternative is None and _returns(consequence):
                return Branch(place, 0, (1,))
            return _one_of_two(place, 0, alternative)
        return _one_of_two(place, 1, consequence) if inner == alternative else None
    if outer.type == "try_statement":
        body, handler = outer.child_by_field_name("body"), outer.child_by_field_name("handler")
        if handler is None or inner not in (body, handler) or (inner == handler and _fails(body)):
            return None
        return Branch(place, 0, (1,)) if inner == body else Branch(place, 1, (0,))
    if outer.type == "binary_expression" and inner == outer.child_by_field_name("right"):
        operator = outer.child_by_field_name("operator")
        return Branch(place, 0, ()) if operator is not None and operator.type in _SHORT else None
    if outer.type == "switch_body":
        cases = [case for case in outer.named_children if case.type in ("switch_case", "switch_default")]
        numbers = [number for number, case in enumerate(cases) if _has_body(case) and not _throws(case)]
        if not any(case.type == "switch_default" for case in cases) and not _is_of_truth(cases):
            return Branch(place, cases.index(inner), ())
        number = cases.index(inner)
        others = tuple(other for other in numbers if other != number)
        return Branch(place, number, others) if others else None
    is_body = outer.type in _LOOPS and inner == outer.child_by_field_name("body")
    return Branch(place, 0, ()) if is_body and not _is_endless(outer) else None


def _is_endless(loop: Syntax) -> bool:
    """Whether a loop is only left by `break`, `return` or an exception."""
    if loop.type not in ("for_statement", "while_statement", "do_statement"):
        return False
    condition = loop.child_by_field_name("condition")
    return _ENDLESS.fullmatch(text_of(condition).strip()) is not None


def _fails(body: Syntax | None) -> bool:
    """Whether what is tried surely fails: it throws, or asks something of null."""
    if body is None:
        return False
    return _throws(body) or any(_FAILING.match(text_of(statement)) for statement in body.named_children)


def _is_of_truth(cases: Sequence[Syntax]) -> bool:
    """Whether the cases are `true` and `false`, beside which there is nothing."""
    return {text_of(case.child_by_field_name("value")) for case in cases} == {"true", "false"}


def _one_of_two(place: int, number: int, other: Syntax | None) -> Branch | None:
    if other is None:
        return Branch(place, number, ())
    return None if _throws(other) else Branch(place, number, (1 - number,))


def _has_body(case: Syntax) -> bool:
    return len(case.named_children) > (case.type == "switch_case")


def _throws(node: Syntax) -> bool:
    """Whether a branch ends by throwing, so that it sets nothing."""
    inside = [child for child in node.named_children if child.type != "comment"]
    if node.type in ("statement_block", "else_clause", "switch_case", "switch_default"):
        return bool(inside) and _throws(inside[-1])
    return node.type == "throw_statement"


def _returns(node: Syntax) -> bool:
    if node.type == "statement_block":
        inside = [child for child in node.named_children if child.type != "comment"]
        return bool(inside) and _returns(inside[-1])
    return node.type == "return_statement"
