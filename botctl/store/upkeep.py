"""Upkeep of the state: what it holds, taking away what is old, and a copy of it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from botctl.errors import UserError

DEDUPE_MS = 8 * 86_400_000
"""How long the key of a message is kept whatever is pruned: platforms deliver again for up to a week."""
_DAY_MS = 86_400_000


class Bounds(Struct, frozen=True, kw_only=True):
    """What is old: runs that ended, and messages that came or left, before these moments."""

    runs_before_ms: int
    messages_before_ms: int
    now_ms: int


class Place(Struct, frozen=True):
    """How far a sweep has come: in which table it is, and up to which row it has looked."""

    table: str = "runs"
    after: int = 0


class Swept(Struct, frozen=True):
    """What one part of a sweep did. removed: rows by table; texts: messages that lost their text but stay,
    because their key must; place: where to go on, None at the end."""

    removed: Mapping[str, int]
    texts: int
    place: Place | None


def prune(connection: sqlite3.Connection, bounds: Bounds, place: Place, most: int) -> Swept:
    """Look at the next `most` rows and take away what is old and finished.

    Begin with `Place()` and go on with what is returned until there is none; each part is a transaction of
    its own, so that whatever runs is not held up. What stays is whole: a run with all of its steps, replies
    and messages, or nothing of it. Runs that are not over, that are in doubt, or that something still refers
    to stay; so do conversations in which a run waits, and messages that are pending.
    """
    seqs = connection.execute(
        f"SELECT seq FROM {place.table} WHERE seq > ? ORDER BY seq LIMIT ?", (place.after, most)
    ).fetchall()
    removed: dict[str, int] = {}
    texts = 0
    if seqs:
        last = seqs[-1][0]
        texts = _SWEEPS[place.table](connection, bounds, place.after, last, removed)
        return Swept(removed, texts, Place(place.table, last))
    tables = list(_SWEEPS)
    following = tables[tables.index(place.table) + 1 :]
    return Swept(removed, texts, Place(following[0]) if following else None)


_MAY_GO = """
SELECT 1 FROM runs r WHERE r.seq = :run
 AND r.status IN ('completed', 'error', 'budget', 'cancelled') AND r.in_doubt = 0
 AND r.finished_at < :runs_before_ms
 AND NOT EXISTS (SELECT 1 FROM events WHERE run = r.seq)
 AND NOT EXISTS (SELECT 1 FROM outbox WHERE run = r.seq AND status = 'pending')
 AND NOT EXISTS (SELECT 1 FROM handoffs WHERE run = r.seq AND status = 'pending')
 AND NOT EXISTS (SELECT 1 FROM schedules WHERE run = r.seq AND status = 'pending')
 AND NOT EXISTS (SELECT 1 FROM challenges WHERE run = r.seq AND created_at > :now_ms - :day)
 AND NOT EXISTS (SELECT 1 FROM inbox WHERE seq = r.dealing AND status = 'pending')
"""  # the challenges of a day are counted by the limits on codes

_OF_A_RUN = ("steps", "once", "recorded", "outbox", "tickets", "handoffs", "schedules", "challenges")


def _prune_runs(
    connection: sqlite3.Connection, bounds: Bounds, after: int, last: int, removed: dict[str, int]
) -> int:
    """A run goes together with those it called, when all of them may."""
    roots = connection.execute(
        "SELECT seq FROM runs WHERE seq > ? AND seq <= ? AND parent IS NULL", (after, last)
    ).fetchall()
    for (root,) in roots:
        family = _family(connection, bounds, root)
        for run in family:
            _forget_run(connection, run, removed)
    return 0


def _family(connection: sqlite3.Connection, bounds: Bounds, root: int) -> list[int]:
    """A run and all that came of it; nothing if one of them must stay."""
    family = [root]
    for run in family:
        if not connection.execute(_MAY_GO, {"run": run, "day": _DAY_MS, **asdict(bounds)}).fetchone():
            return []
        called = connection.execute("SELECT seq FROM runs WHERE parent = ?", (run,))
        family += [row[0] for row in called]
    return family


def _forget_run(connection: sqlite3.Connection, run: int, removed: dict[str, int]) -> None:
    for table in _OF_A_RUN:
        _count(removed, table, connection.execute(f"DELETE FROM {table} WHERE run = ?", (run,)).rowcount)
    # Its messages may stay longer. They lie between the one that started it and the last it dealt with.
    connection.execute(
        "UPDATE inbox SET run = NULL FROM runs r WHERE r.seq = ? AND inbox.conversation = r.conversation"
        " AND inbox.seq BETWEEN r.message AND r.dealing AND inbox.run = r.seq",
        (run,),
    )
    _count(removed, "runs", connection.execute("DELETE FROM runs WHERE seq = ?", (run,)).rowcount)


_OLD_MESSAGES = """
 seq > :after AND seq <= :last AND status IN ('done', 'ignored') AND received_at < :messages_before_ms
 AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.seq = inbox.run)
 AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.message = inbox.seq)
 AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.conversation = inbox.conversation AND r.status = 'waiting')
 AND NOT EXISTS (SELECT 1 FROM conversations c WHERE c.seq = inbox.conversation AND c.cut_at = inbox.seq
  AND c.last_at >= :messages_before_ms)
 AND seq < (SELECT max(seq) FROM inbox)
