"""What happened in one step of a story: gathered while it happens, compared and told afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from botctl.messages import OutgoingMessage


class Spot(Struct, frozen=True):
    """The node that is being executed: of which bot, of which run, and where in it."""

    bot: str = ""
    node: str = ""
    run: str = ""

    def __str__(self) -> str:
        return self.node or "no node"


SPOT: ContextVar[Spot] = ContextVar("SPOT", default=Spot())  # noqa: B039
"""Where the work of the current task belongs."""


TURNS = "turns"
"""What a loop does that has anything to do."""


class Visit(Struct, frozen=True, kw_only=True):
    """One execution of a node. handle: by which it was left; "" if it waits, failed or just ended.

    depth: of the run, below the one that the user talks to. iteration: the loops around it, innermost last.
    """

    spot: Spot
    type: str
    handle: str = ""
    what: str = ""
    error: str = ""
    notes: tuple[str, ...] = ()
    depth: int = 0
    iteration: tuple[tuple[str, int], ...] = ()
    wave: int = 0
    tickets: tuple[str, ...] = ()


class Told(Struct, frozen=True, kw_only=True):
    """A message that left. user: who got it, "" if nobody of the story; spot: the node that said it."""

    message: OutgoingMessage
    user: str
    spot: Spot


class Call(Struct, frozen=True, kw_only=True):
    """A call of a tool, and what came of it in a few words."""

    spot: Spot
    tool: str
    arguments: Mapping[str, Any]
    outcome: str = ""


class Asked(Struct, frozen=True, kw_only=True):
    """A question to a model, and its answer."""

    spot: Spot
    prompt: str
    answer: str = ""
    tokens: int = 0


class Gap(Struct, frozen=True, kw_only=True):
    """Something that no stub covers: what it was, and what to write so that it is covered.

    wanted: the prompt that the nearest stub has, if that differs only in it.
    """

    spot: Spot
    fact: str
    snippet: str
    wanted: str | None = None
    actual: str | None = None
    at: tuple[str | int, ...] = ()


@dataclass(slots=True)
class Happening:
    """All that happened in one step, in order."""

    visits: list[Visit] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    handoffs: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    schedules: list[tuple[int, str, str, str, str]] = field(default_factory=list)
    variables: Mapping[str, Any] = field(default_factory=dict)
    writers: dict[str, str] = field(default_factory=dict)
    status: str = ""
    error: str = ""
    micro_cents: int = 0
    died: bool = False
    refused: str = ""


@dataclass(slots=True)
class Scene:
    """Where it happens. now: what happened so far in the current step."""

    now: Happening = field(default_factory=Happening)
