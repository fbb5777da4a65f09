"""The page of dead letters: what could not be sent, and the form that sends it again."""

from __future__ import annotations

import sqlite3
from typing import Any

from botctl.store import listing, outbox
from botctl.web.office import Act, Missing, Page, Visit
from botctl.web.paging import PAGE, before_of, following


def show_letters(visit: Visit, connection: sqlite3.Connection) -> dict[str, Any]:
    """Dead letters, newest first."""
    bot = visit.query.get("bot", "")
    rows = listing.letters_before(connection, before_of(visit), PAGE + 1, bots=visit.bots(bot))
    return {"rows": rows[:PAGE], "bot": bot, "next": following(visit, rows, lambda row: row.seq)}


async def send_again(visit: Visit) -> str:
    """Try a dead letter again, from the start."""

    def work(connection: sqlite3.Connection) -> None:
        found = listing.ids(connection, "outbox", visit.id, visit.bots())
        if len(found) != 1 or not outbox.revive_one(connection, found[0]):
            raise Missing

    await visit.office.desk.database.write(work)
    visit.office.desk.look()
    return "/letters?told=sent"


PAGES = (Page(path="/letters", template="letters.html", show=show_letters),)
ACTS = (Act(path="/letters/{id}/send", right="manage", act=send_again),)
