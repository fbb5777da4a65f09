"""The record that every node type fills."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Generic, TypeVar

from msgspec import Struct

from botctl.execution.outcome import Outcome
from botctl.execution.step import Step
from botctl.nodes.shape import Origin
from botctl.nodes.site import Site
from botctl.section import Section
from botctl.source.rule import Rule


class NodeData(Section):
    """What may stand under `data:` of a node of any type."""

    label: str = ""
    """A name for people, shown in traces and pictures."""


D = TypeVar("D", bound=NodeData)


class Interrupted(Enum):
    """What becomes of a step that the process died in."""

    RUN_AGAIN = "run again"
    ASK_TOOL = "run again if the tool may be repeated, else in doubt"


def just_next(data: NodeData) -> tuple[str, ...]:
    """The way out of a node that has only one."""
    return ("next",)


def nothing(data: NodeData) -> Mapping[str, Origin]:
    """The variables of a node that sets none."""
    return {}


class NodeType(Struct, Generic[D], frozen=True, kw_only=True):
    """One kind of node.

    name: the word after `type:`; doc: `botctl explain <name>`; data: what may stand under `data:`; rules:
    mistakes that only this kind can know about; handles: its ways out; writes: the variables it sets, by the
    handles in `sets_by` only if there are any.
    """

    name: str
    doc: str | None
    data: type[D]
    execute: Callable[[D, Step], Awaitable[Outcome]]
    rules: tuple[Rule[Site[D]], ...] = ()
    handles: Callable[[D], tuple[str, ...]] = just_next
    writes: Callable[[D], Mapping[str, Origin]] = nothing
    sets_by: tuple[str, ...] = ()
    if_interrupted: Interrupted = Interrupted.RUN_AGAIN
