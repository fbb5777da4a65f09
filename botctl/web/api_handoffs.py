"""Handoffs over the API: listed, told, decided."""

from __future__ import annotations

import sqlite3
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from botctl.expr.path import NAME
from botctl.runtime.edits import edited
from botctl.runtime.shapes import HandoffShape, HandoffStoryShape, handoff_shape, handoff_story_shape
from botctl.store import handoffs, listing
from botctl.store.handoffs import HandoffRow
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
)

# What counts as a space differs in two characters between Python and the regular expressions of JSON Schema
# (ECMA-262, 2025); none of them is in a name.
_NAME = NAME.replace(r"\s", r"\s\x85\ufeff")
VariableName = Annotated[str, Meta(pattern=f"^{_NAME}$", max_length=200)]


class HandoffsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which handoffs."""

    bot: BotName = ""
    status: Annotated[
        Literal["all", "pending", "approved", "rejected", "expired", "cancelled"],
        Meta(description="Only those of this status."),
    ] = "pending"
    limit: Limit = 50
    cursor: Cursor = ""


class HandoffPage(Struct, frozen=True, kw_only=True):
    """Handoffs, newest first. next: the cursor of the next page; null: this is the last."""

    items: list[HandoffShape]
    next: str | None


class DecisionBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes with a decision. set: variables of the run that it sets. shown: of the handoff as it was
    seen, so that a decision about anything else is refused."""

    note: Annotated[str, Meta(max_length=4000, description="Why, for the run and for others.")] = ""
    set: dict[VariableName, Any] = {}
    shown: Annotated[
        str, Meta(max_length=200, description="`shown` of the handoff that was seen; empty: not compared.")
    ] = ""


async def list_handoffs(desk: Desk, asked: Asked[HandoffsQuery, NoBody]) -> HandoffPage:
    """Handoffs, newest first."""
    query = asked.query

    def read(connection: sqlite3.Connection) -> HandoffPage:
        rows = listing.handoffs_before(
            connection,
            number_of(query.cursor),
            query.limit + 1,
            bots=asked.bots(query.bot),
            status="" if query.status == "all" else query.status,
        )
        shown = rows[: query.limit]
        more = str(shown[-1].seq) if len(rows) > query.limit else None
        return HandoffPage(items=[handoff_shape(connection, row) for row in shown], next=more)

    return desk.database.read(read)


async def show_handoff(desk: Desk, asked: Asked[NoQuery, NoBody]) -> HandoffStoryShape:
    """A handoff with all that a decision needs."""

    def read(connection: sqlite3.Connection) -> HandoffStoryShape:
        row = handoffs.get(connection, asked.whole_id(connection, "handoffs"))
        return handoff_story_shape(connection, row)

    return desk.database.read(read)


async def approve(desk: Desk, asked: Asked[NoQuery, DecisionBody]) -> HandoffShape:
    """Let the run go on along `approved`."""
    return await _decide(desk, asked, "approved")


async def reject(desk: Desk, asked: Asked[NoQuery, DecisionBody]) -> HandoffShape:
    """Let the run go on along `rejected`."""
    return await _decide(desk, asked, "rejected")


async def _decide(
    desk: Desk, asked: Asked[NoQuery, DecisionBody], status: Literal["approved", "rejected"]
) -> HandoffShape:
    now_ms = desk.clock.now_ms()
    for name in asked.body.set:
        if name.endswith("\n"):  # which `$` of a pattern lets pass in Python
            raise Refusal(422, f"`{name}` is no name of a variable")

    def decide(connection: sqlite3.Connection) -> HandoffRow:
        handoff = handoffs.get(connection, asked.whole_id(connection, "handoffs"))
        return handoffs.decide(
            connection,
            handoff.id,
            status=status,
            by=asked.reviewer.name,
            note=asked.body.note,
            sets=edited(connection, handoff, status, asked.body.set),
            shown=asked.body.shown,
            now_ms=now_ms,
        )

    row = await desk.database.write(decide)
    desk.look()
    return desk.database.read(lambda connection: handoff_shape(connection, row))


_DECIDED = {
    403: "The token does not allow it, or the reviewer is none of those who may decide this handoff.",
    409: "The id is of several handoffs, or somebody has decided, or it is over (who and when is told), or"
    " it is not what was shown.",
}
OPERATIONS = (
    Operation(
        id="list_handoffs",
        method="GET",
        path="/handoffs",
        right="see",
        summary="What waits for a decision, newest first; with `status` what was decided.",
        perform=list_handoffs,
        query=HandoffsQuery,
        answer=HandoffPage,
    ),
    Operation(
        id="show_handoff",
        method="GET",
        path="/handoffs/{id}",
        right="see",
        summary="A handoff with all that a decision needs: reason, conversation, variables, what follows.",
        perform=show_handoff,
        answer=HandoffStoryShape,
    ),
    Operation(
        id="approve_handoff",
        method="POST",
        path="/handoffs/{id}/approve",
        right="decide",
        summary="Approve a handoff: its run goes on along `approved`.",
        perform=approve,
        body=DecisionBody,
        answer=HandoffShape,
        refuses=_DECIDED,
    ),
    Operation(
        id="reject_handoff",
        method="POST",
        path="/handoffs/{id}/reject",
        right="decide",
        summary="Reject a handoff: its run goes on along `rejected`.",
        perform=reject,
        body=DecisionBody,
        answer=HandoffShape,
        refuses=_DECIDED,
    ),
)
