"""Handoffs: questions that a person must answer before a run goes on; one row each, decided once."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from botctl.clock import to_iso
from botctl.errors import UserError
from botctl.store import events

HandoffStatus = Literal["pending", "approved", "rejected", "expired", "cancelled"]


class StrangerError(UserError):
    """Who decides is none of those who may."""


class HandoffRow(Struct, frozen=True, kw_only=True):
    """A handoff as it is stored. seq is 0 before it is. Times in milliseconds since 1970, UTC.

    ways_out: what each answer leads to, in words. variables: as they were when it was asked, masked and cut.
    reviewers: who may decide; empty: anybody. requester: the user whose message led here. remind_at: when
    those who may decide are told again; None: never. user_told: whether the user heard `pending_message`.
    decided_by is "" while it is pending, and of one that expired or was cancelled. The two claims are 0 or 1.
    """

    seq: int = 0
    id: str
    bot: str
    runner: str
    run: int
    conversation: int
    node: str
    frame: str
    reason: str
    ways_out: Mapping[str, list[str]]
    variables: Mapping[str, Any]
    shown_hash: str
    reviewers: tuple[str, ...] = ()
    notify: tuple[Mapping[str, Any], ...] = ()
    escalate: tuple[Mapping[str, Any], ...] = ()
    requester: str = ""
    allow_self: int = 0
    created_at: int
    expires_at: int
    remind_at: int | None = None
    user_told: int = 0
    status: HandoffStatus = "pending"
    decided_by: str = ""
    note: str = ""
    sets: Mapping[str, Any] = field(default_factory=dict)
    decided_at: int | None = None


_FIELDS = HandoffRow.__struct_fields__
_JSON = ("ways_out", "variables", "reviewers", "notify", "escalate", "sets")
_LISTS = ("reviewers", "notify", "escalate")
_COLUMNS = ", ".join(_FIELDS)
_INSERT = (
    f"INSERT INTO handoffs ({', '.join(_FIELDS[1:])}) VALUES ({', '.join('?' * len(_FIELDS[1:]))})"
    " RETURNING seq"
)


def shown_hash(run_id: str, node: str, frame: str, reason: str, ways_out: Mapping[str, Sequence[str]]) -> str:
    """What a decision is bound to: not to variables, which other branches may change meanwhile."""
    shown = {answer: list(ways) for answer, ways in ways_out.items()}
    text = json.dumps([run_id, node, frame, reason, shown], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def add(connection: sqlite3.Connection, row: HandoffRow) -> int:
    """Store a new handoff; its number."""
    values = asdict(row)
    del values["seq"]
    for name in _JSON:
        values[name] = _json(values[name])
    return int(connection.execute(_INSERT, tuple(values.values())).fetchone()[0])


def get(connection: sqlite3.Connection, id: str) -> HandoffRow:
    """The handoff of this whole id; a UserError when there is none."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM handoffs WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise UserError(f"there is no handoff `{id}`", help="`botctl handoff list` shows them")
    return _row(row)


def find(connection: sqlite3.Connection, prefix: str) -> HandoffRow:
    """The one handoff whose id starts so; a UserError when there is none, or more than one."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM handoffs WHERE id >= ? AND id < ? ORDER BY id LIMIT 6",
        (prefix, prefix + "\uffff"),
    ).fetchall()
    found = [_row(row) for row in rows]
    exact = [row for row in found if row.id == prefix]
    if len(found) == 1 or exact:
        return (exact or found)[0]
    if not found:
        raise UserError(
            f"no handoff has an id that starts with `{prefix}`", help="`botctl handoff list` shows them"
        )
    ids = ", ".join(row.id for row in found[:5])
    raise UserError(
        f"several handoffs have ids that start with `{prefix}`: {ids}", help="give more of the id"
    )


def latest(
    connection: sqlite3.Connection,
    *,
    bot: str | None = None,
    status: str | None = None,
    most: int = 50,
) -> list[HandoffRow]:
    """The newest handoffs, newest first."""
    asked: list[str] = []
    values: list[object] = []
    order = "seq"
    if bot is not None:
        asked.append("bot = ?")
        values.append(bot)
    if status == "pending":
        asked.append("status = 'pending'")  # spelled out, or SQLite does not use the indexes of pending ones
        order = "seq" if bot is not None else "+seq"  # not the whole table backwards, for the few
    elif status is not None:
        asked.append("status = ?")
        values.append(status)
    where = f" WHERE {' AND '.join(asked)}" if asked else ""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM handoffs WHERE seq IN"  # sorts numbers, not whole rows
        f" (SELECT seq FROM handoffs{where} ORDER BY {order} DESC LIMIT ?) ORDER BY seq DESC",
        (*values, most),
    ).fetchall()
    return [_row(row) for row in rows]


def numbered(connection: sqlite3.Connection, numbers: Sequence[int]) -> list[HandoffRow]:
    """The handoffs of these numbers, in their order."""
    rows = [
        connection.execute(f"SELECT {_COLUMNS} FROM handoffs WHERE seq = ?", (number,)).fetchone()
        for number in numbers
    ]
    return [_row(row) for row in rows]


def of_run(connection: sqlite3.Connection, run: int) -> list[HandoffRow]:
    """The handoffs of a run, oldest first."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM handoffs WHERE run = ? ORDER BY seq", (run,))
    return [_row(row) for row in rows.fetchall()]


