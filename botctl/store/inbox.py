"""The inbox: messages stored before they are acknowledged, each at most once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import asdict

from botctl.messages import Attachment, IncomingMessage
from botctl.store import conversations


class Stored(Struct, frozen=True):
    """A message that is on disk. seq orders all messages of a project. previous_at: when the message before
    it came in its conversation, in milliseconds since 1970; 0 for the first, or when that is not known."""

    seq: int
    conversation: int
    message: IncomingMessage
    previous_at: int = 0


Guard = Callable[[sqlite3.Connection, IncomingMessage, int], IncomingMessage]
"""What may be stored of a message: (connection, message, its conversation) -> the message without secrets."""


def add(
    connection: sqlite3.Connection, message: IncomingMessage, guard: Guard | None = None
) -> tuple[Stored, bool]:
    """Store a message; with True if it is new, with False and the first one if it was stored before."""
    conversation, previous_at = conversations.touch(connection, message)
    if guard is not None:
        message = guard(connection, message, conversation)
    row = connection.execute(
        "INSERT INTO inbox (conversation, bot, platform, dedupe_key, text, rest, received_at, status)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 'pending') ON CONFLICT DO NOTHING RETURNING seq",
        (
            conversation,
            message.bot,
            message.platform,
            message.dedupe_key,
            message.text,
            _rest(message),
            message.received_at,
        ),
    ).fetchone()
    if row:
        return Stored(row[0], conversation, message, previous_at), True
    first = connection.execute(
        "SELECT seq, conversation FROM inbox WHERE bot = ? AND platform = ? AND dedupe_key = ?",
        (message.bot, message.platform, message.dedupe_key),
    ).fetchone()
    return Stored(first[0], first[1], message), False


def ignore(connection: sqlite3.Connection, seq: int, reason: str) -> None:
    """A message will not be answered; `botctl explain` tells the reason."""
    connection.execute("UPDATE inbox SET status = 'ignored', reason = ? WHERE seq = ?", (reason, seq))


def finish(connection: sqlite3.Connection, seq: int, run: int) -> None:
    """A message was dealt with by a run."""
    connection.execute("UPDATE inbox SET status = 'done', run = ? WHERE seq = ?", (run, seq))


def fate(connection: sqlite3.Connection, seq: int) -> tuple[str, str, int | None]:
    """(status, reason, run) of a message."""
    row = connection.execute("SELECT status, reason, run FROM inbox WHERE seq = ?", (seq,)).fetchone()
    return row[0], row[1], row[2]


def fate_of(connection: sqlite3.Connection, seq: int) -> tuple[str, str, str] | None:
    """(status, reason, run id) of a message, for people; None if there is no such message."""
    row = connection.execute(
        "SELECT i.status, i.reason, coalesce(r.id, '') FROM inbox i LEFT JOIN runs r ON r.seq = i.run"
        " WHERE i.seq = ?",
        (seq,),
    ).fetchone()
    return (row[0], row[1], row[2]) if row else None


def pending(connection: sqlite3.Connection, bot: str) -> list[Stored]:
    """What was accepted and not yet dealt with, in order of arrival."""
    rows = connection.execute(
        "SELECT i.seq, i.conversation, i.bot, i.platform, i.dedupe_key, i.text, i.rest, i.received_at,"
        " c.channel_id, c.user_id, c.thread_id"
        " FROM inbox i JOIN conversations c ON c.seq = i.conversation"
        " WHERE i.bot = ? AND i.status = 'pending' ORDER BY i.seq",
        (bot,),
    ).fetchall()
    return [_stored(row) for row in rows]


def count_pending(connection: sqlite3.Connection, bot: str) -> int:
    """How many messages were accepted and not yet dealt with."""
    row = connection.execute(
        "SELECT count(*) FROM inbox WHERE bot = ? AND status = 'pending'", (bot,)
    ).fetchone()
    return int(row[0])


def get(connection: sqlite3.Connection, seq: int) -> Stored:
    """One message."""
    row = connection.execute(
        "SELECT i.seq, i.conversation, i.bot, i.platform, i.dedupe_key, i.text, i.rest, i.received_at,"
        " c.channel_id, c.user_id, c.thread_id"
        " FROM inbox i JOIN conversations c ON c.seq = i.conversation WHERE i.seq = ?",
        (seq,),
    ).fetchone()
    return _stored(row)


def is_kept(connection: sqlite3.Connection, seq: int) -> bool:
    """Whether a message is there, with what it said."""
    found = connection.execute("SELECT 1 FROM inbox WHERE seq = ? AND rest <> '{}'", (seq,)).fetchone()
    return found is not None


def of_run(connection: sqlite3.Connection, run: int) -> list[Stored]:
    """The messages that started a run or woke it, in order."""
    rows = connection.execute("SELECT seq FROM inbox WHERE run = ? ORDER BY seq", (run,)).fetchall()
    return [get(connection, row[0]) for row in rows]


def load_cursor(connection: sqlite3.Connection, bot: str, platform: str) -> str | None:
    """How far a platform's messages were stored, in the platform's own words."""
    row = connection.execute(
        "SELECT cursor FROM cursors WHERE bot = ? AND platform = ?", (bot, platform)
    ).fetchone()
    return row[0] if row else None


def save_cursor(connection: sqlite3.Connection, bot: str, platform: str, cursor: str) -> None:
    """Remember it, in the transaction that stores the messages up to it."""
    connection.execute(
        "INSERT INTO cursors VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET cursor = excluded.cursor",
        (bot, platform, cursor),
    )


def _rest(message: IncomingMessage) -> str:
    rest = {
        name: value
        for name, value in (
            ("kind", message.kind if message.kind != "text" else ""),
            ("user_name", message.user_name),
            ("button_value", message.button_value),
            ("attachments", [asdict(attachment) for attachment in message.attachments]),
            ("reply", dict(message.reply)),
            ("code_hash", message.code_hash),
        )
        if value
    }
    return json.dumps(rest, separators=(",", ":"), ensure_ascii=False) if rest else "{}"


def _stored(row: tuple[object, ...]) -> Stored:
    seq, conversation, bot, platform, dedupe_key, text, rest, received_at, channel_id, user_id, thread_id = (
        row
    )
    fields = json.loads(str(rest))
    message = IncomingMessage(
        bot=str(bot),
        platform=str(platform),
        dedupe_key=str(dedupe_key),
        channel_id=str(channel_id),
        user_id=str(user_id),
        thread_id=str(thread_id),
        text=str(text),
        received_at=int(str(received_at)),
        kind=fields.get("kind", "text"),
        user_name=fields.get("user_name", ""),
        button_value=fields.get("button_value", ""),
        attachments=tuple(Attachment(**attachment) for attachment in fields.get("attachments", ())),
        reply=fields.get("reply", {}),
        code_hash=fields.get("code_hash", ""),
    )
    return Stored(int(str(seq)), int(str(conversation)), message)
