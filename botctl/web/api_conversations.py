"""Conversations over the API: listed, told, started over, taken over."""

from __future__ import annotations

import sqlite3
from typing import Annotated, Any

from msgspec import Meta, Struct

from botctl.errors import UserError
from botctl.runtime import commands, takeover
from botctl.runtime.lock import holder_of
from botctl.runtime.shapes import EntryShape, EntryStoryShape, entry_shape, entry_story_shape
from botctl.store import directory
from botctl.store.directory import Entry
from botctl.web.api_operation import (
    Asked,
    BotName,
    Cursor,
    Desk,
    Limit,
    NoBody,
    NoQuery,
    Operation,
    Refusal,
    numbers_of,
)


class ConversationsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which conversations."""

    bot: BotName = ""
    limit: Limit = 50
    cursor: Cursor = ""


class TranscriptQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of a conversation."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="How many messages at most, the newest.")] = 200


class SayBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said in place of the bot."""

    text: Annotated[str, Meta(min_length=1, max_length=takeover.LONGEST_ANSWER)]


class SaidByShape(Struct, frozen=True, kw_only=True):
    """A message that is to leave. by: who said it."""

    id: str
    text: str
    by: str


class EntryPage(Struct, frozen=True, kw_only=True):
    """Conversations, those with the newest messages first. next: the cursor of the next page; null: this is
    the last."""

    items: list[EntryShape]
    next: str | None


async def list_conversations(desk: Desk, asked: Asked[ConversationsQuery, NoBody]) -> EntryPage:
    """The conversations, those with the newest messages first."""
    query = asked.query
    rows = desk.database.read(
        lambda connection: directory.page(
            connection, numbers_of(query.cursor), query.limit + 1, bots=asked.bots(query.bot)
        )
    )
    shown = rows[: query.limit]
    more = f"{shown[-1].last_at}-{shown[-1].seq}" if len(rows) > query.limit else None
    return EntryPage(items=[entry_shape(entry) for entry in shown], next=more)


async def show_conversation(desk: Desk, asked: Asked[TranscriptQuery, NoBody]) -> EntryStoryShape:
    """What was said in a conversation, oldest first."""

    def read(connection: sqlite3.Connection) -> EntryStoryShape:
        entry = found(connection, asked)
        return entry_story_shape(entry, directory.said_in(connection, entry.seq, asked.query.limit))

    return desk.database.read(read)


async def reset_conversation(desk: Desk, asked: Asked[NoQuery, NoBody]) -> EntryShape:
    """Forget what was said, cancel what waits."""
    why, now_ms = f"{asked.reviewer.name} started the conversation over", desk.clock.now_ms()
    bot = desk.database.read(lambda connection: found(connection, asked)).key.bot
    holder = holder_of(desk.state_folder, bot)

    def reset(connection: sqlite3.Connection) -> None:
        entry = found(connection, asked)
        commands.reset_conversation(connection, entry, why, holder=holder, now_ms=now_ms)

    await desk.database.write(reset)
    desk.look()
    return entry_shape(desk.database.read(lambda connection: found(connection, asked)))


async def take(desk: Desk, asked: Asked[NoQuery, NoBody]) -> EntryShape:
    """Answer in place of the bot from now on."""
    by = asked.reviewer.name
    await desk.database.write(lambda connection: takeover.take(connection, found(connection, asked), by))
    return entry_shape(desk.database.read(lambda connection: found(connection, asked)))


async def say(desk: Desk, asked: Asked[NoQuery, SayBody]) -> SaidByShape:
    """Say something as the person who has taken the conversation over."""
    by, text, now_ms = asked.reviewer.name, asked.body.text, desk.clock.now_ms()
    leaving = await desk.database.write(
        lambda connection: takeover.answer(connection, found(connection, asked), text, by, now_ms)
    )
    desk.look()
    return SaidByShape(id=leaving.message.id, text=leaving.message.text, by=by)


async def hand_back(desk: Desk, asked: Asked[NoQuery, NoBody]) -> EntryShape:
    """Let the bot answer again."""
    await desk.database.write(lambda connection: takeover.hand_back(connection, found(connection, asked)))
    return entry_shape(desk.database.read(lambda connection: found(connection, asked)))


def found(connection: sqlite3.Connection, asked: Asked[Any, Any]) -> Entry:
    """The conversation of the number in the path; a Refusal when there is none that may be seen."""
    gone = Refusal(
        404, f"there is no conversation `{asked.id}`", help="conversations are asked for by number"
    )
    if not (asked.id.isascii() and asked.id.isdigit() and len(asked.id) <= 18):
        raise gone
    try:
        entry = directory.find(connection, asked.id)
    except UserError:
        raise gone from None
    bots = asked.bots()
    if bots is not None and entry.key.bot not in bots:
        raise gone
    return entry


OPERATIONS = (
    Operation(
        id="list_conversations",
        method="GET",
        path="/conversations",
        right="see",
        summary="The conversations, those with the newest messages first.",
        perform=list_conversations,
        query=ConversationsQuery,
        answer=EntryPage,
    ),
    Operation(
        id="show_conversation",
        method="GET",
        path="/conversations/{id}",
        right="see",
        summary="What was said in a conversation, oldest first, each message with the run it belongs to.",
        perform=show_conversation,
        query=TranscriptQuery,
        answer=EntryStoryShape,
    ),
    Operation(
        id="reset_conversation",
        method="POST",
        path="/conversations/{id}/reset",
        right="manage",
        summary="Start a conversation over: what was said is forgotten, what waits in it is cancelled.",
        perform=reset_conversation,
        answer=EntryShape,
    ),
    Operation(
        id="take_conversation",
        method="POST",
        path="/conversations/{id}/take",
        right="talk",
        summary="Take a conversation over: the bot is silent in it, and messages are kept for who took it.",
        perform=take,
        answer=EntryShape,
        refuses={409: "Somebody else has taken it."},
    ),
    Operation(
        id="say_in_conversation",
        method="POST",
        path="/conversations/{id}/say",
        right="talk",
        summary="Say something in a conversation that one has taken over.",
        perform=say,
        body=SayBody,
        answer=SaidByShape,
        refuses={409: "The reviewer has not taken it over, or there is nothing but space to say."},
    ),
    Operation(
        id="hand_conversation_back",
        method="POST",
        path="/conversations/{id}/hand-back",
        right="talk",
        summary="Hand a conversation back: the next message is the bot's again.",
        perform=hand_back,
        answer=EntryShape,
        refuses={409: "Nobody has taken it."},
    ),
)