"""  # the newest stays, so that no number is given twice: `cut_at` counts by them


def _prune_inbox(
    connection: sqlite3.Connection, bounds: Bounds, after: int, last: int, removed: dict[str, int]
) -> int:
    values = {"after": after, "last": last, "keys_before": bounds.now_ms - DEDUPE_MS, **asdict(bounds)}
    gone = connection.execute(
        f"DELETE FROM inbox WHERE {_OLD_MESSAGES} AND (dedupe_key = '' OR received_at < :keys_before)", values
    )
    _count(removed, "inbox", gone.rowcount)
    emptied = connection.execute(
        f"UPDATE inbox SET text = '', rest = '{{}}' WHERE {_OLD_MESSAGES} AND (text <> '' OR rest <> '{{}}')",
        values,
    )
    return emptied.rowcount


def _prune_outbox(
    connection: sqlite3.Connection, bounds: Bounds, after: int, last: int, removed: dict[str, int]
) -> int:
    """What belongs to a run goes with it; but a schedule that repeats says things for years, for one run."""
    gone = connection.execute(
        "DELETE FROM outbox WHERE seq > :after AND seq <= :last AND status IN ('sent', 'dead')"
        " AND created_at < :messages_before_ms"
        " AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.seq = outbox.run AND NOT (outbox.said_by = 'order'"
        "  AND r.finished_at < :runs_before_ms AND outbox.created_at < :runs_before_ms))"
        " AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.conversation = outbox.conversation"
        "  AND r.status = 'waiting')",
        {"after": after, "last": last, **asdict(bounds)},
    )
    _count(removed, "outbox", gone.rowcount)
    return 0


def _prune_conversations(
    connection: sqlite3.Connection, bounds: Bounds, after: int, last: int, removed: dict[str, int]
) -> int:
    """A conversation goes when nothing was said in it that is still there; a run keeps its message."""
    gone = connection.execute(
        "DELETE FROM conversations WHERE seq > :after AND seq <= :last AND last_at < :messages_before_ms"
        " AND NOT EXISTS (SELECT 1 FROM inbox i WHERE i.conversation = conversations.seq)"
        " AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.conversation = conversations.seq)",
        {"after": after, "last": last, **asdict(bounds)},
    )
    _count(removed, "conversations", gone.rowcount)
    return 0


_SWEEPS: Mapping[str, Callable[[sqlite3.Connection, Bounds, int, int, dict[str, int]], int]] = {
    "runs": _prune_runs,
    "inbox": _prune_inbox,
    "outbox": _prune_outbox,
    "conversations": _prune_conversations,
}


def _count(removed: dict[str, int], table: str, rows: int) -> None:
    if rows > 0:
        removed[table] = removed.get(table, 0) + rows


def drop_definitions(connection: sqlite3.Connection) -> int:
    """Take away the definitions that no run uses; how many. Not while a runner is up: it has stored the
    definition that its next runs will be pinned to."""
    return connection.execute(
        "DELETE FROM definitions WHERE hash NOT IN (SELECT definition FROM runs)"
    ).rowcount


class TableSize(Struct, frozen=True):
    """A table with its rows, and its bytes with those of its indexes; None where SQLite cannot tell them."""

    table: str
    rows: int
    bytes: int | None


def sizes(connection: sqlite3.Connection) -> list[TableSize]:
    """What each table holds, in the order of the schema."""
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
    ).fetchall()
    bytes_of = _bytes_by_table(connection)
    return [
        TableSize(name, connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0], bytes_of.get(name))
        for (name,) in names
    ]


def _bytes_by_table(connection: sqlite3.Connection) -> dict[str, int]:
    try:
        rows = connection.execute(
            "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name"
            " GROUP BY m.tbl_name"
        ).fetchall()
    except sqlite3.OperationalError:  # dbstat is an option of SQLite's build
        return {}
    return {str(table): int(size) for table, size in rows}


def backup(connection: sqlite3.Connection, path: Path) -> None:
    """Copy the state as it is at this moment into a new file; whatever runs goes on. The file appears when
    it is whole. UserError when there is one already, or it cannot be written."""
    if path.exists():
        raise UserError(f"there is a file {path} already", help="give the backup another name")
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL, 0o600))  # it holds what users wrote
        with closing(sqlite3.connect(partial)) as target:
            connection.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, without companions
        os.replace(partial, path)
    except (OSError, sqlite3.Error) as error:
        partial.unlink(missing_ok=True)
        raise UserError(f"the backup {path} cannot be written: {error}") from error


def compact(connection: sqlite3.Connection) -> None:
    """Give the room of what was removed back to the disk. It holds up whoever writes meanwhile."""
    connection.execute("PRAGMA busy_timeout = 10000")
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
