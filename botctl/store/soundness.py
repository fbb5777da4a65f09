"""Soundness: what must hold in the state at any time, and each place where it does not."""

from __future__ import annotations

import sqlite3

_MOST = 20
"""Findings of one kind that are told one by one."""

_QUERIES = (
    (
        "run {} is pinned to a definition that is not there",
        "SELECT id FROM runs WHERE definition <> '' AND definition NOT IN (SELECT hash FROM definitions)",
    ),
    (
        "run {} was called by a run that is not there",
        "SELECT id FROM runs WHERE parent IS NOT NULL AND parent NOT IN (SELECT seq FROM runs)",
    ),
    (
        "run {} deals with message {}, which is not there",
        "SELECT id, dealing FROM runs WHERE dealing NOT IN (SELECT seq FROM inbox)",
    ),
    (
        "run {} is over ({}) but would still be woken",
        "SELECT id, status FROM runs WHERE status NOT IN ('running', 'waiting')"
        " AND (awaits_reply = 1 OR wake_at IS NOT NULL)",
    ),
    (
        "run {} waits, and nothing is left that could wake it",
        "SELECT r.id FROM runs r WHERE r.status = 'waiting' AND r.awaits_reply = 0 AND r.wake_at IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM events WHERE run = r.seq)"
        " AND NOT EXISTS (SELECT 1 FROM handoffs WHERE run = r.seq AND status = 'pending')"
        " AND NOT EXISTS (SELECT 1 FROM challenges WHERE run = r.seq AND is_open = 1 AND method = 'link')"
        " AND NOT EXISTS (SELECT 1 FROM runs c WHERE c.parent = r.seq AND c.finished_at IS NULL)",
    ),
    (
        "handoff {} is pending, but its run is over",
        "SELECT h.id FROM handoffs h JOIN runs r ON r.seq = h.run"
        " WHERE h.status = 'pending' AND r.finished_at IS NOT NULL",
    ),
    (
        "message {} was dealt with by a run that is not there",
        "SELECT seq FROM inbox WHERE run IS NOT NULL AND run NOT IN (SELECT seq FROM runs)",
    ),
    (
        "message {} of the outbox is of a run that is not there",
        "SELECT id FROM outbox WHERE run IS NOT NULL AND run NOT IN (SELECT seq FROM runs)",
    ),
    (
        "message {} of the outbox is of a conversation that is not there",
        "SELECT id FROM outbox WHERE conversation IS NOT NULL"
        " AND conversation NOT IN (SELECT seq FROM conversations)",
    ),
    (
        "event {} ({}) is for a run that is not there",
        "SELECT seq, kind FROM events WHERE run NOT IN (SELECT seq FROM runs)",
    ),
    (
        "{} steps are of a run that is not there (number {})",
        "SELECT count(*), run FROM steps WHERE run NOT IN (SELECT seq FROM runs) GROUP BY run",
    ),
    (
        "{} remembered effects are of a run that is not there (number {})",
        "SELECT count(*), run FROM once WHERE run NOT IN (SELECT seq FROM runs) GROUP BY run",
    ),
    (
        "handoff {} is of a run that is not there",
        "SELECT id FROM handoffs WHERE run NOT IN (SELECT seq FROM runs)",
    ),
    (
        "ticket {} is of a run that is not there",
        "SELECT id FROM tickets WHERE run NOT IN (SELECT seq FROM runs)",
    ),
    (
        "schedule {} is of a run that is not there",
        "SELECT id FROM schedules WHERE run NOT IN (SELECT seq FROM runs)",
    ),
    (
        "challenge {} is of a run that is not there",
        "SELECT id FROM challenges WHERE run NOT IN (SELECT seq FROM runs)",
    ),
)


def findings(connection: sqlite3.Connection) -> list[str]:
    """What is wrong with the state, one sentence each; nothing if it is sound. It reads the whole file."""
    told = [f"the file is damaged: {fault}" for fault in _faults(connection)]
    if told:
        return told  # what is in a damaged file means nothing
    told += [
        f"row {row} of {table} refers to a row of {parent} that is not there"
        for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check")
    ]
    for sentence, query in _QUERIES:
        rows = connection.execute(query).fetchall()
        told += [sentence.format(*row) for row in rows[:_MOST]]
        if len(rows) > _MOST:
            told.append(f"and {len(rows) - _MOST} more like that one")
    return told


def _faults(connection: sqlite3.Connection) -> list[str]:
    try:
        said = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_MOST})")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [] if said == ["ok"] else said
