"""Runs: one row each, with its current state; and the definitions that runs are pinned to."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import astuple

from botctl.errors import UserError


class RunRow(Struct, frozen=True):
    """A run as it is stored. seq is 0 before it is. Times in milliseconds since 1970, UTC.

    runner: the bot whose process runs it; of a called run that is the root's. depth: how many runs are above.
    """

    seq: int
    id: str
    bot: str
    runner: str
    kind: str
    conversation: int
    message: int
    dealing: int
    awaits_reply: int
    wake_at: int | None
    definition: str
    status: str
    state: str
    nodes_executed: int
    nodes_total: int
    started_at: int
    finished_at: int | None
    error_message: str
    parent: int | None
    depth: int
    in_doubt: int
    tool_calls: int
    tokens: int


RARE = ("running", "waiting", "error", "budget", "cancelled")
_FIELDS = RunRow.__struct_fields__[1:]
_COLUMNS = ", ".join(_FIELDS)
_INSERT = f"INSERT INTO runs ({_COLUMNS}) VALUES ({', '.join('?' * len(_FIELDS))}) RETURNING seq"


def add(connection: sqlite3.Connection, row: RunRow) -> int:
    """Store a new run; its number."""
    return int(connection.execute(_INSERT, astuple(row)[1:]).fetchone()[0])


def save(
    connection: sqlite3.Connection,
    seq: int,
    *,
    status: str,
    state: str,
    dealing: int,
    awaits_reply: int,
    wake_at: int | None,
    nodes_executed: int,
    finished_at: int | None,
    error_message: str,
    in_doubt: int,
    tool_calls: int,
    tokens: int,
) -> None:
    """Replace a run's current state."""
    connection.execute(
        "UPDATE runs SET status = ?, state = ?, dealing = ?, awaits_reply = ?, wake_at = ?,"
        " nodes_executed = ?, finished_at = ?, error_message = ?, in_doubt = ?, tool_calls = ?,"
        " tokens = ? WHERE seq = ?",
        (
            status,
            state,
            dealing,
            awaits_reply,
            wake_at,
            nodes_executed,
            finished_at,
            error_message,
            in_doubt,
            tool_calls,
            tokens,
            seq,
        ),
    )


def get(connection: sqlite3.Connection, seq: int) -> RunRow:
    """One run."""
    return RunRow(*connection.execute(f"SELECT seq, {_COLUMNS} FROM runs WHERE seq = ?", (seq,)).fetchone())


def look_up(connection: sqlite3.Connection, seq: int) -> RunRow | None:
    """One run; None if another process erased it meanwhile."""
    row = connection.execute(f"SELECT seq, {_COLUMNS} FROM runs WHERE seq = ?", (seq,)).fetchone()
    return RunRow(*row) if row else None


def find(connection: sqlite3.Connection, prefix: str) -> RunRow:
    """The one run whose id starts so; a UserError when there is none, or more than one."""
    rows = connection.execute(
        f"SELECT seq, {_COLUMNS} FROM runs WHERE id >= ? AND id < ? ORDER BY seq DESC LIMIT 6",
        (prefix, prefix + "\uffff"),
    ).fetchall()
    exact = [row for row in rows if row[1] == prefix]
    if len(rows) == 1 or exact:
        return RunRow(*(exact or rows)[0])
    if not rows:
        raise UserError(f"no run has an id that starts with `{prefix}`", help="`botctl runs list` shows them")
    ids = ", ".join(row[1] for row in rows[:5])
    raise UserError(f"several runs have ids that start with `{prefix}`: {ids}", help="give more of the id")


def unfinished(connection: sqlite3.Connection, runner: str, status: str = "running") -> list[RunRow]:
    """A runner's runs of this status (running or waiting), oldest first."""
    rows = connection.execute(
        f"SELECT seq, {_COLUMNS} FROM runs WHERE runner = ? AND status = ? ORDER BY seq", (runner, status)
    ).fetchall()
    return [RunRow(*row) for row in rows]


def awaiting_reply(connection: sqlite3.Connection, conversation: int) -> RunRow | None:
    """The oldest run of a conversation that waits for its next message."""
    row = connection.execute(
        f"SELECT seq, {_COLUMNS} FROM runs WHERE conversation = ? AND awaits_reply = 1 ORDER BY seq LIMIT 1",
        (conversation,),
    ).fetchone()
    return RunRow(*row) if row else None


def waiting_in(connection: sqlite3.Connection, conversation: int) -> list[int]:
    """The runs of a conversation that wait, oldest first."""
    rows = connection.execute(
        "SELECT seq FROM runs WHERE conversation = ? AND status = 'waiting' ORDER BY seq", (conversation,)
    )
    return [int(row[0]) for row in rows]


def cancel(connection: sqlite3.Connection, seq: int, why: str, now_ms: int) -> bool:
    """End a run that is not over; nothing wakes it any more. Whether it was not over."""
    row = connection.execute(
        "UPDATE runs SET status = 'cancelled', awaits_reply = 0, wake_at = NULL, finished_at = ?,"
        " error_message = ? WHERE seq = ? AND status IN ('waiting', 'running') RETURNING seq",
        (now_ms, why, seq),
    ).fetchone()
    if row is not None:
        connection.execute("DELETE FROM once WHERE run = ?", (seq,))
        connection.execute("DELETE FROM events WHERE run = ?", (seq,))
    return row is not None


