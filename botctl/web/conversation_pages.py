"""The pages of conversations: what was said, a person who takes over, answers and hands back; a new start."""

from __future__ import annotations

import sqlite3
from typing import Any

from botctl.errors import UserError
from botctl.runtime import commands, takeover
from botctl.runtime.lock import holder_of
from botctl.store import directory, handoffs, runs
from botctl.store.directory import Entry
from botctl.web.office import Act, Missing, Page, Visit
from botctl.web.paging import PAGE, following, pair_of

_MOST_SAID = 300
_PATH = "/conversations/{id}"


def show_conversations(visit: Visit, connection: sqlite3.Connection) -> dict[str, Any]:
    """Those with the newest messages first."""
    bot = visit.query.get("bot", "")
    rows = directory.page(connection, pair_of(visit), PAGE + 1, bots=visit.bots(bot))
    return {
        "rows": rows[:PAGE],
        "bot": bot,
        "next": following(visit, rows, lambda entry: f"{entry.last_at}-{entry.seq}"),
    }


def show_conversation(visit: Visit, connection: sqlite3.Connection) -> dict[str, Any]:
    """What was said in one, oldest first."""
    entry = _found(visit, connection)
    waiting = [runs.get(connection, seq) for seq in runs.waiting_in(connection, entry.seq)]
    return {
        "entry": entry,
        "said": directory.said_in(connection, entry.seq, _MOST_SAID),
        "is_cut": entry.messages > _MOST_SAID,
        "waiting": waiting,
        "handoff": handoffs.pending_in(connection, entry.seq),
        "longest": takeover.LONGEST_ANSWER,
    }


async def take(visit: Visit) -> str:
    """From the next message on the reviewer answers."""
    entry = _looked_up(visit)
    await visit.office.desk.database.write(
        lambda connection: takeover.take(connection, entry, visit.reviewer.name)
    )
    return f"/conversations/{entry.seq}?told=taken"


async def answer(visit: Visit) -> str:
    """Say something in place of the bot."""
    entry, desk = _looked_up(visit), visit.office.desk
    text, now_ms = visit.form.get("text", "").replace("\r\n", "\n"), desk.clock.now_ms()
    await desk.database.write(
        lambda connection: takeover.answer(connection, entry, text, visit.reviewer.name, now_ms)
    )
    desk.look()
    return f"/conversations/{entry.seq}?told=said"


async def hand_back(visit: Visit) -> str:
    """The next message is the bot's again."""
    entry = _looked_up(visit)
    await visit.office.desk.database.write(lambda connection: takeover.hand_back(connection, entry))
    return f"/conversations/{entry.seq}?told=handed-back"


async def reset(visit: Visit) -> str:
    """Forget what was said, cancel what waits."""
    entry, desk = _looked_up(visit), visit.office.desk
    why, now_ms = f"{visit.reviewer.name} started the conversation over", desk.clock.now_ms()
    holder = holder_of(desk.state_folder, entry.key.bot)
    await desk.database.write(
        lambda connection: commands.reset_conversation(connection, entry, why, holder=holder, now_ms=now_ms)
    )
    desk.look()
    return f"/conversations/{entry.seq}?told=reset"


def _looked_up(visit: Visit) -> Entry:
    return visit.office.desk.database.read(lambda connection: _found(visit, connection))


def _found(visit: Visit, connection: sqlite3.Connection) -> Entry:
    if not (visit.id.isascii() and visit.id.isdigit() and len(visit.id) <= 18):
        raise Missing
    try:
        entry = directory.find(connection, visit.id)
    except UserError:
        raise Missing from None
    visit.check(entry.key.bot)
    return entry


_CONVERSATION = Page(path=_PATH, template="conversation.html", show=show_conversation)
PAGES = (
    Page(path="/conversations", template="conversations.html", show=show_conversations),
    _CONVERSATION,
)
ACTS = (
    Act(path=f"{_PATH}/take", right="talk", act=take, page=_CONVERSATION),
    Act(path=f"{_PATH}/answer", right="talk", act=answer, page=_CONVERSATION),
    Act(path=f"{_PATH}/hand-back", right="talk", act=hand_back, page=_CONVERSATION),
    Act(path=f"{_PATH}/reset", right="manage", act=reset, page=_CONVERSATION),
)
