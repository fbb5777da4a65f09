"""The page of schedules: what is to be said later, and the form that takes it away."""

from __future__ import annotations

import sqlite3
from typing import Any

from botctl.errors import UserError
from botctl.store import directory, listing, schedules
from botctl.web.office import Act, Missing, Page, Visit
from botctl.web.paging import PAGE, before_of, choice, following, pair_of

_SHOWN = ("pending", "all")


def show_schedules(visit: Visit, connection: sqlite3.Connection) -> dict[str, Any]:
    """What will be said, soonest first; or also what was, newest first."""
    which, bot = choice(visit, "which", _SHOWN), visit.query.get("bot", "")
    bots = visit.bots(bot)
    if which == "pending":
        rows = listing.schedules_from(connection, pair_of(visit), PAGE + 1, bots=bots)
        more = following(visit, rows, lambda row: f"{row.next_at}-{row.seq}")
    else:
        rows = listing.schedules_before(connection, before_of(visit), PAGE + 1, bots=bots)
        more = following(visit, rows, lambda row: row.seq)
    return {
        "rows": rows[:PAGE],
        "people": directory.people(connection, {row.conversation for row in rows}),
        "which": which,
        "bot": bot,
        "next": more,
    }


async def cancel(visit: Visit) -> str:
    """Take a schedule away."""
    now_ms = visit.office.desk.clock.now_ms()

    def work(connection: sqlite3.Connection) -> None:
        found = listing.ids(connection, "schedules", visit.id, visit.bots())
        if len(found) != 1:
            raise Missing
        if not schedules.cancel(connection, found[0], now_ms):
            raise UserError(f"schedule `{found[0]}` is over already")

    await visit.office.desk.database.write(work)
    return "/schedules?told=cancelled"


PAGES = (Page(path="/schedules", template="schedules.html", show=show_schedules),)
ACTS = (Act(path="/schedules/{id}/cancel", right="manage", act=cancel),)
