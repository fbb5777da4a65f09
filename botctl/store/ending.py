"""Ending: a run that is cancelled takes with it what it asked, sent, called and waits for."""

from __future__ import annotations

import sqlite3

from botctl.store import challenges, events, handoffs, runs


def cancel(connection: sqlite3.Connection, run: int, why: str, now_ms: int) -> bool:
    """End a run that is not over, the runs it called, its handoffs, codes and links. Whether it was not over.

    A caller that waits for it is told.
    """
    row = runs.get(connection, run)
    if not runs.cancel(connection, run, why, now_ms):
        return False
    forget_waits(connection, run, why, now_ms)
    if row.parent is not None:
        value = {"call": row.id, "text": "", "error": f"it was cancelled: {why}"}
        events.add(connection, runner=row.runner, run=row.parent, kind="returned", value=value, now_ms=now_ms)
    return True


def forget_waits(connection: sqlite3.Connection, run: int, why: str, now_ms: int) -> None:
    """Nobody decides, confirms or answers anything for this run any more."""
    handoffs.cancel_of_run(connection, run, why, now_ms)
    challenges.leave(connection, run)
    for called in runs.called_by(connection, run):
        if runs.cancel(connection, called, why, now_ms):
            forget_waits(connection, called, why, now_ms)


def cancel_waiting(connection: sqlite3.Connection, conversation: int, why: str, now_ms: int) -> int:
    """Cancel all that waits in a conversation; how many runs."""
    waiting = runs.waiting_in(connection, conversation)
    return sum(cancel(connection, run, why, now_ms) for run in waiting)
