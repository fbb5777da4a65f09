"""Events: what a waiting run is to be woken by, beside messages and moments; written by any process."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from msgspec import Struct


class EventRow(Struct, frozen=True):
    """One event. kind: decision, link, returned, cancel or retry; value: JSON (see `Event`)."""

    seq: int
    run: int
    kind: str
    value: Any


def add(connection: sqlite3.Connection, *, runner: str, run: int, kind: str, value: Any, now_ms: int) -> int:
    """Leave an event for a run; its number. The runner of `runner` takes it up within a moment."""
    row = connection.execute(
        "INSERT INTO events (runner, run, kind, value, created_at) VALUES (?, ?, ?, ?, ?) RETURNING seq",
        (runner, run, kind, json.dumps(value, separators=(",", ":"), ensure_ascii=False), now_ms),
    ).fetchone()
    return int(row[0])


def pending(connection: sqlite3.Connection, runners: Sequence[str], after: int = 0) -> list[EventRow]:
    """The events of these runners that no run has taken yet, with numbers above `after`, in order."""
    marks = ", ".join("?" * len(runners))
    rows = connection.execute(
        f"SELECT seq, run, kind, value FROM events WHERE runner IN ({marks}) AND seq > ? ORDER BY seq",
        (*runners, after),
    ).fetchall()
    return [EventRow(seq, run, kind, json.loads(value)) for seq, run, kind, value in rows]


def get(connection: sqlite3.Connection, seq: int) -> EventRow | None:
    """One event; None if it was dealt with."""
    row = connection.execute("SELECT seq, run, kind, value FROM events WHERE seq = ?", (seq,)).fetchone()
    return EventRow(row[0], row[1], row[2], json.loads(row[3])) if row else None


def for_run(connection: sqlite3.Connection, run: int, kind: str) -> list[EventRow]:
    """The events of a kind that a run has not taken yet, in order."""
    rows = connection.execute(
        "SELECT seq, run, kind, value FROM events WHERE run = ? AND kind = ? ORDER BY seq", (run, kind)
    ).fetchall()
    return [EventRow(row[0], row[1], row[2], json.loads(row[3])) for row in rows]


def in_conversation(connection: sqlite3.Connection, conversation: int) -> list[EventRow]:
    """What was left for the waiting runs of a conversation, in order."""
    rows = connection.execute(
        "SELECT e.seq, e.run, e.kind, e.value FROM runs r JOIN events e ON e.run = r.seq"
        " WHERE r.conversation = ? AND r.status = 'waiting' ORDER BY e.seq",
        (conversation,),
    ).fetchall()
    return [EventRow(row[0], row[1], row[2], json.loads(row[3])) for row in rows]


def take(connection: sqlite3.Connection, seq: int) -> None:
    """An event was dealt with."""
    connection.execute("DELETE FROM events WHERE seq = ?", (seq,))
