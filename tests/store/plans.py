"""Plans: how SQLite goes about the statements of a piece of work."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable


def plans_of(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], object]) -> list[str]:
    """The steps of the plans of all statements that `work` executes, with their values."""
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    try:
        work(connection)
    finally:
        connection.set_trace_callback(None)
    return [
        str(row[3])
        for statement in statements
        for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")
    ]