def pending_in(connection: sqlite3.Connection, conversation: int) -> HandoffRow | None:
    """The oldest handoff of a conversation that nobody decided yet."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM handoffs WHERE conversation = ? AND status = 'pending' ORDER BY seq LIMIT 1",
        (conversation,),
    ).fetchone()
    return _row(row) if row else None


def counts(connection: sqlite3.Connection, bot: str) -> int:
    """How many handoffs of a bot are pending."""
    row = connection.execute(
        "SELECT count(*) FROM handoffs WHERE bot = ? AND status = 'pending'", (bot,)
    ).fetchone()
    return int(row[0])


def run_id(connection: sqlite3.Connection, row: HandoffRow) -> str:
    """The id of the run that asked; "" if it is not kept any more."""
    found = connection.execute("SELECT id FROM runs WHERE seq = ?", (row.run,)).fetchone()
    return str(found[0]) if found else ""


def tell_user(connection: sqlite3.Connection, id: str) -> bool:
    """Note that the user heard `pending_message`; whether he had not before."""
    row = connection.execute(
        "UPDATE handoffs SET user_told = 1 WHERE id = ? AND user_told = 0 RETURNING seq", (id,)
    ).fetchone()
    return row is not None


def decide(
    connection: sqlite3.Connection,
    id: str,
    *,
    status: Literal["approved", "rejected"],
    by: str,
    note: str = "",
    sets: Mapping[str, Any] | None = None,
    shown: str = "",
    now_ms: int,
) -> HandoffRow:
    """Answer a handoff and leave the event that wakes its run; the handoff as it is then.

    Call it inside of a transaction that may write. The first decision wins: any other is a UserError that
    says who decided and when, and so is one by somebody who may not. shown: the `shown_hash` of what the
    person saw, if that is known; a decision about something else is refused.
    """
    row = get(connection, id)
    check(connection, row, by=by, shown=shown, now_ms=now_ms)
    return _close(connection, row, status, now_ms, by=by, note=note, sets=sets or {})


def check(connection: sqlite3.Connection, row: HandoffRow, *, by: str, shown: str = "", now_ms: int) -> None:
    """Raise the UserError with which `decide` would refuse a decision of this person now, if it would."""
    _refuse_decided(row, now_ms)
    _refuse_stranger(row, by)
    if (shown and shown != row.shown_hash) or _is_over(connection, row.run):
        raise UserError(
            f"handoff `{row.id}` is not what was shown any more: its run has moved on",
            help=f"look again with `botctl handoff show {row.id}`",
        )


def expire_due(connection: sqlite3.Connection, runners: Sequence[str], now_ms: int) -> list[HandoffRow]:
    """Close the handoffs of these runners whose time is over, and leave the events that wake their runs."""
    due = _due(connection, "expires_at", runners, now_ms)
    return [_close(connection, row, "expired", now_ms, by="", note="", sets={}) for row in due]


def remind_due(connection: sqlite3.Connection, runners: Sequence[str], now_ms: int) -> list[HandoffRow]:
    """The handoffs of these runners of which somebody is to be reminded now; of each only once."""
    due = _due(connection, "remind_at", runners, now_ms)
    for row in due:
        connection.execute("UPDATE handoffs SET remind_at = NULL WHERE seq = ?", (row.seq,))
    return [replace(row, remind_at=None) for row in due]


def next_moment(connection: sqlite3.Connection, runners: Sequence[str]) -> int | None:
    """When the next handoff of these runners expires or is to be reminded of; None if none ever will."""
    moments: list[int] = []
    for runner in runners:  # one by one: only then does SQLite read nothing but the first entry of an index
        for query in (
            "SELECT min(expires_at) FROM handoffs WHERE runner = ? AND status = 'pending'",
            "SELECT min(remind_at) FROM handoffs"
            " WHERE runner = ? AND status = 'pending' AND remind_at IS NOT NULL",
        ):
            moment = connection.execute(query, (runner,)).fetchone()[0]
            if moment is not None:
                moments.append(int(moment))
    return min(moments, default=None)


def cancel(connection: sqlite3.Connection, id: str, why: str, now_ms: int) -> bool:
    """Nobody needs to decide this one any more; whether it was pending."""
    closed = connection.execute(
        "UPDATE handoffs SET status = 'cancelled', note = ?, decided_at = ?"
        " WHERE id = ? AND status = 'pending'",
        (why, now_ms, id),
    )
    return closed.rowcount > 0


def cancel_of_run(connection: sqlite3.Connection, run: int, why: str, now_ms: int) -> int:
    """The same for all handoffs of a run; how many that closed."""
    return connection.execute(
        "UPDATE handoffs SET status = 'cancelled', note = ?, decided_at = ?"
        " WHERE run = ? AND status = 'pending'",
        (why, now_ms, run),
    ).rowcount


def cancel_of_conversation(connection: sqlite3.Connection, conversation: int, why: str, now_ms: int) -> int:
    """The same for all of a conversation."""
    return connection.execute(
        "UPDATE handoffs SET status = 'cancelled', note = ?, decided_at = ?"
        " WHERE conversation = ? AND status = 'pending'",
        (why, now_ms, conversation),
    ).rowcount


def _due(
    connection: sqlite3.Connection,
    moment: Literal["expires_at", "remind_at"],
    runners: Sequence[str],
    now_ms: int,
) -> list[HandoffRow]:
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM handoffs WHERE runner IN ({', '.join('?' * len(runners))})"
        f" AND status = 'pending' AND {moment} <= ? ORDER BY {moment}, seq",
        (*runners, now_ms),
    ).fetchall()
    return [_row(row) for row in rows]


def _refuse_decided(row: HandoffRow, now_ms: int) -> None:
    more = f"`botctl handoff show {row.id}` tells the rest"
    at = to_iso(row.decided_at) if row.decided_at is not None else "an unknown time"
    if row.status in ("approved", "rejected"):
        raise UserError(f"handoff `{row.id}` was {row.status} by {row.decided_by} at {at}", help=more)
    if row.status == "cancelled":
        raise UserError(f"handoff `{row.id}` was cancelled at {at}: {row.note}", help=more)
    if row.status == "expired" or row.expires_at <= now_ms:
        raise UserError(
            f"handoff `{row.id}` expired at {to_iso(row.expires_at)}",
            help="its run goes on without a decision; a longer `handoff.expires` in bot.yaml gives more time",
        )


def _refuse_stranger(row: HandoffRow, by: str) -> None:
    if row.reviewers and by.casefold() not in (name.casefold() for name in row.reviewers):
        raise StrangerError(
            f"`{by}` may not decide handoff `{row.id}`", help="these may: " + ", ".join(row.reviewers)
        )
    if not row.allow_self and row.requester and by.casefold() == row.requester.casefold():
        raise StrangerError(
            f"`{by}` asked for what handoff `{row.id}` is about, and may not decide it",
            help="let somebody else decide, or set `handoff.allow_self: true` in bot.yaml",
        )


def _is_over(connection: sqlite3.Connection, run: int) -> bool:
    row = connection.execute("SELECT finished_at FROM runs WHERE seq = ?", (run,)).fetchone()
    return row is not None and row[0] is not None


def _close(
    connection: sqlite3.Connection,
    row: HandoffRow,
    status: Literal["approved", "rejected", "expired"],
    now_ms: int,
    *,
    by: str,
    note: str,
    sets: Mapping[str, Any],
) -> HandoffRow:
    connection.execute(
        "UPDATE handoffs SET status = ?, decided_by = ?, note = ?, sets = ?, decided_at = ? WHERE seq = ?",
        (status, by, note, _json(dict(sets)), now_ms, row.seq),
    )
    value = {"handoff": row.id, "status": status, "by": by, "note": note, "sets": dict(sets)}
    events.add(connection, runner=row.runner, run=row.run, kind="decision", value=value, now_ms=now_ms)
    return replace(row, status=status, decided_by=by, note=note, sets=dict(sets), decided_at=now_ms)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _row(values: Sequence[Any]) -> HandoffRow:
    fields = dict(zip(_FIELDS, values, strict=True))
    for name in _JSON:
        fields[name] = json.loads(cast(str, fields[name]))
    for name in _LISTS:
        fields[name] = tuple(fields[name])
    return HandoffRow(**fields)
