"""Conversations: who is talked to where; one row each, found by its whole key."""

from __future__ import annotations

import sqlite3

from botctl.messages import ConversationKey, IncomingMessage

KEPT_FOR_PERSON = "kept for the person who has taken the conversation over: "
"""How the reason of a message starts that a person answers, not the bot."""


def touch(connection: sqlite3.Connection, message: IncomingMessage) -> tuple[int, int]:
    """The conversation's number, made or brought up to date by a message of it; and when the message before
    this one came, 0 for the first."""
    row = connection.execute(
        "INSERT INTO conversations"
        " (bot, platform, channel_id, user_id, thread_id, user_name, started_at, last_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (bot, platform, channel_id, user_id, thread_id)"
        " DO UPDATE SET previous_at = last_at, last_at = excluded.last_at, user_name = excluded.user_name"
        " RETURNING seq, previous_at",
        (*message.conversation, message.user_name, message.received_at, message.received_at),
    ).fetchone()
    return int(row[0]), int(row[1])


def key_of(connection: sqlite3.Connection, conversation: int) -> ConversationKey:
    """Whose conversation this is."""
    row = connection.execute(
        "SELECT bot, platform, channel_id, user_id, thread_id FROM conversations WHERE seq = ?",
        (conversation,),
    ).fetchone()
    return ConversationKey(*row)


def welcome(connection: sqlite3.Connection, conversation: int) -> bool:
    """Note that a conversation is welcomed; whether it had not been before."""
    row = connection.execute(
        "UPDATE conversations SET welcomed = 1 WHERE seq = ? AND welcomed = 0 RETURNING seq", (conversation,)
    ).fetchone()
    return row is not None


def cut(connection: sqlite3.Connection, conversation: int, before: int) -> None:
    """Forget history up to and including the message `before` (an inbox.seq)."""
    connection.execute("UPDATE conversations SET cut_at = ? WHERE seq = ?", (before, conversation))


def take(connection: sqlite3.Connection, conversation: int, by: str) -> str:
    """Let a person answer in place of the bot; who does from now on: whoever took it first."""
    connection.execute(
        "UPDATE conversations SET taken_by = ? WHERE seq = ? AND taken_by = ''", (by, conversation)
    )
    return taken_by(connection, conversation)


def hand_back(connection: sqlite3.Connection, conversation: int) -> bool:
    """Let the bot answer again; whether a person did."""
    changed = connection.execute(
        "UPDATE conversations SET taken_by = '' WHERE seq = ? AND taken_by <> ''", (conversation,)
    )
    return changed.rowcount > 0


def taken_by(connection: sqlite3.Connection, conversation: int) -> str:
    """The person who answers in place of the bot; "" if nobody does."""
    row = connection.execute("SELECT taken_by FROM conversations WHERE seq = ?", (conversation,)).fetchone()
    return str(row[0]) if row else ""


def last_at(connection: sqlite3.Connection, bot: str, platform: str, channel: str, user: str) -> int | None:
    """When the last message of a user in a channel came, in any thread; None if never."""
    row = connection.execute(
        "SELECT max(last_at) FROM conversations"
        " WHERE bot = ? AND platform = ? AND channel_id = ? AND user_id = ?",
        (bot, platform, channel, user),
    ).fetchone()
    return row[0] if row and row[0] is not None else None


def channels_of(connection: sqlite3.Connection, bot: str, platform: str, most: int = 500) -> list[str]:
    """The channels of a platform in which people have talked to a bot, newest first."""
    rows = connection.execute(
        "SELECT channel_id FROM conversations WHERE bot = ? AND platform = ?"
        " GROUP BY channel_id ORDER BY max(last_at) DESC LIMIT ?",
        (bot, platform, most),
    )
    return [str(row[0]) for row in rows]


def move(connection: sqlite3.Connection, bot: str, platform: str, old: str, new: str) -> None:
    """A channel has another id now: its conversations, and what is still to be said in it, go with it."""
    here = (new, bot, platform, old)
    connection.execute(
        "UPDATE OR IGNORE conversations SET channel_id = ? WHERE bot = ? AND platform = ? AND channel_id = ?",
        here,
    )
    for table in ("outbox", "schedules"):
        connection.execute(
            f"UPDATE {table} SET channel_id = ? WHERE bot = ? AND platform = ? AND channel_id = ?"
            " AND status = 'pending'",
            here,
        )


def transcript(connection: sqlite3.Connection, conversation: int, most: int) -> list[tuple[str, str]]:
    """The last `most` messages of a conversation, oldest first, as (user | bot, text), for a reviewer."""
    rows = connection.execute(
        "SELECT who, text FROM ("
        " SELECT 'user' AS who, text, received_at AS at, seq FROM inbox WHERE conversation = :conversation"
        " UNION ALL"
        " SELECT 'bot', text, created_at, seq FROM outbox WHERE conversation = :conversation"
        ") ORDER BY at DESC, who, seq DESC LIMIT :most",
        {"conversation": conversation, "most": most},
    ).fetchall()
    return [(str(who), str(text)) for who, text in reversed(rows)]


def history(
    connection: sqlite3.Connection, conversation: int, before: int, most: int
) -> list[tuple[str, str]]:
    """The last `most` messages before a message (an inbox.seq), oldest first, as (user | assistant, text)."""
    rows = connection.execute(
        "SELECT role, text FROM ("
        " SELECT 'user' AS role, text, received_at AS at, seq FROM inbox"
        " WHERE conversation = :conversation AND seq < :before AND (status = 'done' OR reason LIKE :kept)"
        " AND seq > (SELECT cut_at FROM conversations WHERE seq = :conversation)"
        " UNION ALL"
        " SELECT 'assistant', o.text, o.created_at, o.seq FROM outbox o"
        " WHERE o.conversation = :conversation AND o.created_at >"
        " (SELECT coalesce(max(received_at), 0) FROM inbox WHERE conversation = :conversation AND seq <="
        "  (SELECT cut_at FROM conversations WHERE seq = :conversation))"
        ") ORDER BY at DESC, role, seq DESC LIMIT :most",
        {"conversation": conversation, "before": before, "most": most, "kept": f"{KEPT_FOR_PERSON}%"},
    ).fetchall()
    return [(str(role), str(text)) for role, text in reversed(rows)]
