"""Soundness: each thing that must hold is missed when it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from botctl.store import events, soundness
from botctl.store.database import connect
from tests.store.filled import Filled


@pytest.fixture
def filled(tmp_path: Path) -> Filled:
    """A sound state: a finished run, and one that waits for a person."""
    filled = Filled(connect(tmp_path / "state.db"))
    filled.run(filled.message("done"))
    waiting = filled.run(filled.message("asks"), status="waiting", awaits_reply=0)
    filled.handoff(waiting)
    return filled


def test_a_sound_state_has_no_findings(filled: Filled) -> None:
    assert soundness.findings(filled.connection) == []


def test_a_run_that_waits_for_a_decision_that_was_made_is_woken_by_its_event(filled: Filled) -> None:
    filled.connection.execute("UPDATE handoffs SET status = 'approved'")
    unsound = soundness.findings(filled.connection)
    events.add(filled.connection, runner="b", run=2, kind="decision", value={}, now_ms=1)

    assert unsound == ["run run2 waits, and nothing is left that could wake it"]
    assert soundness.findings(filled.connection) == []


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        ("DELETE FROM definitions", "run run1 is pinned to a definition that is not there"),
        ("UPDATE runs SET parent = 9 WHERE seq = 1", "run run1 was called by a run that is not there"),
        ("UPDATE runs SET dealing = 9 WHERE seq = 1", "run run1 deals with message 9, which is not there"),
        (
            "UPDATE runs SET wake_at = 9 WHERE seq = 1",
            "run run1 is over (completed) but would still be woken",
        ),
        (
            "UPDATE runs SET finished_at = 9, status = 'cancelled' WHERE seq = 2",
            "handoff handoff2 is pending, but its run is over",
        ),
        ("UPDATE inbox SET run = 9 WHERE seq = 1", "message 1 was dealt with by a run that is not there"),
        (
            "UPDATE outbox SET run = 9 WHERE seq = 1",
            "message out0 of the outbox is of a run that is not there",
        ),
        (
            "UPDATE outbox SET conversation = 9 WHERE seq = 1",
            "message out0 of the outbox is of a conversation that is not there",
        ),
        (
            "INSERT INTO events (runner, run, kind, value, created_at) VALUES ('b', 9, 'link', '{}', 1)",
            "event 1 (link) is for a run that is not there",
        ),
        (
            "UPDATE steps SET run = 9 WHERE run = 1",
            "1 steps are of a run that is not there (number 9)",
        ),
        (
            "UPDATE once SET run = 9 WHERE run = 1",
            "1 remembered effects are of a run that is not there (number 9)",
        ),
        (
            "UPDATE inbox SET conversation = 9 WHERE seq = 1",
            "row 1 of inbox refers to a row of conversations",
        ),
    ],
)
def test_what_does_not_hold_is_told_in_a_sentence(filled: Filled, damage: str, finding: str) -> None:
    filled.connection.execute(damage)

    assert any(told.startswith(finding) for told in soundness.findings(filled.connection))


def test_many_findings_of_one_kind_are_cut(filled: Filled) -> None:
    for _ in range(25):
        filled.run(filled.message("m"))
    filled.connection.execute("DELETE FROM definitions")

    told = soundness.findings(filled.connection)

    assert (len(told), told[-1]) == (21, "and 7 more like that one")


def test_a_damaged_file_is_told_and_nothing_else(filled: Filled, tmp_path: Path) -> None:
    for number in range(300):
        filled.message("x" * 500, user=str(number))
    filled.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = tmp_path / "state.db"
    whole = bytearray(path.read_bytes())
    whole[-12_288:] = b"\xff" * 12_288  # the last pages: not those that are read when it is opened
    path.write_bytes(whole)

    told = soundness.findings(connect(path))

    assert told and all(finding.startswith("the file is damaged: ") for finding in told)
