"""Schedules: what is to be said later, once or again and again; one row each."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import astuple

from botctl.errors import UserError

ScheduleStatus = Literal["pending", "done", "cancelled"]


class ScheduleRow(Struct, frozen=True, kw_only=True):
    """A schedule as it is stored. seq is 0 before it is. Times in milliseconds since 1970, UTC.

    platform to thread_id: where it is said. conversation: in which it was ordered. every: a cron expression
    in `timezone`, "" for once; next_at is when it is said next, or was last.
    """

    seq: int = 0
    id: str
    bot: str
    platform: str
    channel_id: str
    user_id: str = ""
    thread_id: str = ""
    conversation: int
    run: int
    key: str = ""
    text: str
    next_at: int
    every: str = ""
    timezone: str = "UTC"
    status: ScheduleStatus = "pending"
    created_at: int
    finished_at: int | None = None


_FIELDS = ScheduleRow.__struct_fields__
_COLUMNS = ", ".join(_FIELDS)
_INSERT = (
    f"INSERT INTO schedules ({', '.join(_FIELDS[1:])}) VALUES ({', '.join('?' * len(_FIELDS[1:]))})"
    " RETURNING seq"
)


def add(connection: sqlite3.Connection, row: ScheduleRow) -> int:
    """Store a new schedule; its number. One that is pending in the same conversation under the same key
    makes way for it."""
    cancel_key(connection, row.conversation, row.key, row.created_at)
    return int(connection.execute(_INSERT, astuple(row)[1:]).fetchone()[0])


def cancel_key(connection: sqlite3.Connection, conversation: int, key: str, now_ms: int) -> int:
    """Take away what is pending in a conversation under a key; how many schedules that was. "" is no key."""
    return connection.execute(
        "UPDATE schedules SET status = 'cancelled', finished_at = ?"
        " WHERE conversation = ? AND key = ? AND status = 'pending' AND key <> ''",
        (now_ms, conversation, key),
    ).rowcount


def cancel(connection: sqlite3.Connection, id: str, now_ms: int) -> bool:
    """Take away the schedule of this whole id; whether it was pending."""
    row = connection.execute(
        "UPDATE schedules SET status = 'cancelled', finished_at = ? WHERE id = ? AND status = 'pending'"
        " RETURNING seq",
        (now_ms, id),
    ).fetchone()
    return row is not None


def find(connection: sqlite3.Connection, prefix: str) -> ScheduleRow:
    """The one schedule whose id starts so; a UserError when there is none, or more than one."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM schedules WHERE id >= ? AND id < ? ORDER BY id LIMIT 6",
        (prefix, prefix + "\uffff"),
    ).fetchall()
    found = [_row(row) for row in rows]
    exact = [row for row in found if row.id == prefix]
    if len(found) == 1 or exact:
        return (exact or found)[0]
    if not found:
        raise UserError(
            f"no schedule has an id that starts with `{prefix}`", help="`botctl schedule list` shows them"
        )
    ids = ", ".join(row.id for row in found[:5])
    raise UserError(
        f"several schedules have ids that start with `{prefix}`: {ids}", help="give more of the id"
    )


def latest(
    connection: sqlite3.Connection, *, bot: str | None, status: str | None, most: int
) -> list[ScheduleRow]:
    """The newest schedules, newest first; those pending, if only they are asked for, in the order in which
    they will be said."""
    asked: list[str] = []
    values: list[object] = []
    order = "seq DESC"
    if bot is not None:
        asked.append("bot = ?")
        values.append(bot)
    if status == "pending":
        asked.append("status = 'pending'")  # spelled out, or SQLite does not use the index of pending ones
        order = "next_at, seq"
    elif status is not None:
        asked.append("status = ?")
        values.append(status)
    where = f" WHERE {' AND '.join(asked)}" if asked else ""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM schedules{where} ORDER BY {order} LIMIT ?", (*values, most)
    ).fetchall()
    return [_row(row) for row in rows]


def numbered(connection: sqlite3.Connection, numbers: Sequence[int]) -> list[ScheduleRow]:
    """The schedules of these numbers, in their order."""
    rows = [
        connection.execute(f"SELECT {_COLUMNS} FROM schedules WHERE seq = ?", (number,)).fetchone()
        for number in numbers
    ]
    return [_row(row) for row in rows]


def next_due(connection: sqlite3.Connection, bots: Sequence[str]) -> int | None:
    """When the next schedule of these bots is to be said; None if nothing is."""
    moments: list[int] = []
    for bot in bots:  # one by one: only then does SQLite read nothing but the first entry of the index
        moment = connection.execute(
            "SELECT min(next_at) FROM schedules WHERE bot = ? AND status = 'pending'", (bot,)
        ).fetchone()[0]
        if moment is not None:
            moments.append(int(moment))
    return min(moments, default=None)


def count_pending(connection: sqlite3.Connection, bot: str) -> int:
    """How many messages of a bot are still to be said, repeating ones counted once."""
    row = connection.execute(
        "SELECT count(*) FROM schedules WHERE bot = ? AND status = 'pending'", (bot,)
    ).fetchone()
    return int(row[0])


def due(connection: sqlite3.Connection, bots: Sequence[str], now_ms: int) -> list[ScheduleRow]:
    """What these bots are to say now, in order."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM schedules WHERE bot IN ({', '.join('?' * len(bots))})"
        " AND status = 'pending' AND next_at <= ? ORDER BY next_at, seq",
        (*bots, now_ms),
    ).fetchall()
    return [_row(row) for row in rows]


def said(connection: sqlite3.Connection, seq: int, next_at: int | None, now_ms: int) -> None:
    """A schedule was said; it will be again at `next_at`, or is done. One that was cancelled stays so."""
    if next_at is not None:
        connection.execute(
            "UPDATE schedules SET next_at = ? WHERE seq = ? AND status = 'pending'", (next_at, seq)
        )
    else:
        connection.execute(
            "UPDATE schedules SET status = 'done', finished_at = ? WHERE seq = ? AND status = 'pending'",
            (now_ms, seq),
        )


def _row(values: Sequence[object]) -> ScheduleRow:
    return ScheduleRow(**dict(zip(_FIELDS, values, strict=True)))  # type: ignore[arg-type]
