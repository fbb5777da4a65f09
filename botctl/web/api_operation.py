"""The operation: one thing that the API can be asked, with all that its document says of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar

from msgspec import Meta, Struct

from botctl.clock import Clock
from botctl.errors import UserError
from botctl.runtime.standing import BotShape
from botctl.store import listing
from botctl.store.database import Database
from botctl.store.listing import Bots, Table

Right = Literal["see", "decide", "talk", "manage"]
Q = TypeVar("Q")
B = TypeVar("B")

BotName = Annotated[str, Meta(max_length=200, description="Only this bot's; empty: all.")]
Limit = Annotated[int, Meta(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[
    str,
    Meta(
        pattern=r"^([0-9]{1,18}(-[0-9]{1,18})?)?$",
        description="Where to go on: `next` of the page before; empty: from the start.",
    ),
]


class Reviewer(Protocol):
    """Who asks. rights: what he may do. bots: those he may see; empty: all."""

    @property
    def name(self) -> str:
        """Who he is, for what he decides."""

    @property
    def rights(self) -> Collection[str]:
        """Some of see, decide, talk, manage."""

    @property
    def bots(self) -> Collection[str]:
        """The bots that he is limited to."""


class Refusal(UserError):
    """A request that is not granted, with its HTTP status."""

    def __init__(
        self, status: int, message: str, *, help: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, help=help)
        self.status = status
        self.headers = dict(headers or {})


class Desk(Struct, frozen=True, kw_only=True):
    """What operations work with. look: called when something was left for this process's runners.
    standing: how the bots stand. faults: by (bot, platform), what went wrong last. mask takes secrets out of
    each text of an answer."""

    database: Database
    clock: Clock
    state_folder: Path
    look: Callable[[], None]
    standing: Callable[[], Awaitable[Sequence[BotShape]]]
    faults: Callable[[], Mapping[tuple[str, str], str]]
    mask: Callable[[str], str] = str


class Asked(Struct, Generic[Q, B], frozen=True, kw_only=True):
    """A request that was read. id: of the path, "" where it has none."""

    reviewer: Reviewer
    id: str
    query: Q
    body: B

    def bots(self, only: str = "") -> Bots:
        """The bots that the answer may tell of, of which perhaps only one is asked for."""
        own = self.reviewer.bots
        if not only:
            return sorted(own) or None
        return [only] if not own or only in own else []

    def whole_id(self, connection: sqlite3.Connection, table: Table) -> str:
        """The one id of a table that starts as the path says; a Refusal when there is none, or more."""
        found = listing.ids(connection, table, self.id, self.bots())
        if len(found) == 1:
            return found[0]
        noun = {"runs": "run", "handoffs": "handoff", "schedules": "schedule", "outbox": "dead letter"}[table]
        if not found:
            raise Refusal(404, f"no {noun} has an id that starts with `{self.id}`")
        raise Refusal(
            409,
            f"several {noun}s have ids that start with `{self.id}`: {', '.join(found[:5])}",
            help="give more of the id",
        )


class NoQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing."""


class NoBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing; it may be left out."""


class Operation(Struct, frozen=True, kw_only=True):
    """One thing that can be asked. path: below /api; refuses: the refusals that are its own."""

    id: str
    method: Literal["GET", "POST"]
    path: str
    right: Right
    summary: str
    perform: Callable[[Desk, Any], Awaitable[Struct]]
    answer: type[Struct]
    query: type[Struct] = NoQuery
    body: type[Struct] = NoBody
    refuses: Mapping[int, str] = {}


class ErrorShape(Struct, frozen=True, kw_only=True):
    """Why a request was refused: the fact, and the way out."""

    error: str
    help: str


def numbers_of(cursor: str) -> tuple[int, int] | None:
    """What a cursor tells; None for the start."""
    first, _, second = cursor.partition("-")
    return (int(first), int(second or 0)) if first else None


def number_of(cursor: str) -> int | None:
    """The same where one number is enough."""
    numbers = numbers_of(cursor)
    return numbers[0] if numbers else None
