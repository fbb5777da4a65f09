"""Erasure: one person's conversation is taken out of every table, down to the bytes."""

from __future__ import annotations

import json
import sqlite3

from botctl.store import usage
from botctl.store.upkeep import DEDUPE_MS

ERASED = "erased"
"""Why a message that is delivered again after its conversation was erased is not answered."""


def reason_to_wait(connection: sqlite3.Connection, conversation: int) -> str:
    """Why a conversation cannot be erased while a runner is up: what it holds in its hands; "" if nothing."""
    for reason, query in (
        ("a run of it is under way", "runs WHERE conversation = ? AND status = 'running'"),
        ("a message of it waits to be answered", "inbox WHERE conversation = ? AND status = 'pending'"),
        ("a message of it waits to be sent", "outbox WHERE conversation = ? AND status = 'pending'"),
    ):
        if connection.execute(f"SELECT 1 FROM {query} LIMIT 1", (conversation,)).fetchone():
            return reason
    return ""


def files_of(connection: sqlite3.Connection, conversation: int) -> list[str]:
    """The files that came with its messages, below `.botctl/files`."""
    rows = connection.execute(
        "SELECT rest FROM inbox WHERE conversation = ? AND rest LIKE '%attachments%'", (conversation,)
    )
    attachments = [one for row in rows for one in json.loads(row[0]).get("attachments", ())]
    return [one["path"] for one in attachments if one.get("path")]


def erase(connection: sqlite3.Connection, conversation: int, now_ms: int) -> dict[str, int]:
    """Take everything of a conversation away; how many rows of which table. Call it in a transaction.

    The keys of messages that came within the last eight days stay, without anything else, in a conversation
    of nobody: the platform may deliver those messages again, and they must not be answered again.
    """
    connection.execute("PRAGMA secure_delete = ON")  # the bytes are overwritten, not only set free
    removed: dict[str, int] = {}

    def delete(table: str, where: str, *values: object) -> None:
        rows = connection.execute(f"DELETE FROM {table} WHERE {where}", values).rowcount
        if rows:
            removed[table] = removed.get(table, 0) + rows

    bot, platform, user_id = connection.execute(
        "SELECT bot, platform, user_id FROM conversations WHERE seq = ?", (conversation,)
    ).fetchone()
    forgotten = usage.forget(connection, bot, conversation, f"{platform}:{user_id}")
    if forgotten:
        removed["usage"] = forgotten  # what was spent stays: it is the bot's money
    runs = "run IN (SELECT seq FROM runs WHERE conversation = ?)"
    for table in ("steps", "once", "recorded", "events"):
        delete(table, runs, conversation)
    for table in ("outbox", "tickets", "handoffs", "schedules", "challenges"):
        delete(table, f"conversation = ? OR {runs}", conversation, conversation)
    delete("runs", "conversation = ?", conversation)
    delete(
        "inbox", "conversation = ? AND (dedupe_key = '' OR received_at < ?)", conversation, now_ms - DEDUPE_MS
    )
    kept = _give_keys_to_nobody(connection, conversation, bot, platform)
    if kept:
        removed["inbox"] = removed.get("inbox", 0) + kept
    if user_id:
        delete("verified", "bot = ? AND platform = ? AND user_id = ?", bot, platform, user_id)
    delete("conversations", "seq = ?", conversation)
    connection.execute(  # the next message may get a number that was free before the cut
        "UPDATE conversations SET cut_at = (SELECT coalesce(max(seq), 0) FROM inbox)"
        " WHERE cut_at > (SELECT coalesce(max(seq), 0) FROM inbox)"
    )
    return removed


def kept_keys(connection: sqlite3.Connection, bot: str, platform: str) -> int:
    """How many bare keys of erased messages are kept."""
    row = connection.execute(
        "SELECT count(*) FROM inbox i JOIN conversations c ON c.seq = i.conversation"
        " WHERE c.bot = ? AND c.platform = ? AND c.channel_id = '' AND c.user_id = '' AND c.thread_id = ''",
        (bot, platform),
    ).fetchone()
    return int(row[0])


def scrub(connection: sqlite3.Connection) -> None:
    """After the transaction, while others write: empty the write-ahead log, where old pages still are, if
    nobody reads it just now. What earlier states of a run left in free pages is only gone when the file is
    written anew (`upkeep.compact`)."""
    connection.execute("PRAGMA busy_timeout = 2000")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _give_keys_to_nobody(connection: sqlite3.Connection, conversation: int, bot: str, platform: str) -> int:
    left = connection.execute("SELECT 1 FROM inbox WHERE conversation = ?", (conversation,)).fetchone()
    if left is None:
        return 0
    nobody = connection.execute(
        "INSERT INTO conversations (bot, platform, channel_id, user_id, thread_id, started_at, last_at)"
        " VALUES (?, ?, '', '', '', 0, 0) ON CONFLICT DO UPDATE SET last_at = 0 RETURNING seq",
        (bot, platform),
    ).fetchone()[0]
    return connection.execute(
        "UPDATE inbox SET conversation = ?, text = '', rest = '{}', status = 'ignored', reason = ?,"
        " run = NULL WHERE conversation = ?",
        (nobody, ERASED, conversation),
    ).rowcount
