"""Schedules: said when they are due, once or again and again, until somebody takes them away."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from botctl.errors import UserError
from botctl.store import schedules
from botctl.store.database import connect
from botctl.store.schedules import ScheduleRow
from tests.store.plans import plans_of

NOW = 1_767_225_600_000


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "state.db")


def schedule(id: str, at: int = 10, **fields: Any) -> ScheduleRow:
    """Something to be said `at` milliseconds from now."""
    return ScheduleRow(
        **{
            "id": id,
            "bot": "b",
            "platform": "telegram",
            "channel_id": "c",
            "user_id": "u",
            "conversation": 1,
            "run": 7,
            "text": f"text of {id}",
            "next_at": NOW + at,
            "created_at": NOW,
            **fields,
        }
    )


def statuses(connection: sqlite3.Connection) -> dict[str, str]:
    """The status of every schedule, oldest first."""
    rows = schedules.latest(connection, bot=None, status=None, most=50)
    return {row.id: row.status for row in reversed(rows)}


def test_a_schedule_comes_back_whole(connection: sqlite3.Connection) -> None:
    row = schedule("a", thread_id="t", key="k", every="0 9 * * *", timezone="Europe/Berlin")

    seq = schedules.add(connection, row)

    assert schedules.find(connection, "a") == replace(row, seq=seq)


def test_a_key_replaces_what_is_pending_under_it_in_its_conversation(connection: sqlite3.Connection) -> None:
    schedules.add(connection, schedule("old", key="reminder"))
    schedules.add(connection, schedule("elsewhere", key="reminder", conversation=2))
    schedules.add(connection, schedule("other", key="digest"))
    schedules.add(connection, schedule("bare"))

    schedules.add(connection, schedule("bare2"))
    schedules.add(connection, schedule("new", key="reminder"))

    assert statuses(connection) == {
        "old": "cancelled",
        "elsewhere": "pending",
        "other": "pending",
        "bare": "pending",
        "bare2": "pending",
        "new": "pending",
    }


def test_cancelling_by_key_takes_what_is_pending_and_no_key_takes_nothing(
    connection: sqlite3.Connection,
) -> None:
    schedules.add(connection, schedule("a", key="k"))
    schedules.add(connection, schedule("bare"))

    taken = [schedules.cancel_key(connection, 1, key, NOW) for key in ("k", "k", "")]

    assert (taken, statuses(connection)) == ([1, 0, 0], {"a": "cancelled", "bare": "pending"})


def test_what_is_due_is_said_in_order_and_only_by_its_own_bots(connection: sqlite3.Connection) -> None:
    schedules.add(connection, schedule("second", 5))
    schedules.add(connection, schedule("first", 4, bot="b2"))
    schedules.add(connection, schedule("strange", 1, bot="x"))
    schedules.add(connection, schedule("future", 6))
    schedules.add(connection, schedule("gone", 2))
    schedules.cancel(connection, "gone", NOW)

    due = schedules.due(connection, ["b", "b2"], NOW + 5)

    assert [row.id for row in due] == ["first", "second"]
    assert schedules.next_due(connection, ["b", "b2"]) == NOW + 4
    assert schedules.next_due(connection, ["nobody"]) is None


def test_what_is_said_once_is_done_and_what_repeats_waits_for_its_next_moment(
    connection: sqlite3.Connection,
) -> None:
    once = schedules.add(connection, schedule("once"))
    daily = schedules.add(connection, schedule("daily", every="0 9 * * *"))

    schedules.said(connection, once, None, NOW + 10)
    schedules.said(connection, daily, NOW + 99, NOW + 10)

    assert statuses(connection) == {"once": "done", "daily": "pending"}
    assert schedules.find(connection, "once").finished_at == NOW + 10
    assert schedules.next_due(connection, ["b"]) == NOW + 99


def test_what_was_cancelled_stays_so(connection: sqlite3.Connection) -> None:
    seq = schedules.add(connection, schedule("a"))

    cancelled = [schedules.cancel(connection, "a", NOW + at) for at in (1, 2)]
    schedules.said(connection, seq, None, NOW + 3)

    row = schedules.find(connection, "a")
    assert (cancelled, row.status, row.finished_at) == ([True, False], "cancelled", NOW + 1)


def test_pending_ones_are_listed_soonest_first_and_all_newest_first(connection: sqlite3.Connection) -> None:
    schedules.add(connection, schedule("late", 9))
    schedules.add(connection, schedule("soon", 1))
    schedules.add(connection, schedule("other", 5, bot="b2"))
    schedules.add(connection, schedule("gone", 0))
    schedules.cancel(connection, "gone", NOW)

    def listed(bot: str | None, status: str | None, most: int = 50) -> list[str]:
        return [row.id for row in schedules.latest(connection, bot=bot, status=status, most=most)]

    assert [listed(None, "pending"), listed("b", "pending"), listed("b", "pending", 1)] == [
        ["soon", "other", "late"],
        ["soon", "late"],
        ["soon"],
    ]
    assert [listed(None, None), listed("b", "cancelled")] == [["gone", "other", "soon", "late"], ["gone"]]


def test_a_schedule_is_found_by_the_beginning_of_its_id(connection: sqlite3.Connection) -> None:
    for id in ("ab1", "ab", "ax"):
        schedules.add(connection, schedule(id))

    def told(prefix: str) -> str:
        try:
            return schedules.find(connection, prefix).id
        except UserError as error:
            return error.message

    assert [told(prefix) for prefix in ("ax", "ab", "a", "z")] == [
        "ax",
        "ab",
        "several schedules have ids that start with `a`: ab, ab1, ax",
        "no schedule has an id that starts with `z`",
    ]


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: schedules.add(c, schedule("b", key="k")),
        lambda c: schedules.cancel_key(c, 1, "k", NOW),
        lambda c: schedules.cancel(c, "a", NOW),
        lambda c: schedules.find(c, "a"),
        lambda c: schedules.latest(c, bot=None, status="pending", most=5),
        lambda c: schedules.latest(c, bot="b", status="pending", most=5),
        lambda c: schedules.next_due(c, ["b", "c"]),
        lambda c: schedules.due(c, ["b", "c"], NOW + 20),
        lambda c: schedules.said(c, 1, None, NOW),
    ],
)
def test_no_question_reads_the_whole_table(
    connection: sqlite3.Connection, ask: Callable[[sqlite3.Connection], object]
) -> None:
    schedules.add(connection, schedule("a", key="k"))

    plans = plans_of(connection, ask)

    assert plans
    assert [plan for plan in plans if plan == "SCAN schedules"] == []
