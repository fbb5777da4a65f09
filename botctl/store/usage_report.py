"""Usage reports: the ledger summed up for people, by bot, day, model or conversation."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from botctl.messages import ConversationKey
from botctl.store.directory import name_of

By = Literal["bot", "day", "model", "conversation"]


class UsageLine(Struct, frozen=True, kw_only=True):
    """One line of a report. key: the bot, the day, `provider/model`, or the conversation's number ("" when it
    was erased). micro_cents: of the calls whose price is known; unpriced: how many are not; in_doubt: how
    many had no answer, or no count, and are booked at the most they can have cost."""

    key: str
    calls: int
    tokens_input: int
    tokens_output: int
    micro_cents: int
    unpriced: int
    in_doubt: int


_KEYS = {
    "bot": ("bot", "cost DESC, key"),
    "day": ("date(at / 1000, 'unixepoch')", "key"),
    "model": ("provider || '/' || model", "cost DESC, key"),
    "conversation": ("coalesce(conversation, '')", "cost DESC, key"),
}


def summed(connection: sqlite3.Connection, by: By, *, bot: str | None, since_ms: int) -> list[UsageLine]:
    """The calls since then, summed: days in order (UTC), anything else the dearest first."""
    key, order = _KEYS[by]
    rows = connection.execute(
        f"SELECT {key} AS key, count(*), sum(tokens_input), sum(tokens_output),"
        " coalesce(sum(micro_cents), 0) AS cost, sum(micro_cents IS NULL), sum(in_doubt)"
        f" FROM usage WHERE at >= ?{' AND bot = ?' if bot else ''} GROUP BY 1 ORDER BY {order}",
        (since_ms, *([bot] if bot else [])),
    )
    return [
        UsageLine(
            key=str(row[0]),
            calls=row[1],
            tokens_input=row[2],
            tokens_output=row[3],
            micro_cents=row[4],
            unpriced=row[5],
            in_doubt=row[6],
        )
        for row in rows
    ]


def conversation_names(connection: sqlite3.Connection, numbers: Iterable[str]) -> dict[str, str]:
    """The names of those conversations that are still there, by number."""
    names = {}
    for number in numbers:
        row = connection.execute(
            "SELECT bot, platform, channel_id, user_id, thread_id FROM conversations WHERE seq = ?", (number,)
        ).fetchone()
        if row is not None:
            names[number] = name_of(ConversationKey(*row))
    return names
