"""Challenges: codes and links that were sent, as keyed hashes; and whom users were verified as."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import astuple

from botctl.messages import IncomingMessage
from botctl.store import events

Unusable = Literal["unknown", "expired", "used", "left"]
"""Why a link verifies nobody: there is none, its time is over, it was pressed, or its gate is left."""


class ChallengeRow(Struct, frozen=True, kw_only=True):
    """A code or link as it is stored, before it is sent. Times in milliseconds since 1970, UTC.

    bot asks, in a run of the process of `runner`. user, contact, hash: keyed hashes. is_open: 0 once the gate
    that sent it is left, or another was sent in its place.
    """

    id: str
    bot: str
    runner: str
    run: int
    conversation: int
    user: str
    contact: str
    method: str
    hash: str
    created_at: int
    expires_at: int
    is_open: int = 1
    used_at: int | None = None


_FIELDS = ChallengeRow.__struct_fields__
_COLUMNS = ", ".join(_FIELDS)
_ALIVE = "EXISTS (SELECT 1 FROM runs r WHERE r.seq = challenges.run AND r.status IN ('running', 'waiting'))"


def add(connection: sqlite3.Connection, row: ChallengeRow) -> None:
    """Store what is about to be sent; what the run had sent to this contact before is void.

    Under an id that is there already it takes that one's place: the first one was surely not sent.
    """
    supersede(connection, row.run, row.contact)
    connection.execute("DELETE FROM challenges WHERE id = ?", (row.id,))
    connection.execute(
        f"INSERT INTO challenges ({_COLUMNS}) VALUES ({', '.join('?' * len(_FIELDS))})", astuple(row)
    )


def supersede(connection: sqlite3.Connection, run: int, contact: str) -> None:
    """What a run had sent to a contact (its keyed hash) is void."""
    connection.execute(
        "UPDATE challenges SET is_open = 0 WHERE run = ? AND contact = ? AND is_open = 1", (run, contact)
    )


def withdraw(connection: sqlite3.Connection, id: str) -> None:
    """It was surely not sent, and counts for nothing."""
    connection.execute("DELETE FROM challenges WHERE id = ?", (id,))


def close(connection: sqlite3.Connection, id: str) -> None:
    """It is void, but counts as sent."""
    connection.execute("UPDATE challenges SET is_open = 0 WHERE id = ?", (id,))


def hash_of(connection: sqlite3.Connection, id: str) -> str:
    """The keyed hash of what was stored under an id; "" if nothing was."""
    row = connection.execute("SELECT hash FROM challenges WHERE id = ?", (id,)).fetchone()
    return str(row[0]) if row else ""


def sent_to_contact(connection: sqlite3.Connection, contact: str, since_ms: int, but: str = "") -> int:
    """How many were sent to a contact (its keyed hash) since a moment, in whatever run, `but` the one."""
    row = connection.execute(
        "SELECT count(*) FROM challenges WHERE contact = ? AND created_at > ? AND id <> ?",
        (contact, since_ms, but),
    ).fetchone()
    return int(row[0])


def sent_for_user(connection: sqlite3.Connection, user: str, since_ms: int, but: str = "") -> int:
    """How many were sent for a user (a keyed hash) since a moment, to whatever contacts."""
    row = connection.execute(
        "SELECT count(*) FROM challenges WHERE user = ? AND created_at > ? AND id <> ?", (user, since_ms, but)
    ).fetchone()
    return int(row[0])


def was_sent(connection: sqlite3.Connection, user: str, hash: str) -> bool:
    """Whether a user (a keyed hash) was ever sent the code with this hash, whatever became of it."""
    row = connection.execute(
        "SELECT 1 FROM challenges WHERE user = ? AND hash = ? LIMIT 1", (user, hash)
    ).fetchone()
    return row is not None


def awaits_code(connection: sqlite3.Connection, conversation: int) -> bool:
    """Whether some code was sent in a conversation whose gate is not left."""
    row = connection.execute(
        "SELECT 1 FROM challenges"
        f" WHERE conversation = ? AND is_open = 1 AND method = 'code' AND {_ALIVE} LIMIT 1",
        (conversation,),
    ).fetchone()
    return row is not None


def awaiting_conversations(connection: sqlite3.Connection, runner: str) -> set[int]:
    """The conversations of a runner in which a code may be typed."""
    rows = connection.execute(
        "SELECT DISTINCT conversation FROM challenges"
        f" WHERE runner = ? AND is_open = 1 AND method = 'code' AND {_ALIVE}",
        (runner,),
    )
    return {int(row[0]) for row in rows}


def of_run(connection: sqlite3.Connection, run: int) -> list[tuple[str, str, int | None]]:
    """(method, hash, when it was used) of all codes and links of a run, oldest first."""
    rows = connection.execute(
        "SELECT method, hash, used_at FROM challenges WHERE run = ? ORDER BY seq", (run,)
    ).fetchall()
    return [(row[0], row[1], row[2]) for row in rows]


def leave(connection: sqlite3.Connection, run: int, ids: Sequence[str] = ()) -> None:
    """What a gate sent, these ids, is void; without ids, all that a run sent."""
    if not ids:
        connection.execute("UPDATE challenges SET is_open = 0 WHERE run = ? AND is_open = 1", (run,))
    for id in ids:
        connection.execute("UPDATE challenges SET is_open = 0 WHERE run = ? AND id = ?", (run, id))


def find_link(connection: sqlite3.Connection, token_hash: str, now_ms: int) -> ChallengeRow | Unusable:
    """The challenge whose link has a token of this keyed hash, if it can still be confirmed; else why not."""
    found = connection.execute(
        f"SELECT {_COLUMNS}, {_ALIVE} FROM challenges WHERE hash = ? AND method = 'link'", (token_hash,)
    ).fetchone()
    if found is None:
        return "unknown"
    row = ChallengeRow(**dict(zip(_FIELDS, found[:-1], strict=True)))
    if row.used_at is not None:
        return "used"
    if not row.is_open or not found[-1]:
        return "left"
    return "expired" if now_ms >= row.expires_at else row


def confirm_link(connection: sqlite3.Connection, token_hash: str, now_ms: int) -> ChallengeRow | Unusable:
    """Use a link up and leave the event that wakes its run; or why that cannot be."""
    row = find_link(connection, token_hash, now_ms)
    if isinstance(row, str):
        return row
    connection.execute("UPDATE challenges SET used_at = ? WHERE id = ?", (now_ms, row.id))
    value = {"token_hash": token_hash}
    events.add(connection, runner=row.runner, run=row.run, kind="link", value=value, now_ms=now_ms)
    return row


def remember(
    connection: sqlite3.Connection,
    bot: str,
    message: IncomingMessage,
    contact_type: str,
    contact: str,
    now_ms: int,
) -> None:
    """A user was verified with a contact. Where a platform knows no users nobody is remembered."""
    if not message.user_id:
        return
    connection.execute(
        "INSERT INTO verified VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET contact = excluded.contact,"
        " verified_at = excluded.verified_at",
        (bot, message.platform, message.user_id, contact_type, contact, now_ms),
    )


def remembered(
    connection: sqlite3.Connection, bot: str, message: IncomingMessage, contact_type: str, since_ms: int
) -> str:
    """The contact that the user of a message was last verified with, not before `since_ms`; "" if none."""
    row = connection.execute(
        "SELECT contact FROM verified WHERE bot = ? AND platform = ? AND user_id = ? AND contact_type = ?"
        " AND user_id <> '' AND verified_at >= ?",
        (bot, message.platform, message.user_id, contact_type, since_ms),
    ).fetchone()
    return str(row[0]) if row else ""
