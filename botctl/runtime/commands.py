"""Commands of a person for runs and conversations: the same from the terminal, the dashboard and the API."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from botctl.engine.run import RunStatus
from botctl.engine.trace import can_be_retried
from botctl.errors import UserError
from botctl.store import conversations, directory, ending, events, outbox, runs, steps
from botctl.store.directory import Entry
from botctl.store.runs import RunRow


def cancel_run(connection: sqlite3.Connection, row: RunRow, why: str, *, holder: str, now_ms: int) -> int:
    """End a run that is not over: at once, or through the process that holds its runner; the number of the
    event left for that process, 0 if there is none. UserError when the run is over."""
    if row.status not in (RunStatus.RUNNING, RunStatus.WAITING):
        raise UserError(f"run {row.id} is over already: it is `{row.status}`")
    if holder:
        return leave(connection, row, "cancel", {"why": why}, now_ms)
    ending.cancel(connection, row.seq, why, now_ms)
    return 0


def retry_run(
    connection: sqlite3.Connection, row: RunRow, answer: Mapping[str, Any] | None, now_ms: int
) -> tuple[int, int]:
    """Take up a run that failed, and send again what of it could not be sent; (how many messages, the number
    of the event left for its runner or 0).

    answer: {"again": True} if what is in doubt was not done, {"result": JSON} if it was and gave this; None
    if nobody was asked. UserError when that must be known, and when there is nothing to retry.
    """
    sent_again = outbox.revive(connection, row.seq)
    if can_be_retried(row):
        if answer is None:
            _refuse_doubt(connection, row)
        return sent_again, leave(connection, row, "retry", dict(answer or {"again": False}), now_ms)
    if row.in_doubt:
        runs.settle(connection, row.seq)
    elif not sent_again:
        raise UserError(
            f"there is nothing to retry in run {row.id}: it is `{row.status}`",
            help="a run can be retried that failed at a node, or of which messages could not be sent",
        )
    return sent_again, 0


def reset_conversation(
    connection: sqlite3.Connection, entry: Entry, why: str, *, holder: str, now_ms: int
) -> None:
    """Start a conversation over, as /reset does: what was said is forgotten, what waits in it is cancelled;
    by the process that holds its bot if one does, for it may be waking a run at this moment."""
    conversations.cut(connection, entry.seq, directory.newest_message(connection, entry.seq))
    if not holder:
        ending.cancel_waiting(connection, entry.seq, why, now_ms)
        return
    for seq in runs.waiting_in(connection, entry.seq):
        leave(connection, runs.get(connection, seq), "cancel", {"why": why}, now_ms)


def leave(connection: sqlite3.Connection, row: RunRow, kind: str, value: Any, now_ms: int) -> int:
    """Leave an event for a run's runner; its number."""
    return events.add(connection, runner=row.runner, run=row.seq, kind=kind, value=value, now_ms=now_ms)


def _refuse_doubt(connection: sqlite3.Connection, row: RunRow) -> None:
    doubts = steps.in_doubt(connection, row.seq)
    if not doubts:
        return
    nodes = ", ".join(f"`{node}`" for node, _ in doubts)
    raise UserError(
        f"what {nodes} of run {row.id} did is in doubt",
        help="find out, then say `again` (it was not done) or `done` with what it gave",
    )
