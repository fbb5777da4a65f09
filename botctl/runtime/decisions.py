"""Decisions in a chat: a reviewer presses a button of a notice, and what he is told."""

from __future__ import annotations

import sqlite3
from functools import partial

from msgspec import Struct

from botctl.clock import Clock
from botctl.errors import UserError
from botctl.ids import new_id
from botctl.messages import IncomingMessage, Said, reply_to
from botctl.store import handoffs, inbox, outbox
from botctl.store.database import Database
from botctl.store.handoffs import HandoffRow
from botctl.store.inbox import Stored
from botctl.store.outbox import Leaving

PREFIX = "ho:"


class Pressed(Struct, frozen=True):
    """A button of a handoff's notice: which handoff, and the decision."""

    handoff: str
    status: str


def pressed(message: IncomingMessage) -> Pressed | None:
    """What a button decides; None if it is an ordinary message."""
    if message.kind != "button" or not message.button_value.startswith(PREFIX):
        return None
    _, handoff, status = (*message.button_value.split(":", 2), "", "")[:3]
    return Pressed(handoff, status)


async def decide(database: Database, clock: Clock, stored: Stored, button: Pressed) -> Leaving:
    """Decide as the presser, and answer him; the message that may leave."""
    try:
        return await database.write(partial(_decide, stored, button, clock.now_ms()))
    except UserError as error:  # its transaction is undone: nothing was decided
        told = f"{error.message}. {error.help}" if error.help else error.message
        return await database.write(partial(_answer, stored, told, clock.now_ms()))


def _decide(stored: Stored, button: Pressed, now_ms: int, connection: sqlite3.Connection) -> Leaving:
    message = stored.message
    row = handoffs.find(connection, button.handoff) if button.handoff else None
    if row is None or button.status not in ("approved", "rejected") or not _was_told(row, message):
        raise UserError("nothing is asked here that this button could decide")
    by = message.user_id
    handoffs.decide(connection, row.id, status=button.status, by=by, now_ms=now_ms)  # type: ignore[arg-type]
    who = message.user_name or message.user_id
    return _answer(stored, f"{button.status} by {who}: {row.reason}", now_ms, connection)


def _answer(stored: Stored, text: str, now_ms: int, connection: sqlite3.Connection) -> Leaving:
    inbox.ignore(connection, stored.seq, "it was about a handoff")
    message = reply_to(stored.message, Said(text=text), new_id())
    return outbox.add(
        connection, message, said_by="bot", conversation=stored.conversation, run=None, now_ms=now_ms
    )


def _was_told(row: HandoffRow, message: IncomingMessage) -> bool:
    """Whether the notice went to where the button was pressed. Who knows only its id decides nothing."""
    told = (*row.notify, *row.escalate)
    places = {(platform, str(channel)) for one in told for platform, channel in one.items()}
    here = {message.channel_id, message.user_id, str(message.reply.get("number", ""))}  # WhatsApp's number
    return any((message.platform, place) in places for place in here if place)
