"""Usage over the API: what the models cost."""

from __future__ import annotations

import sqlite3
from typing import Annotated

from msgspec import Meta, Struct

from botctl.duration import parse_duration
from botctl.runtime.shapes import UsageShape, usage_shape
from botctl.store import usage_report
from botctl.store.usage_report import By
from botctl.web.api_operation import Asked, BotName, Desk, NoBody, Operation


class UsageQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which costs, and how they are summed."""

    by: Annotated[By, Meta(description="What the calls are summed by.")] = "bot"
    bot: BotName = ""
    since: Annotated[
        str, Meta(pattern="^[0-9]{1,6}(s|m|h|d|w)$", description="How far back, such as 24h or 30d.")
    ] = "30d"
    limit: Annotated[
        int, Meta(ge=1, le=1000, description="How many lines at most; of days all are told.")
    ] = 50


class UsageLines(Struct, frozen=True, kw_only=True):
    """Costs: days in order (UTC), anything else the dearest first."""

    items: list[UsageShape]


async def usage(desk: Desk, asked: Asked[UsageQuery, NoBody]) -> UsageLines:
    """What the calls of models cost."""
    query = asked.query
    since_ms = max(0, desk.clock.now_ms() - round(parse_duration(query.since) * 1000))

    def read(connection: sqlite3.Connection) -> UsageLines:
        lines = usage_report.summed(connection, query.by, bots=asked.bots(query.bot), since_ms=since_ms)
        lines = lines if query.by == "day" else lines[: query.limit]
        keys = [line.key for line in lines if line.key]
        names = usage_report.conversation_names(connection, keys) if query.by == "conversation" else {}
        return UsageLines(items=[usage_shape(query.by, line, names) for line in lines])

    return desk.database.read(read)


OPERATIONS = (
    Operation(
        id="usage",
        method="GET",
        path="/usage",
        right="see",
        summary="What the calls of models cost: the dearest first, days in order (UTC).",
        perform=usage,
        query=UsageQuery,
        answer=UsageLines,
    ),
)
