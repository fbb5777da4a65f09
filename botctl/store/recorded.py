"""What was recorded: what models and tools were asked and answered in a run, in full, for exports."""

from __future__ import annotations

import sqlite3
from typing import Literal, NamedTuple

Kind = Literal["model", "tool"]


class RecordedRow(NamedTuple):
    """One call. asked and answered are JSON texts, masked and not cut. at: when it was answered, milliseconds
    since 1970, UTC; number: the order in which calls were made."""

    run: int
    node: str
    kind: Kind
    asked: str
    answered: str
    at: int
    number: int = 0


def add(connection: sqlite3.Connection, row: RecordedRow) -> None:
    """Keep a call for as long as its run is kept."""
    connection.execute(
        "INSERT INTO recorded (run, node, kind, asked, answered, at, number) VALUES (?, ?, ?, ?, ?, ?, ?)",
        row,
    )


def of_run(connection: sqlite3.Connection, run: int) -> list[RecordedRow]:
    """The calls of a run, in the order in which they were made."""
    rows = connection.execute(
        "SELECT run, node, kind, asked, answered, at, number FROM recorded WHERE run = ?"
        " ORDER BY number, seq",
        (run,),
    ).fetchall()
    return [RecordedRow(*row) for row in rows]
