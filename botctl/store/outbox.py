"""The outbox: messages that must leave, in order, at least once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import asdict

from botctl.messages import Attachment, Button, OutgoingMessage


class Leaving(Struct, frozen=True):
    """A message on its way out, with its place in the order and how often it was tried.

    sent_ids: the platform's ids of a draft of it, which it takes the place of.
    """

    seq: int
    message: OutgoingMessage
    attempts: int = 0
    next_at: int = 0
    sent_ids: tuple[str, ...] = ()


def add(
    connection: sqlite3.Connection,
    message: OutgoingMessage,
    *,
    said_by: str,
    conversation: int | None,
    run: int | None,
    now_ms: int,
) -> Leaving:
    """Store a message that must leave. said_by: `node`, `order` (said elsewhere), or `bot` (a fallback)."""
    row = connection.execute(
        "INSERT INTO outbox"
        " (id, bot, platform, channel_id, conversation, run, said_by, text, rest, created_at, status)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending') RETURNING seq",
        (
            message.id,
            message.bot,
            message.platform,
            message.channel_id,
            conversation,
            run,
            said_by,
            message.text,
            _rest(message),
            now_ms,
        ),
    ).fetchone()
    return Leaving(row[0], message)


def add_draft(
    connection: sqlite3.Connection, message: OutgoingMessage, *, conversation: int, run: int, now_ms: int
) -> Leaving:
    """Store what is shown while it is written: it is no message that must leave until it is complete."""
    leaving = add(connection, message, said_by="node", conversation=conversation, run=run, now_ms=now_ms)
    connection.execute("UPDATE outbox SET status = 'draft' WHERE seq = ?", (leaving.seq,))
    return leaving


def draft(connection: sqlite3.Connection, run: int) -> Leaving | None:
    """The draft of a run that is not complete yet."""
    row = connection.execute(
        "SELECT seq, id, bot, platform, channel_id, text, rest, attempts, next_at, sent_ids FROM outbox"
        " WHERE run = ? AND status = 'draft' ORDER BY seq DESC LIMIT 1",
        (run,),
    ).fetchone()
    return _leaving(row) if row else None


def drafted(connection: sqlite3.Connection, seq: int, ids: Sequence[str]) -> None:
    """The platform shows a draft, under these ids."""
    connection.execute("UPDATE outbox SET sent_ids = ? WHERE seq = ?", (json.dumps(list(ids)), seq))


def complete(connection: sqlite3.Connection, message: OutgoingMessage) -> Leaving:
    """What a draft showed is whole: it must leave, in its place."""
    row = connection.execute(
        "UPDATE outbox SET text = ?, rest = ?, status = 'pending' WHERE id = ? AND status = 'draft'"
        " RETURNING seq, sent_ids",
        (message.text, _rest(message), message.id),
    ).fetchone()
    return Leaving(row[0], message, sent_ids=tuple(json.loads(row[1] or "[]")))


def leave_drafts(connection: sqlite3.Connection, run: int, now_ms: int) -> None:
    """What a run showed and then did not say stays as it was seen."""
    connection.execute(
        "UPDATE outbox SET status = 'sent', sent_at = ? WHERE run = ? AND status = 'draft'", (now_ms, run)
    )


def has(connection: sqlite3.Connection, id: str) -> bool:
    """Whether a message of this id was stored."""
    return connection.execute("SELECT 1 FROM outbox WHERE id = ?", (id,)).fetchone() is not None


def pending(connection: sqlite3.Connection, bot: str) -> list[Leaving]:
    """What has not left yet, in order."""
    rows = connection.execute(
        "SELECT seq, id, bot, platform, channel_id, text, rest, attempts, next_at, sent_ids FROM outbox"
        " WHERE bot = ? AND status = 'pending' ORDER BY seq",
        (bot,),
    ).fetchall()
    return [_leaving(row) for row in rows]


def sent(connection: sqlite3.Connection, seq: int, ids: Sequence[str], now_ms: int) -> None:
    """The platform took it, under these ids."""
    connection.execute(
        "UPDATE outbox SET status = 'sent', sent_ids = ?, sent_at = ? WHERE seq = ?",
        (json.dumps(list(ids)), now_ms, seq),
    )


def again(connection: sqlite3.Connection, seq: int, next_at: int, error: str) -> None:
    """It did not leave; it is tried again at `next_at`."""
    connection.execute(
        "UPDATE outbox SET attempts = attempts + 1, next_at = ?, error = ? WHERE seq = ?",
        (next_at, error, seq),
    )


def dead(connection: sqlite3.Connection, seq: int, error: str) -> None:
    """It can never leave: a dead letter."""
    connection.execute(
        "UPDATE outbox SET status = 'dead', attempts = attempts + 1, error = ? WHERE seq = ?", (error, seq)
    )


def undelivered(connection: sqlite3.Connection, bot: str, id: str, error: str) -> bool:
    """The platform took a message and then could not bring it: a dead letter. Whether it was one of ours."""
    found = connection.execute(
        "UPDATE outbox SET status = 'dead', error = ? WHERE id = ? AND bot = ? AND status = 'sent'",
        (error, id, bot),
    )
    return found.rowcount > 0


def revive(connection: sqlite3.Connection, run: int) -> int:
    """Try the dead letters of a run again, from the start; how many there were."""
    return connection.execute(
        "UPDATE outbox SET status = 'pending', attempts = 0, next_at = 0, sent_ids = ''"
        " WHERE run = ? AND status = 'dead'",
        (run,),
    ).rowcount


def revive_one(connection: sqlite3.Connection, id: str) -> bool:
    """Try one dead letter again, from the start; whether it was one."""
    revived = connection.execute(
        "UPDATE outbox SET status = 'pending', attempts = 0, next_at = 0, sent_ids = ''"
        " WHERE id = ? AND status = 'dead'",
        (id,),
    )
    return revived.rowcount > 0


class OutboxRow(NamedTuple):
    """What became of one message of a run. Times in milliseconds since 1970, UTC."""

    id: str
    said_by: str
    text: str
    status: str
    sent_at: int | None
    error: str


def of_run(connection: sqlite3.Connection, run: int) -> list[OutboxRow]:
    """What a run said, in order."""
    rows = connection.execute(
        "SELECT id, said_by, text, status, sent_at, error FROM outbox WHERE run = ? ORDER BY seq", (run,)
    ).fetchall()
    return [OutboxRow(*row) for row in rows]


def messages_of(connection: sqlite3.Connection, run: int) -> list[tuple[int, OutgoingMessage]]:
    """(when it was said, message) of all that a run said or ordered, in order."""
    rows = connection.execute(
        "SELECT created_at, id, bot, platform, channel_id, text, rest FROM outbox WHERE run = ? ORDER BY seq",
        (run,),
    ).fetchall()
    return [(row[0], _message(row[1:7])) for row in rows]


def counts(connection: sqlite3.Connection, bot: str) -> dict[str, int]:
    """How many messages of a bot wait to leave, and how many are dead letters."""
    return {
        status: connection.execute(
            f"SELECT count(*) FROM outbox WHERE bot = ? AND status = '{status}'", (bot,)
        ).fetchone()[0]
        for status in ("pending", "dead")
    }


def _leaving(row: Sequence[Any]) -> Leaving:
    return Leaving(row[0], _message(tuple(row[1:7])), row[7], row[8], tuple(json.loads(row[9] or "[]")))


def _rest(message: OutgoingMessage) -> str:
    rest: dict[str, object] = {}
    for name in ("user_id", "thread_id", "template"):
        if getattr(message, name):
            rest[name] = getattr(message, name)
    if message.purpose != "reply":
        rest["purpose"] = message.purpose
    if message.reply:
        rest["reply"] = dict(message.reply)
    if message.buttons:
        rest["buttons"] = [[button.label, button.value] for button in message.buttons]
    if message.attachments:
        rest["attachments"] = [asdict(attachment) for attachment in message.attachments]
    return json.dumps(rest, separators=(",", ":"), ensure_ascii=False) if rest else "{}"


def _message(row: tuple[str, ...]) -> OutgoingMessage:
    id, bot, platform, channel_id, text, rest = row
    fields = json.loads(rest)
    buttons = tuple(Button(label=label, value=value) for label, value in fields.pop("buttons", ()))
    attachments = tuple(Attachment(**attachment) for attachment in fields.pop("attachments", ()))
    return OutgoingMessage(
        id=id,
        bot=bot,
        platform=platform,
        channel_id=channel_id,
        text=text,
        buttons=buttons,
        attachments=attachments,
        **fields,
    )
