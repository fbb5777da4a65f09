"""Logins: the links and sessions of the dashboard that are used up, kept until they would be too old."""

from __future__ import annotations

import sqlite3


def use(connection: sqlite3.Connection, mark: str, expires_at: int, now_ms: int) -> bool:
    """Note that a link or session is used up; whether it was not yet. Call it in a transaction."""
    connection.execute("DELETE FROM logins WHERE expires_at <= ?", (now_ms,))
    row = connection.execute(
        "INSERT INTO logins VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING mark", (mark, expires_at)
    ).fetchone()
    return row is not None


def is_used(connection: sqlite3.Connection, mark: str) -> bool:
    """Whether a link or session is used up."""
    return connection.execute("SELECT 1 FROM logins WHERE mark = ?", (mark,)).fetchone() is not None
