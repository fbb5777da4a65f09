"""Challenges in the store: what is open, what a gate leaves behind, and that rows are found by an index."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from botctl.store import challenges
from botctl.store.challenges import ChallengeRow
from botctl.store.database import connect


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "state.db")


def _row(id: str, **more: Any) -> ChallengeRow:
    plain: dict[str, Any] = {
        "bot": "b",
        "runner": "b",
        "run": 1,
        "conversation": 1,
        "user": "u",
        "contact": "c",
        "method": "code",
        "hash": f"hash {id}",
        "created_at": 1000,
        "expires_at": 2000,
    }
    return ChallengeRow(id=id, **{**plain, **more})


def _open(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT id FROM challenges WHERE is_open = 1 ORDER BY seq")]


def test_a_newer_code_takes_the_place_of_those_to_the_same_contact(connection: sqlite3.Connection) -> None:
    for row in (_row("a"), _row("b", contact="d"), _row("c", run=2), _row("d")):
        challenges.add(connection, row)

    assert _open(connection) == ["b", "c", "d"]


def test_a_gate_that_is_left_closes_what_it_sent_and_not_what_another_did(
    connection: sqlite3.Connection,
) -> None:
    for number in range(4):
        challenges.add(connection, _row(str(number), contact=f"c{number}", run=1 + number // 3))
    challenges.leave(connection, 1, ("0", "3"))
    after_one_gate = _open(connection)

    challenges.leave(connection, 1)

    assert (after_one_gate, _open(connection)) == (["1", "2", "3"], ["3"])


def test_what_was_sent_is_counted_but_for_the_one_that_is_about_to_be(connection: sqlite3.Connection) -> None:
    for number, created_at in enumerate((500, 1000, 1001, 1002)):
        challenges.add(connection, _row(str(number), created_at=created_at, contact=f"c{number % 2}"))

    by_contact = [challenges.sent_to_contact(connection, "c0", 500, but) for but in ("", "2")]
    by_user = [challenges.sent_for_user(connection, "u", 1000, but) for but in ("", "2")]

    assert (by_contact, by_user) == ([1, 0], [2, 1])


@pytest.mark.parametrize(
    ("work", "index"),
    [
        (lambda c: challenges.awaits_code(c, 1), "challenges_open"),
        (lambda c: challenges.sent_to_contact(c, "c", 0), "challenges_contact"),
        (lambda c: challenges.sent_for_user(c, "u", 0), "challenges_user"),
        (lambda c: challenges.was_sent(c, "u", "h"), "challenges_user"),
        (lambda c: challenges.find_link(c, "h", 0), "challenges_link"),
        (lambda c: challenges.leave(c, 1), "challenges_"),
    ],
)
def test_nothing_reads_the_whole_table(connection: sqlite3.Connection, work: Any, index: str) -> None:
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    work(connection)
    connection.set_trace_callback(None)

    plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {asked[0]}"))

    assert index in plan and "SCAN challenges" not in plan
