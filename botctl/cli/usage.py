"""`botctl usage`: what the models cost, by bot, day, model or conversation, and a plot of it."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Annotated, get_args

import typer
from msgspec import to_builtins

from botctl.cli.options import JsonOption, ProjectOption
from botctl.cli.place import open_project, refuse_unknown, state_file
from botctl.cli.plot import column_plot
from botctl.cli.terminal import paint, print_json, print_table
from botctl.clock import Clock, SystemClock, to_datetime
from botctl.duration import parse_duration
from botctl.errors import UsageError
from botctl.llm.pricing import format_money
from botctl.runtime.shapes import usage_shape
from botctl.store import usage_report
from botctl.store.database import connect
from botctl.store.usage_report import By, UsageLine

app = typer.Typer(rich_markup_mode=None)

_DAY_MS = 86_400_000


@app.command()
def usage(
    bot: Annotated[str | None, typer.Argument(help="Only this bot's.")] = None,
    by: Annotated[
        str, typer.Option("--by", metavar="|".join(get_args(By)), help="What the calls are summed by.")
    ] = "bot",
    since: Annotated[str, typer.Option(help="How far back, such as 24h or 30d.")] = "30d",
    limit: Annotated[int, typer.Option(min=1, help="How many lines at most; of days all are told.")] = 50,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """What the calls of models cost: the dearest first, days in order (UTC)."""
    if by not in get_args(By):
        raise UsageError(f"usage cannot be told by `{by}`", help="one of " + ", ".join(get_args(By)))
    now_ms, since_ms = _since(since, SystemClock())
    found, _ = open_project(project)
    with closing(connect(state_file(found))) as connection:
        lines = usage_report.summed(connection, by, bot=bot, since_ms=since_ms)  # type: ignore[arg-type]
        refuse_unknown(found, bot, lines)
        lines = lines if by == "day" else lines[:limit]
        names = _names(connection, lines) if by == "conversation" else {}
        days = (
            usage_report.summed(connection, "day", bot=bot, since_ms=since_ms) if sys.stdout.isatty() else ()
        )
    if json:
        print_json([to_builtins(usage_shape(by, line, names)) for line in lines])  # type: ignore[arg-type]
        return
    rows = [_cells(line, names) for line in lines]
    print_table((by, *_COLUMNS), rows, empty=f"no model was asked in the last {since}")
    if days:
        _print_plot(days, since_ms, now_ms)


_COLUMNS = ("calls", "tokens in", "tokens out", "cost", "without price", "in doubt")


def _since(written: str, clock: Clock) -> tuple[int, int]:
    try:
        seconds = parse_duration(written)
    except ValueError as error:
        raise UsageError(f"`--since {written}`: {error}") from None
    now_ms = clock.now_ms()
    return now_ms, now_ms - round(seconds * 1000)


def _names(connection: sqlite3.Connection, lines: Sequence[UsageLine]) -> dict[str, str]:
    return usage_report.conversation_names(connection, [line.key for line in lines if line.key])


def _cells(line: UsageLine, names: Mapping[str, str]) -> tuple[str, ...]:
    key = names.get(line.key, line.key) or "(erased)"
    return (
        key,
        f"{line.calls:,}",
        f"{line.tokens_input:,}",
        f"{line.tokens_output:,}",
        format_money(line.micro_cents if line.unpriced < line.calls else None),
        f"{line.unpriced:,}" if line.unpriced else "",
        f"{line.in_doubt:,}" if line.in_doubt else "",
    )


def _print_plot(days: Sequence[UsageLine], since_ms: int, now_ms: int) -> None:
    """Cost per day; where nothing cost anything, tokens."""
    labels = [
        to_datetime(at).strftime("%Y-%m-%d")
        for at in range(since_ms - since_ms % _DAY_MS, now_ms + 1, _DAY_MS)
    ]
    known = {day.key: day for day in days}
    costs = [known[label].micro_cents if label in known else 0 for label in labels]
    tokens = [
        known[label].tokens_input + known[label].tokens_output if label in known else 0 for label in labels
    ]
    title, values, top = "cost per day", costs, format_money(max(costs))
    if not any(costs):
        title, values, top = "tokens per day", tokens, f"{max(tokens):,}"
    print()
    print(paint(title, "bold"))
    for line in column_plot(labels, values, top):
        print(line)