def settle(connection: sqlite3.Connection, seq: int) -> None:
    """What was in doubt in a run is known now."""
    connection.execute("UPDATE runs SET in_doubt = 0 WHERE seq = ?", (seq,))


def waiting_conversations(connection: sqlite3.Connection, runner: str) -> set[int]:
    """The conversations of a runner in which some run waits, for whatever."""
    rows = connection.execute(
        "SELECT conversation FROM runs WHERE runner = ? AND status = 'waiting'", (runner,)
    )
    return {int(row[0]) for row in rows}


def next_alarm(connection: sqlite3.Connection, runners: Sequence[str]) -> tuple[int, int] | None:
    """(run, moment) of the run of these runners that is woken first; None if no run waits for a moment."""
    marks = ", ".join("?" * len(runners))
    row = connection.execute(
        f"SELECT seq, wake_at FROM runs WHERE wake_at IS NOT NULL AND runner IN ({marks})"
        " ORDER BY wake_at, seq LIMIT 1",
        tuple(runners),
    ).fetchone()
    return (row[0], row[1]) if row else None


def latest(
    connection: sqlite3.Connection,
    *,
    bot: str | None,
    status: str | None,
    most: int,
    in_doubt: bool = False,
    undelivered: bool = False,
) -> list[RunRow]:
    """The newest runs, newest first, without their state. undelivered: with a dead letter."""
    asked: list[str] = []
    values: list[object] = []
    if bot is not None:
        asked.append("bot = ?")
        values.append(bot)
    if status in RARE:
        asked.append(of_rare_status(status))
    elif status is not None:
        asked.append("status = ?")
        values.append(status)
    if in_doubt:
        asked.append("in_doubt = 1")
    if undelivered:
        asked.append("seq IN (SELECT run FROM outbox WHERE status = 'dead')")
    where = f" WHERE {' AND '.join(asked)}" if asked else ""
    rows = connection.execute(
        f"SELECT seq, {_COLUMNS.replace('state', repr(''), 1)} FROM runs{where} ORDER BY seq DESC LIMIT ?",
        (*values, most),
    ).fetchall()
    return [RunRow(*row) for row in rows]


def numbered(connection: sqlite3.Connection, numbers: Sequence[int]) -> list[RunRow]:
    """The runs of these numbers, in their order, without their state."""
    columns = _COLUMNS.replace("state", repr(""), 1)
    rows = [
        connection.execute(f"SELECT seq, {columns} FROM runs WHERE seq = ?", (number,)).fetchone()
        for number in numbers
    ]
    return [RunRow(*row) for row in rows]


def of_rare_status(status: str) -> str:
    """The condition for one of `RARE`; only with both parts does SQLite use their index."""
    return f"status = '{status}' AND status IN {RARE}"


def called_by(connection: sqlite3.Connection, run: int) -> list[int]:
    """The runs that a run called."""
    return [int(row[0]) for row in connection.execute("SELECT seq FROM runs WHERE parent = ?", (run,))]


def number_of(connection: sqlite3.Connection, id: str) -> int:
    """The number of the run of this whole id."""
    return int(connection.execute("SELECT seq FROM runs WHERE id = ?", (id,)).fetchone()[0])


def ids_of(connection: sqlite3.Connection, *, parent: int) -> list[str]:
    """The ids of the runs that a run called."""
    rows = connection.execute("SELECT id FROM runs WHERE parent = ? ORDER BY seq", (parent,)).fetchall()
    return [row[0] for row in rows]


def pin(connection: sqlite3.Connection, hash: str, file: str, text: str) -> None:
    """Keep a definition for as long as a run may need it."""
    connection.execute("INSERT INTO definitions VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (hash, file, text))


def definition(connection: sqlite3.Connection, hash: str) -> tuple[str, str]:
    """(file, text) of a pinned definition."""
    row = connection.execute("SELECT file, text FROM definitions WHERE hash = ?", (hash,)).fetchone()
    return row[0], row[1]


def counts(connection: sqlite3.Connection, runner: str) -> dict[str, int]:
    """How many runs of a runner are under way or wait."""
    rows = connection.execute(
        "SELECT status, count(*) FROM runs"
        " WHERE runner = ? AND status IN ('running', 'waiting') GROUP BY status",
        (runner,),
    ).fetchall()
    return {str(status): int(number) for status, number in rows}


def add_ticket(
    connection: sqlite3.Connection,
    *,
    id: str,
    bot: str,
    run: int,
    conversation: int,
    subject: str,
    now_ms: int,
) -> None:
    """Record a ticket."""
    connection.execute(
        "INSERT INTO tickets (id, bot, run, conversation, subject, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        (id, bot, run, conversation, subject, now_ms),
    )


def tickets_of(connection: sqlite3.Connection, run: int) -> Sequence[tuple[str, str]]:
    """(id, subject) of the tickets a run made."""
    return connection.execute("SELECT id, subject FROM tickets WHERE run = ? ORDER BY seq", (run,)).fetchall()
