"""The journal: how a wave reaches the disk, in one write, together with what it said and ordered."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from botctl.clock import Clock
from botctl.engine.life import Life
from botctl.engine.run import Run, RunStatus, encode, frame_text
from botctl.engine.transition import Facts, Failure, Result
from botctl.execution.outcome import Done, End, Iterate, Order, Proactive, Reply, Ticket, Until, Wait
from botctl.execution.step import StepLog
from botctl.ids import new_id
from botctl.messages import OutgoingMessage, Said, reply_to
from botctl.store import conversations, inbox, outbox, runs, steps
from botctl.store.database import Database
from botctl.store.outbox import Leaving
from botctl.store.runs import RunRow
from botctl.store.steps import StepRow

LARGEST_STATE = 1_000_000
_SUMMARY = 2_000


class Visit(Struct, frozen=True):
    """One execution of a node, measured. duration is in microseconds."""

    result: Result
    seq: int
    wave: int
    log: StepLog
    started_at: int
    duration_us: int
    retries: int


class _Entry(Struct, frozen=True, kw_only=True):
    """All that one wave changes, made ready before the transaction. finished_at None: the run goes on."""

    state: str
    status: RunStatus
    error_message: str
    executed: int
    rows: Sequence[StepRow]
    outgoing: Sequence[tuple[OutgoingMessage, str]]
    orders: Sequence[tuple[str, Order]]
    handing_over: bool
    ended: bool
    now_ms: int
    finished_at: int | None
    awaits_reply: int
    wake_at: int | None


class Journal:
    """Writes waves. All that a wave changes is in one transaction: a crash finds all of it or nothing."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def write_wave(self, life: Life, run: Run, visits: Sequence[Visit], facts: Facts) -> list[Leaving]:
        """Commit a wave and make `run` the life's run; what it said that may leave now."""
        for visit in visits:
            life.tool_calls += visit.log.tool_calls
            life.tokens += visit.log.tokens_input + visit.log.tokens_output
        status, message = _status(run)
        over = status in (RunStatus.COMPLETED, RunStatus.ERROR)
        speech: list[Said] = []
        if over or facts.started_to_wait:
            speech, run.said = run.said, []
        state = run.to_json()
        if len(state) > LARGEST_STATE:
            status, message, over = RunStatus.ERROR, "the run's variables are larger than 1 MB", True
            run.variables = dict(life.run.variables)
            run.tokens, run.loops, run.failure = [], [], message
            speech, run.said = [*speech, *run.said], []
            state = run.to_json()
        received = life.stored.message
        outgoing = [(reply_to(received, said, new_id()), "node") for said in speech]
        if status is RunStatus.ERROR and life.program.fallback_message:
            outgoing.append((reply_to(received, Said(text=life.program.fallback_message), new_id()), "bot"))
        now = self._clock.now_ms()
        life.status, life.error_message = status, message
        waits = [] if over else [wait for token in run.tokens if token.waiting for wait in token.waiting.for_]
        entry = _Entry(
            state=state,
            status=status,
            error_message=life.program.mask(message),
            executed=run.executed,
            rows=[_row(life, visit, facts.notes.get(place, ())) for place, visit in enumerate(visits)],
            outgoing=outgoing,
            orders=_orders(visits),
            handing_over=over or facts.started_to_wait,
            ended=run.ended,
            now_ms=now,
            finished_at=now if over else None,
            awaits_reply=int(any(isinstance(wait, Reply) for wait in waits)),
            wake_at=min((wait.at_ms for wait in waits if isinstance(wait, Until)), default=None),
        )
        leaving = await self._database.write(lambda connection: _write(connection, life, entry))
        life.run = run
        life.spoken += [message.text for message, _ in outgoing]
        return leaving


def _write(connection: sqlite3.Connection, life: Life, entry: _Entry) -> list[Leaving]:
    if life.seq:
        runs.save(
            connection,
            life.seq,
            status=entry.status,
            state=entry.state,
            dealing=life.stored.seq,
            awaits_reply=entry.awaits_reply,
            wake_at=entry.wake_at,
            nodes_executed=entry.executed,
            finished_at=entry.finished_at,
            error_message=entry.error_message,
            tool_calls=life.tool_calls,
            tokens=life.tokens,
        )
    else:
        life.seq = runs.add(connection, _run_row(life, entry))
    seq, conversation = life.seq, life.stored.conversation
    steps.add(connection, seq, entry.rows)
    leaving = [
        outbox.add(
            connection, message, said_by=said_by, conversation=conversation, run=seq, now_ms=entry.now_ms
        )
        for message, said_by in entry.outgoing
    ]
    leaving += [
        sent for id, order in entry.orders if (sent := _carry_out(connection, life, entry.now_ms, id, order))
    ]
    if entry.handing_over:
        inbox.finish(connection, life.stored.seq, seq)
    if entry.finished_at is not None and life.used_once:
        steps.forget(connection, seq)
    if entry.ended:
        conversations.cut(connection, conversation, life.stored.seq)
    return leaving


