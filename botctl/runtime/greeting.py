"""Greetings: what the bot itself says when a conversation begins, and when it starts over (`/reset`)."""

from __future__ import annotations

import sqlite3

from botctl.ids import new_id
from botctl.messages import IncomingMessage, Said, reply_to
from botctl.store import conversations, ending, handoffs, inbox, outbox
from botctl.store.inbox import Stored
from botctl.store.outbox import Leaving

STARTED_OVER = "We start over. What can I do for you?"


def is_reset(message: IncomingMessage) -> bool:
    """Whether a message asks to start over."""
    return message.kind in ("text", "command") and message.text.strip().lower() == "/reset"


def reset(connection: sqlite3.Connection, stored: Stored, now_ms: int) -> Leaving:
    """Close the conversation up to this message; the confirmation that may leave."""
    ending.cancel_waiting(connection, stored.conversation, "the user started over (/reset)", now_ms)
    conversations.cut(connection, stored.conversation, stored.seq)
    inbox.ignore(connection, stored.seq, "/reset: the conversation was closed")
    return _say(connection, stored, STARTED_OVER, now_ms)


def welcome(connection: sqlite3.Connection, stored: Stored, text: str, now_ms: int) -> Leaving | None:
    """Say the welcome if this conversation never heard it; in one transaction, so once for ever."""
    if not conversations.welcome(connection, stored.conversation):
        return None
    return _say(connection, stored, text, now_ms)


def hold(
    connection: sqlite3.Connection, stored: Stored, handoff: str, text: str, now_ms: int
) -> Leaving | None:
    """Keep a message for the reviewer of a handoff; the user is told so once."""
    inbox.ignore(connection, stored.seq, f"kept for the reviewer of handoff {handoff}")
    if not handoffs.tell_user(connection, handoff) or not text:
        return None
    return _say(connection, stored, text, now_ms)


def tell_refused(connection: sqlite3.Connection, stored: Stored, now_ms: int) -> Leaving | None:
    """Say which files of a message cannot be used, and why; once, also if the process dies in between."""
    refused = [one for one in stored.message.attachments if one.refused]
    id = f"refused-{stored.seq}"
    if not refused or outbox.has(connection, id):
        return None
    lines = [f"I cannot use {one.name or f'this {one.kind}'}: {one.refused}." for one in refused]
    message = reply_to(stored.message, Said(text="\n".join(lines)), id)
    return outbox.add(
        connection, message, said_by="bot", conversation=stored.conversation, run=None, now_ms=now_ms
    )


def _say(connection: sqlite3.Connection, stored: Stored, text: str, now_ms: int) -> Leaving:
    greeting = reply_to(stored.message, Said(text=text), new_id())
    return outbox.add(
        connection, greeting, said_by="bot", conversation=stored.conversation, run=None, now_ms=now_ms
    )
