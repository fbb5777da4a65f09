"""Listings: pages of what a person may see, newest first, found by index."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import pytest

from botctl.store import listing
from botctl.store.database import connect
from botctl.store.runs import RARE
from tests.store.filled import Filled


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Connection]:
    """Six runs of the bots a, b and c in turn, each with a handoff, a schedule and a dead letter."""
    with closing(connect(tmp_path / "state.db")) as connection:
        filled = Filled(connection)
        for number in range(6):
            message = filled.message(f"hello {number}", user=f"u{number}")
            run = filled.run(message, bot="abc"[number % 3], status="error" if number > 3 else "completed")
            filled.handoff(run)
            filled.schedule(run)
            letter = filled.reply(run, f"lost {number}", message)
            connection.execute("UPDATE outbox SET status = 'dead' WHERE seq = ?", (letter,))
        for table in ("handoffs", "schedules", "outbox"):
            owner = f"(SELECT bot FROM runs WHERE seq = {table}.run)"
            connection.execute(f"UPDATE {table} SET bot = {owner}")
        yield connection


def test_pages_tell_each_row_of_the_bots_once_newest_first(state: Connection) -> None:
    def pages(find: Any) -> list[list[str]]:
        found, before = [], None
        while rows := find(state, before, 2, bots=["a", "c"]):
            found.append([row.bot for row in rows])
            before = rows[-1].seq
        return found

    told = [
        pages(find)
        for find in (
            listing.runs_before,
            listing.handoffs_before,
            listing.schedules_before,
            listing.letters_before,
        )
    ]

    assert told == [[["c", "a"], ["c", "a"]]] * 4


def test_no_bot_is_not_every_bot(state: Connection) -> None:
    told = [
        listing.runs_before(state, None, 9, bots=[]),
        listing.runs_before(state, None, 9, bots=[], status="error"),
        listing.handoffs_before(state, None, 9, bots=[]),
        listing.schedules_from(state, None, 9, bots=[]),
        listing.ids(state, "runs", "run", []),
    ]

    assert told == [[]] * 5
    assert len(listing.runs_before(state, None, 9)) == 6


def test_what_is_pending_comes_in_the_order_in_which_it_will_be_said(state: Connection) -> None:
    state.execute("UPDATE schedules SET next_at = 1000 - seq / 2")

    first = listing.schedules_from(state, None, 4)
    rest = listing.schedules_from(state, (first[-1].next_at, first[-1].seq), 4)

    assert [row.seq for row in (*first, *rest)] == [6, 4, 5, 2, 3, 1]


@pytest.mark.parametrize("status", RARE)
@pytest.mark.parametrize("bots", [None, ["a", "b"]])
def test_runs_of_a_rare_status_are_found_by_its_index(
    state: Connection, status: str, bots: list[str] | None
) -> None:
    asked: list[str] = []
    state.set_trace_callback(asked.append)
    listing.runs_before(state, None, 9, bots=bots, status=status)
    state.set_trace_callback(None)

    plan = [row[3] for row in state.execute(f"EXPLAIN QUERY PLAN {asked[0]}")]

    assert len(plan) == 1
    assert "INDEX runs_status (status=?)" in plan[0]
