"""Listings: pages of rows, newest first, for people who may see only some bots."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from botctl.store import handoffs, runs, schedules
from botctl.store.handoffs import HandoffRow
from botctl.store.runs import RunRow
from botctl.store.schedules import ScheduleRow

Bots = Sequence[str] | None
"""The bots whose rows may be seen; None: all."""
Table = Literal["runs", "handoffs", "schedules", "outbox"]

_FOUND = (
    "(id >= :search AND id < :search || char(65535) OR error_message LIKE :like ESCAPE '\\'"
    " OR conversation IN (SELECT seq FROM conversations WHERE user_id LIKE :like ESCAPE '\\'"
    "  OR user_name LIKE :like ESCAPE '\\' OR channel_id LIKE :like ESCAPE '\\')"
    " OR message IN (SELECT seq FROM inbox WHERE text LIKE :like ESCAPE '\\'))"
)


class LetterRow(Struct, frozen=True):
    """A dead letter. run: the id of the run that said it, "" if none. created_at: in milliseconds
    since 1970, UTC."""

    seq: int
    id: str
    bot: str
    platform: str
    channel_id: str
    conversation: int | None
    run: str
    text: str
    created_at: int
    attempts: int
    error: str


def runs_before(
    connection: sqlite3.Connection,
    before: int | None,
    most: int,
    *,
    bots: Bots = None,
    status: str = "",
    in_doubt: bool = False,
    undelivered: bool = False,
    search: str = "",
) -> list[RunRow]:
    """Runs with numbers below `before`, without their state. search: the beginning of an id, or a part of the
    message that started it, of the error, or of who is talked to."""
    asked = [runs.of_rare_status(status)] if status in runs.RARE else _status(status)
    if in_doubt:
        asked.append("in_doubt = 1")
    if undelivered:
        asked.append("seq IN (SELECT run FROM outbox WHERE status = 'dead')")
    if search:
        asked.append(_FOUND)
    values = {"search": search, "like": f"%{_escaped(search)}%", "status": status}
    find = _newest_of_few if in_doubt or status in runs.RARE else _newest
    return runs.numbered(connection, find(connection, "runs", asked, values, bots, before, most))


def handoffs_before(
    connection: sqlite3.Connection, before: int | None, most: int, *, bots: Bots = None, status: str = ""
) -> list[HandoffRow]:
    """Handoffs with numbers below `before`."""
    numbers = _newest(connection, "handoffs", _status(status), {"status": status}, bots, before, most)
    return handoffs.numbered(connection, numbers)


def schedules_before(
    connection: sqlite3.Connection, before: int | None, most: int, *, bots: Bots = None, status: str = ""
) -> list[ScheduleRow]:
    """Schedules with numbers below `before`."""
    numbers = _newest(connection, "schedules", _status(status), {"status": status}, bots, before, most)
    return schedules.numbered(connection, numbers)


def schedules_from(
    connection: sqlite3.Connection, after: tuple[int, int] | None, most: int, *, bots: Bots = None
) -> list[ScheduleRow]:
    """What is pending, in the order in which it will be said, from after (next_at, number) on."""
    bound, values = _bots(bots)
    past = " AND (next_at, seq) > (:next_at, :number)" if after is not None else ""
    next_at, number = after or (0, 0)
    rows = connection.execute(
        f"SELECT seq FROM schedules WHERE status = 'pending'{bound}{past} ORDER BY next_at, seq LIMIT :most",
        {**values, "next_at": next_at, "number": number, "most": most},
    )
    return schedules.numbered(connection, [int(row[0]) for row in rows.fetchall()])


def letters_before(
    connection: sqlite3.Connection, before: int | None, most: int, *, bots: Bots = None
) -> list[LetterRow]:
    """Dead letters with numbers below `before`."""
    numbers = _newest(connection, "outbox", ["status = 'dead'"], {}, bots, before, most)
    return [letter for number in numbers for letter in [_letter(connection, "o.seq = ?", number)] if letter]


def letter(connection: sqlite3.Connection, id: str) -> LetterRow | None:
    """The dead letter of this whole id; None if there is none (any more)."""
    return _letter(connection, "o.id = ?", id)


def ids(connection: sqlite3.Connection, table: Table, prefix: str, bots: Bots = None) -> list[str]:
    """The ids that start so, six at most; of the outbox those of dead letters. The whole id comes alone."""
    bound, values = _bots(bots)
    dead = " AND status = 'dead'" if table == "outbox" else ""
    rows = connection.execute(
        f"SELECT id FROM {table} WHERE id >= :prefix AND id < :after{dead}{bound} ORDER BY id LIMIT 6",
        {"prefix": prefix, "after": prefix + "\uffff", **values},
    ).fetchall()
    found = [str(row[0]) for row in rows]
    return [prefix] if prefix in found else found


def _newest(
    connection: sqlite3.Connection,
    table: Table,
    asked: Sequence[str],
    values: Mapping[str, object],
    bots: Bots,
    before: int | None,
    most: int,
) -> list[int]:
    """Numbers, newest first. Bot by bot: only then does SQLite go down the index of each."""
    conditions = [*asked, *(["seq < :before"] if before is not None else [])]
    marks = {f"bot{number}": bot for number, bot in enumerate(bots or ())}
    each = [[f"bot = :{mark}"] for mark in marks] if bots is not None else [[]]
    if not each:
        return []
    parts = []
    for own in each:
        where = " AND ".join([*own, *conditions]) or "1"
        parts.append(f"SELECT seq FROM (SELECT seq FROM {table} WHERE {where} ORDER BY seq DESC LIMIT :most)")
    rows = connection.execute(
        f"{' UNION ALL '.join(parts)} ORDER BY seq DESC LIMIT :most",
        {**values, **marks, "before": before, "most": most},
    )
    return [int(row[0]) for row in rows]


def _newest_of_few(
    connection: sqlite3.Connection,
    table: Table,
    asked: Sequence[str],
    values: Mapping[str, object],
    bots: Bots,
    before: int | None,
    most: int,
) -> list[int]:
    """The same where a condition has an index of its own: `+` keeps SQLite off those of the bots."""
    bound, named = _bots(bots)
    conditions = [*asked, *(["seq < :before"] if before is not None else [])]
    rows = connection.execute(
        f"SELECT seq FROM {table} WHERE {' AND '.join(conditions)}{bound.replace('bot IN', '+bot IN')}"
        " ORDER BY seq DESC LIMIT :most",
        {**values, **named, "before": before, "most": most},
    )
    return [int(row[0]) for row in rows]


def _status(status: str) -> list[str]:
    if not status:
        return []
    # spelled out, or SQLite does not use the indexes of pending ones
    return ["status = 'pending'" if status == "pending" else "status = :status"]


def _bots(bots: Bots) -> tuple[str, dict[str, str]]:
    if bots is None:
        return "", {}
    values = {f"bot{number}": bot for number, bot in enumerate(bots)}
    return f" AND bot IN ({', '.join(':' + name for name in values)})", values


def _letter(connection: sqlite3.Connection, which: str, value: object) -> LetterRow | None:
    row = connection.execute(
        "SELECT o.seq, o.id, o.bot, o.platform, o.channel_id, o.conversation, coalesce(r.id, ''), o.text,"
        f" o.created_at, o.attempts, o.error FROM outbox o LEFT JOIN runs r ON r.seq = o.run WHERE {which}"
        " AND o.status = 'dead'",
        (value,),
    ).fetchone()
    return LetterRow(*row) if row else None


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
