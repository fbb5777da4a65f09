"""Runs over the API: listed, told, cancelled, retried."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from botctl.engine.shapes import RunShape, StoryShape
from botctl.engine.trace import run_shape, story_of, story_shape
from botctl.runtime import commands
from botctl.runtime.lock import holder_of
from botctl.store import conversations, listing, runs
from botctl.store.database import connect
from botctl.store.runs import RunRow
from botctl.web.api_operation import (
    Asked,
    BotName,
    Cursor,
    Desk,
    Limit,
    NoBody,
    NoQuery,
    Operation,
    number_of,
)

Note = Annotated[str, Meta(max_length=4000, description="Why, for the run and for others.")]


class RunsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which runs."""

    bot: BotName = ""
    status: Annotated[
        Literal["all", "running", "waiting", "completed", "error", "budget", "cancelled"],
        Meta(description="Only those of this status."),
    ] = "all"
    in_doubt: Annotated[
        bool, Meta(description="Only those of which an effect may or may not have been made.")
    ] = False
    undelivered: Annotated[bool, Meta(description="Only those with messages that could not be sent.")] = False
    search: Annotated[
        str,
        Meta(
            max_length=200,
            description="The beginning of an id, or a part of the message that started it, of the error, or"
            " of who is talked to.",
        ),
    ] = ""
    limit: Limit = 50
    cursor: Cursor = ""


class RunPage(Struct, frozen=True, kw_only=True):
    """Runs, newest first. next: the cursor of the next page; null: this is the last."""

    items: list[RunShape]
    next: str | None


class CancelBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a run is cancelled."""

    note: Note = ""


class RetryBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of effects that are in doubt. how: again (they were not made) or done (they were, and gave
    `result`); it may be left out where nothing is in doubt. result counts with `how: done` only."""

    how: Literal["", "again", "done"] = ""
    result: Any = None


class CommandedShape(Struct, frozen=True, kw_only=True):
    """A run to which a command was given. by: who gave it; sent_again: how many dead letters of it are tried
    again; left_for: the process that carries it out; null: it was carried out at once, or is at the next
    start of the bot."""

    run: RunShape
    by: str
    sent_again: int
    left_for: str | None


async def list_runs(desk: Desk, asked: Asked[RunsQuery, NoBody]) -> RunPage:
    """The newest runs, newest first."""
    query = asked.query

    def read(connection: sqlite3.Connection) -> RunPage:
        rows = listing.runs_before(
            connection,
            number_of(query.cursor),
            query.limit + 1,
            bots=asked.bots(query.bot),
            status="" if query.status == "all" else query.status,
            in_doubt=query.in_doubt,
            undelivered=query.undelivered,
            search=query.search,
        )
        shown = rows[: query.limit]
        more = str(shown[-1].seq) if len(rows) > query.limit else None
        return RunPage(items=[_shape(connection, row) for row in shown], next=more)

    if query.search:  # it reads much: beside the event loop, so that no bot has to wait for it
        return await asyncio.to_thread(_read_aside, desk.database.path, read)
    return desk.database.read(read)


async def show_run(desk: Desk, asked: Asked[NoQuery, NoBody]) -> StoryShape:
    """A run from beginning to end."""
    return desk.database.read(lambda connection: story_shape(story_of(connection, _found(connection, asked))))


async def cancel_run(desk: Desk, asked: Asked[NoQuery, CancelBody]) -> CommandedShape:
    """End a run that is not over."""
    by, now_ms = asked.reviewer.name, desk.clock.now_ms()
    why = f"cancelled by {by}: {asked.body.note}" if asked.body.note else f"cancelled by {by}"
    holder = _holder(desk, asked)

    def cancel(connection: sqlite3.Connection) -> tuple[int, int]:
        row = _found(connection, asked)
        return row.seq, commands.cancel_run(connection, row, why, holder=holder, now_ms=now_ms)

    seq, event = await desk.database.write(cancel)
    desk.look()
    return _commanded(desk, asked, seq, 0, holder if event else "")


async def retry_run(desk: Desk, asked: Asked[NoQuery, RetryBody]) -> CommandedShape:
    """Take up a run that failed, and send again what could not be sent."""
    answer, now_ms = _answer(asked.body), desk.clock.now_ms()
    holder = _holder(desk, asked)

    def retry(connection: sqlite3.Connection) -> tuple[int, int, int]:
        row = _found(connection, asked)
        return row.seq, *commands.retry_run(connection, row, answer, now_ms)

    seq, sent_again, event = await desk.database.write(retry)
    desk.look()
    return _commanded(desk, asked, seq, sent_again, holder if event else "")


def _answer(body: RetryBody) -> dict[str, Any] | None:
    if body.how == "done":
        return {"result": body.result}
    return {"again": True} if body.how else None


def _read_aside(path: Path, read: Callable[[sqlite3.Connection], RunPage]) -> RunPage:
    with closing(connect(path)) as connection:
        return read(connection)


def _found(connection: sqlite3.Connection, asked: Asked[Any, Any]) -> RunRow:
    return runs.find(connection, asked.whole_id(connection, "runs"))


def _holder(desk: Desk, asked: Asked[Any, Any]) -> str:
    row = desk.database.read(lambda connection: _found(connection, asked))
    return holder_of(desk.state_folder, row.runner)


def _shape(connection: sqlite3.Connection, row: RunRow) -> RunShape:
    return run_shape(row, conversations.key_of(connection, row.conversation))


def _commanded(desk: Desk, asked: Asked[Any, Any], seq: int, sent_again: int, holder: str) -> CommandedShape:
    run = desk.database.read(lambda connection: _shape(connection, runs.get(connection, seq)))
    by = asked.reviewer.name
    return CommandedShape(run=run, by=by, sent_again=sent_again, left_for=holder or None)


OPERATIONS = (
    Operation(
        id="list_runs",
        method="GET",
        path="/runs",
        right="see",
        summary="The newest runs, newest first.",
        perform=list_runs,
        query=RunsQuery,
        answer=RunPage,
    ),
    Operation(
        id="show_run",
        method="GET",
        path="/runs/{id}",
        right="see",
        summary="A run from beginning to end: waves, nodes, timings, variables, what was said.",
        perform=show_run,
        answer=StoryShape,
    ),
    Operation(
        id="cancel_run",
        method="POST",
        path="/runs/{id}/cancel",
        right="manage",
        summary="End a run that is not over: nothing wakes it any more, its handoffs and codes are void.",
        perform=cancel_run,
        body=CancelBody,
        answer=CommandedShape,
        refuses={409: "The id is of several runs, or the run is over."},
    ),
    Operation(
        id="retry_run",
        method="POST",
        path="/runs/{id}/retry",
        right="manage",
        summary="Take up a run that failed, at the nodes that failed; send again what could not be sent.",
        perform=retry_run,
        body=RetryBody,
        answer=CommandedShape,
        refuses={
            409: "The id is of several runs, nothing is to be retried, or it must be said what became of"
            " effects that are in doubt."
        },
    ),
)