def _carry_out(
    connection: sqlite3.Connection, life: Life, now_ms: int, id: str, order: Order
) -> Leaving | None:
    """Write what a step ordered; the message that may leave now, if it is one."""
    bot, conversation = life.program.bot.name, life.stored.conversation
    match order:
        case Ticket():
            runs.add_ticket(
                connection,
                id=id,
                bot=bot,
                run=life.seq,
                conversation=conversation,
                subject=order.subject,
                now_ms=now_ms,
            )
            return None
        case Proactive():
            message = OutgoingMessage(
                id=id,
                bot=bot,
                platform=order.platform,
                channel_id=order.channel_id,
                text=order.text,
                purpose="proactive",
            )
            return outbox.add(
                connection, message, said_by="order", conversation=None, run=life.seq, now_ms=now_ms
            )


def _status(run: Run) -> tuple[RunStatus, str]:
    if run.failure:
        return RunStatus.ERROR, run.failure
    if run.is_over:
        return RunStatus.COMPLETED, ""
    if run.tokens and all(token.waiting and not token.waiting.event for token in run.tokens):
        return RunStatus.WAITING, ""
    return RunStatus.RUNNING, ""


def _run_row(life: Life, entry: _Entry) -> RunRow:
    return RunRow(
        seq=0,
        id=life.id,
        bot=life.program.bot.name,
        kind="workflow",
        conversation=life.stored.conversation,
        message=life.stored.seq,
        dealing=life.stored.seq,
        awaits_reply=entry.awaits_reply,
        wake_at=entry.wake_at,
        definition=life.program.definition,
        status=entry.status,
        state=entry.state,
        nodes_executed=entry.executed,
        nodes_total=len(life.program.graph.nodes),
        started_at=life.started_at,
        finished_at=entry.finished_at,
        error_message=entry.error_message,
        parent=None,
        tool_calls=life.tool_calls,
        tokens=life.tokens,
    )


def _row(life: Life, visit: Visit, notes: Sequence[str]) -> StepRow:
    token, outcome, log = visit.result.token, visit.result.outcome, visit.log
    node = life.program.graph.nodes[token.node]
    handle, error = "", None
    writes: Any = None
    match outcome:
        case Done():
            handle, writes = outcome.handle, outcome.writes
        case Failure():
            error = outcome.message
        case Iterate() | End() | Wait():
            pass
    every_note = [*log.notes, *notes]
    mask = life.program.mask
    return StepRow(
        0,
        visit.seq,
        visit.wave,
        node.id,
        node.type.name,
        node.data.label,
        frame_text(token.frame),
        handle,
        visit.started_at,
        visit.duration_us,
        _summary(log.input, mask),
        _summary(log.output, mask),
        _summary(writes, mask) if writes else None,
        _summary(every_note, mask) if every_note else None,
        log.tokens_input,
        log.tokens_output,
        log.model,
        visit.retries,
        mask(error) if error is not None else None,
    )


def _summary(value: Any, mask: Any) -> str | None:
    """A JSON text of about 2,000 characters at most; what is longer is cut, part by part."""
    if value is None:
        return None
    text: str = mask(encode(value))
    if len(text) <= _SUMMARY:
        return text
    if isinstance(value, dict) and len(value) > 1:
        each = _SUMMARY // len(value)
        parts = {key: _cut(part, each) for key, part in value.items()}
        return str(mask(encode(parts)))
    return encode(text[:_SUMMARY] + "…")


def _cut(value: Any, length: int) -> Any:
    text = value if isinstance(value, str) else encode(value)
    return value if len(text) <= length else text[:length] + "…"


def _orders(visits: Sequence[Visit]) -> list[tuple[str, Order]]:
    return [
        (new_id(), order)
        for visit in visits
        if isinstance(visit.result.outcome, Done)
        for order in visit.result.outcome.orders
    ]
