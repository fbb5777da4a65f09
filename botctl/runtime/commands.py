"""Commands of a person for runs and conversations: the same from the terminal, the dashboard and the API."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from botctl.engine.run import RunStatus
from botctl.engine.trace import can_be_retried
from botctl.errors import UserError
from botctl.store import conversations, directory, ending, events, outbox, runs, steps
from botctl.store.directory import Entry
from botctl.store.runs import RunRow
from botctl.store.steps import Doubt


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
    if nobody was asked. With "call" it is about one of several, by its number in `doubts_of`; while others
    are left nothing is taken up. UserError when an answer is needed, and when there is nothing to retry.
    """
    sent_again = outbox.revive(connection, row.seq)
    if can_be_retried(row):
        doubts = steps.in_doubt(connection, row.seq)
        if doubts and answer is None:
            raise _doubtful(row, doubts)
        if answer is not None and "call" in answer:
            _settle_one(connection, row, doubts, answer)
            if len(doubts) > 1:
                return sent_again, 0
            answer = None
        elif answer is not None and "result" in answer and len(doubts) > 1:
            raise _doubtful(row, doubts)
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


def doubts_of(doubts: Sequence[Doubt]) -> str:
    """What is in doubt, for people; numbered where it is more than one thing."""
    told = [f"{doubt.node}: {doubt.what}" if doubt.what else f"`{doubt.node}`" for doubt in doubts]
    return told[0] if len(told) == 1 else "; ".join(f"{number}. {one}" for number, one in enumerate(told, 1))


def _settle_one(
    connection: sqlite3.Connection, row: RunRow, doubts: Sequence[Doubt], answer: Mapping[str, Any]
) -> None:
    number = answer["call"]
    if not 1 <= number <= len(doubts):
        raise UserError(
            f"there is no call {number} in doubt in run {row.id}", help=f"in doubt is {doubts_of(doubts)}"
        )
    doubt = doubts[number - 1]
    if "result" in answer:
        told = {"value": answer["result"], "text": "", "is_error": False}  # as tool calls are kept
        steps.conclude_one(connection, row.seq, doubt, told)
    else:
        steps.withdraw(connection, row.seq, doubt.node, doubt.frame, doubt.key)


def _doubtful(row: RunRow, doubts: Sequence[Doubt]) -> UserError:
    one = "" if len(doubts) == 1 else ", for one after the other with `--call NUMBER`"
    return UserError(
        f"it is in doubt whether this was done in run {row.id}: {doubts_of(doubts)}",
        help=f"find out, then say `again` (it was not done) or `done` with what it gave{one}",
    )
