"""Runs: one row each, with its current state; and the definitions that runs are pinned to."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from msgspec import Struct

from botctl.errors import UserError


class RunRow(Struct, frozen=True):
    """A run as it is stored. seq is 0 before it is. Times in milliseconds since 1970, UTC."""

    seq: int
    id: str
    bot: str
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
    tool_calls: int
    tokens: int


_COLUMNS = (
    "id, bot, kind, conversation, message, dealing, awaits_reply, wake_at, definition, status, state,"
    " nodes_executed, nodes_total, started_at, finished_at, error_message, parent, tool_calls, tokens"
)


def add(connection: sqlite3.Connection, row: RunRow) -> int:
    """Store a new run; its number."""
    seq = connection.execute(
        f"INSERT INTO runs ({_COLUMNS})"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq",
        (
            row.id,
            row.bot,
            row.kind,
            row.conversation,
            row.message,
            row.dealing,
            row.awaits_reply,
            row.wake_at,
            row.definition,
            row.status,
            row.state,
            row.nodes_executed,
            row.nodes_total,
            row.started_at,
            row.finished_at,
            row.error_message,
            row.parent,
            row.tool_calls,
            row.tokens,
        ),
    ).fetchone()
    return int(seq[0])


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
    tool_calls: int,
    tokens: int,
) -> None:
    """Replace a run's current state."""
    connection.execute(
        "UPDATE runs SET status = ?, state = ?, dealing = ?, awaits_reply = ?, wake_at = ?,"
        " nodes_executed = ?, finished_at = ?, error_message = ?, tool_calls = ?, tokens = ? WHERE seq = ?",
        (
            status,
            state,
            dealing,
            awaits_reply,
            wake_at,
            nodes_executed,
            finished_at,
            error_message,
            tool_calls,
            tokens,
            seq,
        ),
    )


def get(connection: sqlite3.Connection, seq: int) -> RunRow:
    """One run."""
    return RunRow(*connection.execute(f"SELECT seq, {_COLUMNS} FROM runs WHERE seq = ?", (seq,)).fetchone())


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


def unfinished(connection: sqlite3.Connection, bot: str, status: str = "running") -> list[RunRow]:
    """A bot's runs of this status (running or waiting), oldest first."""
    rows = connection.execute(
        f"SELECT seq, {_COLUMNS} FROM runs WHERE bot = ? AND status = ? ORDER BY seq", (bot, status)
    ).fetchall()
    return [RunRow(*row) for row in rows]


def awaiting_reply(connection: sqlite3.Connection, conversation: int) -> RunRow | None:
    """The oldest run of a conversation that waits for its next message."""
    row = connection.execute(
        f"SELECT seq, {_COLUMNS} FROM runs WHERE conversation = ? AND awaits_reply = 1 ORDER BY seq LIMIT 1",
        (conversation,),
    ).fetchone()
    return RunRow(*row) if row else None


def cancel_waiting(connection: sqlite3.Connection, conversation: int, why: str, now_ms: int) -> None:
    """End the runs of a conversation that wait; nothing wakes them any more."""
    connection.execute(
        "UPDATE runs SET status = 'cancelled', awaits_reply = 0, wake_at = NULL, finished_at = ?,"
        " error_message = ? WHERE conversation = ? AND status = 'waiting'",
        (now_ms, why, conversation),
    )


def awaiting_conversations(connection: sqlite3.Connection, bot: str) -> set[int]:
    """The conversations of a bot in which a run waits for the next message."""
    rows = connection.execute("SELECT conversation FROM runs WHERE awaits_reply = 1 AND bot = ?", (bot,))
    return {int(row[0]) for row in rows}


def next_alarm(connection: sqlite3.Connection, bots: Sequence[str]) -> tuple[int, int] | None:
    """(run, moment) of the run of these bots that is to be woken first; None if no run waits for a moment."""
    marks = ", ".join("?" * len(bots))
    row = connection.execute(
        f"SELECT seq, wake_at FROM runs WHERE wake_at IS NOT NULL AND bot IN ({marks})"
        " ORDER BY wake_at, seq LIMIT 1",
        tuple(bots),
    ).fetchone()
    return (row[0], row[1]) if row else None


def latest(connection: sqlite3.Connection, *, bot: str | None, status: str | None, most: int) -> list[RunRow]:
    """The newest runs, newest first."""
    asked: list[str] = []
    values: list[object] = []
    for column, value in (("bot", bot), ("status", status)):
        if value is not None:
            asked.append(f"{column} = ?")
            values.append(value)
    where = f" WHERE {' AND '.join(asked)}" if asked else ""
    rows = connection.execute(
        f"SELECT seq, {_COLUMNS.replace('state', repr(''), 1)} FROM runs{where} ORDER BY seq DESC LIMIT ?",
        (*values, most),
    ).fetchall()
    return [RunRow(*row) for row in rows]


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


def counts(connection: sqlite3.Connection, bot: str) -> dict[str, int]:
    """How many runs of a bot are under way or wait."""
    rows = connection.execute(
        "SELECT status, count(*) FROM runs"
        " WHERE bot = ? AND status IN ('running', 'waiting') GROUP BY status",
        (bot,),
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
