"""The pages of handoffs: what waits for a person, what was decided, and the form that decides."""

from __future__ import annotations

import re
import sqlite3
from typing import Any, Literal, get_args

import msgspec

from botctl.errors import UserError
from botctl.expr.path import NAME
from botctl.runtime.edits import edited
from botctl.runtime.lock import holder_of
from botctl.store import conversations, directory, handoffs, listing
from botctl.store.handoffs import HandoffRow, HandoffStatus
from botctl.web.office import Act, Fault, Missing, Page, Visit, fault_of
from botctl.web.paging import PAGE, before_of, choice, following

_STATUSES = ("pending", "all", *(status for status in get_args(HandoffStatus) if status != "pending"))
_MOST_SAID = 200
_LONGEST_NOTE = 4_000
_LONGEST_REASON = 400
_MOST_LINES = 8
"""Of a reason, before the form that decides; more is folded up, so that the form is seen on a phone."""


def show_handoffs(visit: Visit, connection: sqlite3.Connection) -> dict[str, Any]:
    """Those that wait, or those of another status, newest first."""
    status, bot = choice(visit, "status", _STATUSES), visit.query.get("bot", "")
    rows = listing.handoffs_before(
        connection,
        before_of(visit),
        PAGE + 1,
        bots=visit.bots(bot),
        status="" if status == "all" else status,
    )
    people = directory.people(connection, {row.conversation for row in rows})
    return {
        "rows": rows[:PAGE],
        "people": people,
        "status": status,
        "statuses": _STATUSES,
        "bot": bot,
        "next": following(visit, rows, lambda row: row.seq),
    }


def show_handoff(visit: Visit, connection: sqlite3.Connection) -> dict[str, Any]:
    """One, with all that a decision needs."""
    row = _found(visit, connection)
    return {
        "row": row,
        "run": handoffs.run_id(connection, row),
        "person": directory.people(connection, {row.conversation}).get(row.conversation),
        "said": directory.said_in(connection, row.conversation, _MOST_SAID),
        "taken_by": conversations.taken_by(connection, row.conversation),
        "refusal": _refusal(visit, connection, row) if visit.may("decide") else None,
        "is_long": len(row.reason) > _LONGEST_REASON or row.reason.count("\n") >= _MOST_LINES,
    }


async def decide(visit: Visit) -> str:
    """Approve or reject, bound to what was shown."""
    status = _status(visit.form.get("decision", ""))
    note, sets = visit.form.get("note", "").strip()[:_LONGEST_NOTE], _assignments(visit.form.get("set", ""))
    now_ms = visit.office.desk.clock.now_ms()

    def work(connection: sqlite3.Connection) -> tuple[HandoffRow, str]:
        asked = _found(visit, connection)
        handoffs.check(connection, asked, by=visit.reviewer.name, now_ms=now_ms)
        if not visit.form.get("shown"):
            raise UserError(
                "nothing was decided: the form does not tell what you have seen",
                help="read what is asked now, then decide",
            )
        row = handoffs.decide(
            connection,
            asked.id,
            status=status,
            by=visit.reviewer.name,
            note=note,
            sets=edited(connection, asked, status, sets),
            shown=visit.form.get("shown", ""),
            now_ms=now_ms,
        )
        return row, handoffs.run_id(connection, row)

    desk = visit.office.desk
    row, run = await desk.database.write(work)
    desk.look()
    told = status if holder_of(desk.state_folder, row.runner) else "later"
    return f"/runs/{run}?told={told}" if run else f"/handoffs/{row.id}?told={told}"


def _found(visit: Visit, connection: sqlite3.Connection) -> HandoffRow:
    found = listing.ids(connection, "handoffs", visit.id, visit.bots())
    if len(found) != 1:
        raise Missing
    return handoffs.get(connection, found[0])


def _refusal(visit: Visit, connection: sqlite3.Connection, row: HandoffRow) -> Fault | None:
    """Why the form is not worth showing; `handoffs.decide` has the last word."""
    now_ms = visit.office.desk.clock.now_ms()
    try:
        handoffs.check(connection, row, by=visit.reviewer.name, now_ms=now_ms)
    except UserError as error:
        return fault_of(error)
    return None


def _status(decision: str) -> Literal["approved", "rejected"]:
    if decision == "approved":
        return "approved"
    if decision == "rejected":
        return "rejected"
    raise UserError("nothing was decided", help="press Approve or Reject")


def _assignments(text: str) -> dict[str, Any]:
    """`name = value`, one in a line: the value is JSON if it can be read as JSON, else text."""
    sets: dict[str, Any] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not re.fullmatch(NAME, name):
            raise UserError(
                f"`{line.strip()[:100]}` sets no variable", help="write `name = value`, with a plain name"
            )
        if name in sets:
            raise UserError(f"`{name}` is set twice", help="write it in one line")
        try:
            sets[name] = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            if value.startswith(("{", "[", '"')):
                raise UserError(f"the value of `{name}` is not JSON", help="a text needs no quotes") from None
            sets[name] = value
    return sets


_HANDOFF = Page(path="/handoffs/{id}", template="handoff.html", show=show_handoff)
PAGES = (Page(path="/handoffs", template="handoffs.html", show=show_handoffs), _HANDOFF)
ACTS = (Act(path=_HANDOFF.path, right="decide", act=decide, page=_HANDOFF),)
