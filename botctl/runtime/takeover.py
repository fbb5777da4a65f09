"""Takeover: a person answers a conversation in place of the bot, and hands it back."""

from __future__ import annotations

import sqlite3

from msgspec.structs import replace

from botctl.errors import UserError
from botctl.ids import new_id
from botctl.messages import OutgoingMessage, Said, reply_to
from botctl.store import conversations, directory, inbox, outbox
from botctl.store.directory import Entry
from botctl.store.inbox import Stored
from botctl.store.outbox import Leaving

LONGEST_ANSWER = 20_000
"""Characters that a person may say at once."""


def take(connection: sqlite3.Connection, entry: Entry, by: str) -> None:
    """From the next message on the bot is silent, and messages are kept for this person. UserError when
    somebody else has the conversation."""
    holder = conversations.take(connection, entry.seq, by)
    if holder != by:
        raise UserError(
            f"`{holder}` has taken conversation {entry.seq} over",
            help="it can be handed back by anybody who may talk",
        )


def hand_back(connection: sqlite3.Connection, entry: Entry) -> None:
    """The next message is the bot's again; what came meanwhile is not answered later. UserError when nobody
    had taken the conversation."""
    if not conversations.hand_back(connection, entry.seq):
        raise UserError(f"nobody has taken conversation {entry.seq} over")


def answer(connection: sqlite3.Connection, entry: Entry, text: str, by: str, now_ms: int) -> Leaving:
    """Say something as the person who has taken the conversation; what may leave. Call it in a transaction.

    UserError when he has not, or there is nothing to say.
    """
    if conversations.taken_by(connection, entry.seq) != by:
        raise UserError(
            f"`{by}` has not taken conversation {entry.seq} over",
            help="take it first; the bot is silent then",
        )
    if not text.strip() or len(text) > LONGEST_ANSWER:
        raise UserError(f"an answer has between 1 and {LONGEST_ANSWER} characters")
    newest = directory.newest_message(connection, entry.seq)
    message = _outgoing(connection, entry, newest, text)
    return outbox.add(
        connection, message, said_by=f"person:{by}", conversation=entry.seq, run=None, now_ms=now_ms
    )


def keep(connection: sqlite3.Connection, stored: Stored, by: str) -> str:
    """Keep a message for the person who has the conversation; the reason that `botctl explain` tells."""
    reason = f"{conversations.KEPT_FOR_PERSON}{by}"
    inbox.ignore(connection, stored.seq, reason)
    return reason


def _outgoing(connection: sqlite3.Connection, entry: Entry, newest: int, text: str) -> OutgoingMessage:
    if newest:
        # Not as the reply to it: what it could be answered by (a token, an open request) may be over.
        message = reply_to(inbox.get(connection, newest).message, Said(text=text), new_id())
        return replace(message, purpose="proactive", reply={})
    key = entry.key
    return OutgoingMessage(
        id=new_id(),
        bot=key.bot,
        platform=key.platform,
        channel_id=key.channel_id,
        user_id=key.user_id,
        thread_id=key.thread_id,
        text=text,
        purpose="proactive",
    )
