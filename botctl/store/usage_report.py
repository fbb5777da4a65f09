"""Usage reports: the ledger summed up for people, by bot, day, model or conversation."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Literal

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


def summed(
    connection: sqlite3.Connection,
    by: By,
    *,
    bot: str | None = None,
    bots: Sequence[str] | None = None,
    since_ms: int,
) -> list[UsageLine]:
    """The calls since then, summed: days in order (UTC), the dearest first otherwise. bots: only theirs."""
    asked = [] if bots is None else [f"bot IN ({', '.join('?' * len(bots))})"]
    asked += ["bot = ?"] if bot else []
    where = "".join(f" AND {one}" for one in asked)
    key, order = _KEYS[by]
    rows = connection.execute(
        f"SELECT {key} AS key, count(*), sum(tokens_input), sum(tokens_output),"
        " coalesce(sum(micro_cents), 0) AS cost, sum(micro_cents IS NULL), sum(in_doubt)"
        f" FROM usage WHERE at >= ?{where} GROUP BY 1 ORDER BY {order}",
        (since_ms, *(bots or ()), *([bot] if bot else [])),
    )
    return [_line(row) for row in rows]


def all_ways(
    connection: sqlite3.Connection, *, bots: Sequence[str] | None = None, since_ms: int
) -> dict[By, list[UsageLine]]:
    """The same by day, bot and model at once, with one look at each call."""
    only = "" if bots is None else f" AND bot IN ({', '.join('?' * len(bots))})"
    keys: tuple[By, ...] = ("day", "bot", "model")
    rows = connection.execute(
        f"SELECT {', '.join(_KEYS[key][0] for key in keys)}, count(*), sum(tokens_input), sum(tokens_output),"
        " coalesce(sum(micro_cents), 0), sum(micro_cents IS NULL), sum(in_doubt)"
        f" FROM usage WHERE at >= ?{only} GROUP BY at / 86400000, bot, provider, model",
        (since_ms, *(bots or ())),
    )
    sums: dict[By, dict[str, list[int]]] = {key: {} for key in keys}
    for row in rows:
        for key, name in zip(keys, row, strict=False):
            known = sums[key].setdefault(str(name), [0] * len(row[3:]))
            for place, number in enumerate(row[3:]):
                known[place] += number
    lines = {key: [_line((name, *numbers)) for name, numbers in found.items()] for key, found in sums.items()}
    lines["day"].sort(key=lambda line: line.key)
    for key in keys[1:]:
        lines[key].sort(key=lambda line: (-line.micro_cents, line.key))
    return lines


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


def _line(row: Sequence[Any]) -> UsageLine:
    return UsageLine(
        key=str(row[0]),
        calls=row[1],
        tokens_input=row[2],
        tokens_output=row[3],
        micro_cents=row[4],
        unpriced=row[5],
        in_doubt=row[6],
    )
