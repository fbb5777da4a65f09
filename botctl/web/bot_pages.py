"""The page of bots: who runs them, which platform is off and why, what went wrong last."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, cast

from botctl.runtime.standing import BotShape
from botctl.web.office import Page, Visit


async def gather(visit: Visit) -> object:
    """How the bots stand."""
    return await visit.office.desk.standing()


def show_bots(visit: Visit, connection: sqlite3.Connection) -> dict[str, Any]:
    """The bots by name, with the platforms of each."""
    standing, own = cast("Sequence[BotShape]", visit.found), visit.bots()
    shown = [one for one in standing if own is None or one.bot in own]
    faults: dict[str, dict[str, str]] = {}
    for (bot, platform), fault in dict(visit.office.desk.faults()).items():
        faults.setdefault(bot, {})[platform] = fault
    return {"rows": shown, "faults": faults}


PAGES = (Page(path="/bots", template="bots.html", show=show_bots, gather=gather),)
