"""Steps: the journal of the runs, append-only; and `once`, the memory that makes effects happen once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple


class StepRow(NamedTuple):
    """One execution of a node. frame, input, output, writes and notes are JSON texts, cut and masked."""

    run: int
    seq: int
    wave: int
    node: str
    type: str
    label: str
    frame: str
    handle: str
    started_at: int
    duration_us: int
    input: str | None
    output: str | None
    writes: str | None
    notes: str | None
    tokens_input: int
    tokens_output: int
    model: str
    retries: int
    error: str | None
    micro_cents: int | None = None


class OnceRow(NamedTuple):
    """What a step did or meant to do; result None: it is not known whether it was done."""

    node: str
    frame: str
    key: str
    result: str | None


def add(connection: sqlite3.Connection, run: int, rows: Sequence[StepRow]) -> None:
    """Append to a run's journal. A node that was resumed after waiting replaces its own row."""
    statement = f"INSERT OR REPLACE INTO steps VALUES ({', '.join('?' * len(StepRow._fields))})"
    for row in rows:
        connection.execute(statement, (run, *row[1:]))


def of_run(connection: sqlite3.Connection, run: int) -> list[StepRow]:
    """A run's journal, in order."""
    rows = connection.execute("SELECT * FROM steps WHERE run = ? ORDER BY seq", (run,)).fetchall()
    return [StepRow(*row) for row in rows]


def last(connection: sqlite3.Connection, run: int) -> int:
    """The number of the last row of a run's journal, 0 if there is none."""
    row = connection.execute("SELECT max(seq) FROM steps WHERE run = ?", (run,)).fetchone()
    return int(row[0] or 0)


class Doubt(NamedTuple):
    """What was meant to be done, and is not known to have been. what: in words, for people."""

    node: str
    frame: str
    key: str
    what: str


def intend(connection: sqlite3.Connection, run: int, node: str, frame: str, key: str, what: str = "") -> None:
    """Remember that an effect is about to be made. what: in words, for people."""
    connection.execute(
        "INSERT OR REPLACE INTO once (run, node, frame, key, result, what) VALUES (?, ?, ?, ?, NULL, ?)",
        (run, node, frame, key, what),
    )


def remember(connection: sqlite3.Connection, run: int, node: str, frame: str, key: str, result: str) -> None:
    """Remember what an effect gave."""
    connection.execute(
        "INSERT OR REPLACE INTO once (run, node, frame, key, result) VALUES (?, ?, ?, ?, ?)",
        (run, node, frame, key, result),
    )


def withdraw(connection: sqlite3.Connection, run: int, node: str, frame: str, key: str) -> None:
    """Forget an intent whose effect surely was not made."""
    connection.execute(
        "DELETE FROM once WHERE run = ? AND node = ? AND frame = ? AND key = ?", (run, node, frame, key)
    )


def remembered(connection: sqlite3.Connection, run: int) -> list[OnceRow]:
    """All that a run's unfinished steps did or meant to do."""
    rows = connection.execute("SELECT node, frame, key, result FROM once WHERE run = ?", (run,)).fetchall()
    return [OnceRow(*row) for row in rows]


def forget(connection: sqlite3.Connection, run: int) -> None:
    """A run has ended: nothing of it is done again."""
    connection.execute("DELETE FROM once WHERE run = ?", (run,))


def doubt_nothing(connection: sqlite3.Connection, run: int) -> None:
    """A person decided: what is in doubt in a run was not done, and is to be done now."""
    connection.execute("DELETE FROM once WHERE run = ? AND result IS NULL", (run,))


def conclude(connection: sqlite3.Connection, run: int, result: Any) -> None:
    """A person decided: what is in doubt in a run was done, and gave this (a JSON value)."""
    connection.execute(
        "UPDATE once SET result = ? WHERE run = ? AND result IS NULL", (json.dumps(result), run)
    )


def conclude_one(connection: sqlite3.Connection, run: int, doubt: Doubt, result: Any) -> None:
    """A person decided: one thing that is in doubt was done, and gave this (a JSON value)."""
    remember(connection, run, doubt.node, doubt.frame, doubt.key, json.dumps(result))


def in_doubt(connection: sqlite3.Connection, run: int) -> list[Doubt]:
    """What was meant to be done in a run, and is not known to have been."""
    rows = connection.execute(
        "SELECT node, frame, key, what FROM once WHERE run = ? AND result IS NULL ORDER BY node, frame, key",
        (run,),
    ).fetchall()
    return [Doubt(*row) for row in rows]
