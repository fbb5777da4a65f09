"""Schedules over the API: listed and cancelled."""

from __future__ import annotations

import sqlite3
from typing import Annotated, Literal

from msgspec import Meta, Struct

from botctl.clock import to_iso
from botctl.runtime.shapes import ScheduleShape, schedule_shape
from botctl.store import listing, schedules
from botctl.store.schedules import ScheduleRow
from botctl.web.api_operation import (
    Asked,
    BotName,
    Cursor,
    Desk,
    Limit,
    NoBody,
    NoQuery,
    Operation,
    Refusal,
    number_of,
    numbers_of,
)


class SchedulesQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which schedules."""

    bot: BotName = ""
    status: Annotated[
        Literal["all", "pending", "done", "cancelled"], Meta(description="Only those of this status.")
    ] = "pending"
    limit: Limit = 50
    cursor: Cursor = ""


class SchedulePage(Struct, frozen=True, kw_only=True):
    """Schedules: those pending soonest first, any others newest first. next: the cursor of the next page;
    null: this is the last."""

    items: list[ScheduleShape]
    next: str | None


async def list_schedules(desk: Desk, asked: Asked[SchedulesQuery, NoBody]) -> SchedulePage:
    """What will be said, soonest first; or what was, newest first."""
    query, bots = asked.query, asked.bots(asked.query.bot)
    if query.status == "pending":
        rows = desk.database.read(
            lambda connection: listing.schedules_from(
                connection, numbers_of(query.cursor), query.limit + 1, bots=bots
            )
        )
    else:
        status = "" if query.status == "all" else query.status
        rows = desk.database.read(
            lambda connection: listing.schedules_before(
                connection, number_of(query.cursor), query.limit + 1, bots=bots, status=status
            )
        )
    shown = rows[: query.limit]
    more = _cursor(query.status, shown[-1]) if len(rows) > query.limit else None
    return SchedulePage(items=[schedule_shape(row) for row in shown], next=more)


async def cancel_schedule(desk: Desk, asked: Asked[NoQuery, NoBody]) -> ScheduleShape:
    """Take a schedule away."""
    now_ms = desk.clock.now_ms()

    def cancel(connection: sqlite3.Connection) -> ScheduleRow:
        row = schedules.find(connection, asked.whole_id(connection, "schedules"))
        if not schedules.cancel(connection, row.id, now_ms):
            at = to_iso(row.finished_at) if row.finished_at is not None else "an unknown time"
            raise Refusal(409, f"schedule `{row.id}` is {row.status} since {at}")
        return schedules.find(connection, row.id)

    return schedule_shape(await desk.database.write(cancel))


def _cursor(status: str, last: ScheduleRow) -> str:
    return f"{last.next_at}-{last.seq}" if status == "pending" else str(last.seq)


OPERATIONS = (
    Operation(
        id="list_schedules",
        method="GET",
        path="/schedules",
        right="see",
        summary="What will be said, soonest first; with another `status` what was, newest first.",
        perform=list_schedules,
        query=SchedulesQuery,
        answer=SchedulePage,
    ),
    Operation(
        id="cancel_schedule",
        method="POST",
        path="/schedules/{id}/cancel",
        right="manage",
        summary="Take a schedule away; what was to be said will not be.",
        perform=cancel_schedule,
        answer=ScheduleShape,
        refuses={409: "The id is of several schedules, or this one is not pending any more."},
    ),
)
