"""The page of usage: what the models cost, by day, bot and model."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from botctl.clock import to_datetime
from botctl.llm.pricing import format_money
from botctl.store import usage_report
from botctl.store.usage_report import UsageLine
from botctl.web.office import Page, Visit
from botctl.web.paging import choice
from botctl.web.plot import Column, bar, columns

_DAYS = ("30", "7", "90", "365")
_DAY_MS = 86_400_000
_MOST_LINES = 50


def show_usage(visit: Visit, connection: sqlite3.Connection) -> dict[str, Any]:
    """The last days, each as a column; the dearest bots and models."""
    days, bot = int(choice(visit, "days", _DAYS)), visit.query.get("bot", "")
    today = visit.office.desk.clock.now_ms() // _DAY_MS
    since_ms, bots = (today - days + 1) * _DAY_MS, visit.bots(bot)
    lines = usage_report.all_ways(connection, bots=bots, since_ms=since_ms)
    by_day = lines["day"]
    every_day = [to_datetime((today - back) * _DAY_MS).strftime("%Y-%m-%d") for back in range(days)][::-1]
    total = _total(by_day)
    in_tokens = total.micro_cents == 0 and total.calls > 0
    return {
        "total": total,
        "days": str(days),
        "choices": _DAYS,
        "bot": bot,
        "plot": _plot(by_day, every_day, in_tokens=in_tokens),
        "in_tokens": in_tokens,
        "by_day": list(reversed(by_day))[:_MOST_LINES],
        "tables": [("By bot", "Bot", _barred(lines["bot"])), ("By model", "Model", _barred(lines["model"]))],
    }


def _plot(lines: Sequence[UsageLine], days: Sequence[str], *, in_tokens: bool) -> Markup:
    """Days without a call are columns of nothing. Tokens where no price is known."""
    by_day = {line.key: line for line in lines}
    shown = []
    for day in days:
        line = by_day.get(day)
        value = 0 if line is None else _tokens(line) if in_tokens else line.micro_cents
        told = f"{value:,} tokens" if in_tokens else format_money(value)
        shown.append(Column(label=day, value=float(value), told=told))
    what = "Tokens" if in_tokens else "Cost"
    return Markup(columns(f"{what} per day, {days[0]} to {days[-1]}", shown))  # it escapes what it is told


def _barred(lines: Sequence[UsageLine]) -> list[tuple[UsageLine, Markup]]:
    most = max((line.micro_cents for line in lines), default=0)
    size = (lambda line: line.micro_cents) if most else _tokens
    largest = max((size(line) for line in lines), default=0) or 1
    return [(line, Markup(bar(size(line) / largest))) for line in lines[:_MOST_LINES]]


def _tokens(line: UsageLine) -> int:
    return line.tokens_input + line.tokens_output


def _total(lines: Sequence[UsageLine]) -> UsageLine:
    return UsageLine(
        key="",
        calls=sum(line.calls for line in lines),
        tokens_input=sum(line.tokens_input for line in lines),
        tokens_output=sum(line.tokens_output for line in lines),
        micro_cents=sum(line.micro_cents for line in lines),
        unpriced=sum(line.unpriced for line in lines),
        in_doubt=sum(line.in_doubt for line in lines),
    )


PAGES = (Page(path="/usage", template="usage.html", show=show_usage),)
