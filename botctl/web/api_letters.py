"""Dead letters over the API: listed and sent again."""

from __future__ import annotations

import sqlite3

from msgspec import Struct

from botctl.clock import to_iso
from botctl.store import listing, outbox
from botctl.store.listing import LetterRow
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
    number_of,
)


class LettersQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which dead letters."""

    bot: BotName = ""
    limit: Limit = 50
    cursor: Cursor = ""


class LetterShape(Struct, frozen=True, kw_only=True):
    """A message that could not be sent. conversation: its number; null: it was said elsewhere. run: null if
    none said it. error: why it did not leave."""

    id: str
    bot: str
    platform: str
    channel_id: str
    conversation: int | None
    run: str | None
    text: str
    created_at: str
    attempts: int
    error: str


class LetterPage(Struct, frozen=True, kw_only=True):
    """Dead letters, newest first. next: the cursor of the next page; null: this is the last."""

    items: list[LetterShape]
    next: str | None


class SentAgainShape(Struct, frozen=True, kw_only=True):
    """A dead letter that is to leave again. by: who said so."""

    letter: LetterShape
    by: str


async def list_letters(desk: Desk, asked: Asked[LettersQuery, NoBody]) -> LetterPage:
    """Dead letters, newest first."""
    query = asked.query
    rows = desk.database.read(
        lambda connection: listing.letters_before(
            connection, number_of(query.cursor), query.limit + 1, bots=asked.bots(query.bot)
        )
    )
    shown = rows[: query.limit]
    more = str(shown[-1].seq) if len(rows) > query.limit else None
    return LetterPage(items=[_shape(row) for row in shown], next=more)


async def send_letter(desk: Desk, asked: Asked[NoQuery, NoBody]) -> SentAgainShape:
    """Try a dead letter again, from the start."""

    def send(connection: sqlite3.Connection) -> LetterRow:
        id = asked.whole_id(connection, "outbox")
        row = listing.letter(connection, id)
        if row is None or not outbox.revive_one(connection, id):
            raise Refusal(404, f"no dead letter has the id `{id}`")
        return row

    row = await desk.database.write(send)
    desk.look()
    return SentAgainShape(letter=_shape(row), by=asked.reviewer.name)


def _shape(row: LetterRow) -> LetterShape:
    return LetterShape(
        id=row.id,
        bot=row.bot,
        platform=row.platform,
        channel_id=row.channel_id,
        conversation=row.conversation,
        run=row.run or None,
        text=row.text,
        created_at=to_iso(row.created_at),
        attempts=row.attempts,
        error=row.error,
    )


OPERATIONS = (
    Operation(
        id="list_dead_letters",
        method="GET",
        path="/dead-letters",
        right="see",
        summary="Messages that could not be sent, newest first.",
        perform=list_letters,
        query=LettersQuery,
        answer=LetterPage,
    ),
    Operation(
        id="send_dead_letter",
        method="POST",
        path="/dead-letters/{id}/send",
        right="manage",
        summary="Try a dead letter again, from the start.",
        perform=send_letter,
        answer=SentAgainShape,
    ),
)
