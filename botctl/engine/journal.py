"""The journal: how a wave reaches the disk, in one write, together with what it said and ordered."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from botctl.clock import Clock
from botctl.engine.life import Life
from botctl.engine.orders import Placed, carry_out, tell_of_doubt
from botctl.engine.run import FAILED, Run, RunStatus, frame_text
from botctl.engine.standing import ready_tokens
from botctl.engine.summary import summary
from botctl.engine.transition import Facts, Failure, Result
from botctl.execution.outcome import (
    Call,
    Decision,
    Done,
    End,
    Iterate,
    Reply,
    Return,
    Until,
    Wait,
    WaitFor,
)
from botctl.execution.step import StepLog
from botctl.ids import new_id
from botctl.messages import OutgoingMessage, Said, reply_to
from botctl.project.agent_graph import AGENT_DEFINITION
from botctl.project.graph import Graph
from botctl.store import conversations, ending, events, handoffs, inbox, outbox, runs, steps, usage
from botctl.store.database import Database
from botctl.store.outbox import Leaving
from botctl.store.runs import RunRow
from botctl.store.steps import StepRow

LARGEST_STATE = 1_000_000


class Visit(Struct, frozen=True):
    """One execution of a node, measured. duration is in microseconds. child: the run that its Call makes."""

    result: Result
    seq: int
    wave: int
    log: StepLog
    started_at: int
    duration_us: int
    retries: int
    child: Life | None = None


class _Entry(Struct, frozen=True, kw_only=True):
    """All that one wave changes, made ready before the transaction. finished_at None: the run goes on."""

    state: str
    status: RunStatus
    error_message: str
    executed: int
    rows: Sequence[StepRow]
    outgoing: Sequence[tuple[OutgoingMessage, str]]
    drafts: frozenset[str]
    orders: Sequence[Placed]
    doubts: Sequence[str]
    children: Sequence[Life]
    given_up: Sequence[WaitFor]
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
        doubts = _count(life, visits)
        cap_message = _cap_message(visits)
        status, message = _status(
            life.program.graph, run, RunStatus.ERROR if cap_message is None else RunStatus.BUDGET
        )
        over = status is RunStatus.COMPLETED or status in FAILED
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
        if over and life.parent is not None:
            life.result, speech = "\n".join(said.text for said in speech), []
        outgoing = [(_reply(life, said), "node") for said in speech]
        sorry = life.program.fallback_message if cap_message is None else cap_message
        if sorry and status in FAILED and life.parent is None:
            outgoing.append((_reply(life, Said(text=sorry)), "bot"))
        now = self._clock.now_ms()
        life.status, life.error_message = status, message
        life.excuse = message if cap_message is None else cap_message or "its budget is used up"
        waits = [] if over else run.waits
        children = [visit.child for visit in visits if visit.child is not None]
        entry = _Entry(
            state=state,
            status=status,
            error_message=life.program.mask(message),
            executed=run.executed,
            rows=[_row(life, visit, facts.notes.get(place, ())) for place, visit in enumerate(visits)],
            outgoing=outgoing,
            drafts=frozenset(said.draft for said in speech if said.draft),
            orders=_orders(visits),
            doubts=doubts,
            children=children,
            given_up=_given_up(life, run, visits) if children or life.run.tokens or waits else (),
            handing_over=over or facts.started_to_wait,
            ended=run.ended,
            now_ms=now,
            finished_at=now if over else None,
            awaits_reply=int(any(isinstance(wait, Reply) for wait in waits)),
            wake_at=min((wait.at_ms for wait in waits if isinstance(wait, Until)), default=None),
        )
        leaving = await self._database.write(lambda connection: _write(connection, life, entry))
        life.run = run
        life.taking = []
        life.called += [child for child in children if Return(child.id) in waits]
        life.spoken += [message.text for message, _ in outgoing]
        if status is not RunStatus.RUNNING and life.program.metered is not None:
            life.micro_cents = self._database.read(lambda store: usage.cost_of_run(store, life.id))
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
            in_doubt=int(life.in_doubt),
            tool_calls=life.tool_calls,
            tokens=life.tokens,
        )
    else:
        life.seq = runs.add(connection, _run_row(life, entry))
    seq, conversation = life.seq, life.stored.conversation
    steps.add(connection, seq, entry.rows)
    leaving = [
        outbox.complete(connection, message)
        if message.id in entry.drafts
        else outbox.add(
            connection, message, said_by=said_by, conversation=conversation, run=seq, now_ms=entry.now_ms
        )
        for message, said_by in entry.outgoing
    ]
    for event in life.taking:
        events.take(connection, event)
    for child in entry.children:
        child.parent, child.seq = seq, 0
        child.seq = runs.add(connection, _child_row(child, entry.now_ms))
        runs.pin(connection, child.program.definition, *child.program.text)
    for placed in entry.orders:
        leaving += carry_out(connection, life, entry.now_ms, placed)
    for doubt in entry.doubts:
        leaving += tell_of_doubt(connection, life, entry.now_ms, doubt)
    for wait in entry.given_up:
        _give_up(connection, wait, entry.now_ms)
    if entry.handing_over:
        inbox.finish(connection, life.stored.seq, seq)
    if entry.finished_at is not None:
        _finish(connection, life, entry)
    if entry.ended and life.parent is None:
        conversations.cut(connection, conversation, life.stored.seq)
    return leaving


def _finish(connection: sqlite3.Connection, life: Life, entry: _Entry) -> None:
    """What there is to see to when a run is over."""
    if life.program.definition == AGENT_DEFINITION:
        outbox.leave_drafts(connection, life.seq, entry.now_ms)
    if life.used_once and entry.status not in FAILED:
        steps.forget(connection, life.seq)  # of a failed run it is kept: the run may be retried
    if life.parent is not None:
        returned = {"call": life.id, "text": life.result, "error": life.excuse}
        life.left_event = events.add(
            connection,
            runner=life.runner,
            run=life.parent,
            kind="returned",
            value=returned,
            now_ms=entry.now_ms,
        )


def _reply(life: Life, said: Said) -> OutgoingMessage:
    return reply_to(life.stored.message, said, said.draft or new_id())


def _cap_message(visits: Sequence[Visit]) -> str | None:
    """What the user hears when a budget is used up; None if none is."""
    failures = [one for visit in visits if isinstance(one := visit.result.outcome, Failure)]
    return next((one.cap_message for one in failures if one.cap_message is not None), None)


def _count(life: Life, visits: Sequence[Visit]) -> list[str]:
    """Add what was used; what may or may not have been done."""
    doubts: list[str] = []
    for visit in visits:
        life.tool_calls += visit.log.tool_calls
        life.tokens += visit.log.tokens_input + visit.log.tokens_output
        if isinstance(visit.result.outcome, Failure) and visit.result.outcome.in_doubt:
            life.in_doubt = True
            doubts.append(visit.result.outcome.message)
    return doubts


def _status(graph: Graph, run: Run, failed: RunStatus) -> tuple[RunStatus, str]:
    if run.failure:
        return failed, run.failure
    if run.is_over:
        return RunStatus.COMPLETED, ""
    if run.waits and not ready_tokens(graph, run):
        return RunStatus.WAITING, ""
    return RunStatus.RUNNING, ""


def _give_up(connection: sqlite3.Connection, wait: WaitFor, now_ms: int) -> None:
    """Nobody needs to decide, or to answer, what no run waits for any more."""
    match wait:
        case Decision(handoff):
            handoffs.cancel(connection, handoff, "the run does not wait for it any more", now_ms)
        case Return(call):
            ending.cancel(connection, runs.number_of(connection, call), "its caller went on", now_ms)
        case _:
            pass


def _run_row(life: Life, entry: _Entry) -> RunRow:
    return RunRow(
        seq=0,
        id=life.id,
        bot=life.program.bot.name,
        runner=life.runner,
        kind="agent" if life.program.definition == AGENT_DEFINITION else "workflow",
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
        parent=life.parent,
        depth=life.depth,
        in_doubt=int(life.in_doubt),
        tool_calls=life.tool_calls,
        tokens=life.tokens,
    )


def _child_row(child: Life, now_ms: int) -> RunRow:
    """A called run before its first wave: on disk with the wave that called it, so no crash forgets it."""
    entry = _Entry(
        state=child.run.to_json(),
        status=RunStatus.RUNNING,
        error_message="",
        executed=0,
        rows=(),
        outgoing=(),
        drafts=frozenset(),
        orders=(),
        doubts=(),
        children=(),
        given_up=(),
        handing_over=False,
        ended=False,
        now_ms=now_ms,
        finished_at=None,
        awaits_reply=0,
        wake_at=None,
    )
    return _run_row(child, entry)


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
        case Iterate() | End() | Wait() | Call():
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
        summary(log.input, mask),
        summary(log.output, mask),
        summary(writes, mask) if writes else None,
        summary(every_note, mask) if every_note else None,
        log.tokens_input,
        log.tokens_output,
        log.model,
        visit.retries,
        mask(error) if error is not None else None,
        log.micro_cents,
    )


def _orders(visits: Sequence[Visit]) -> list[Placed]:
    return [
        Placed(new_id(), visit.result.token, order)
        for visit in visits
        if isinstance(visit.result.outcome, Done | Wait)
        for order in visit.result.outcome.orders
    ]


def _given_up(life: Life, run: Run, visits: Sequence[Visit]) -> list[WaitFor]:
    """What is not waited for any more, or never will be: its token was dropped, or the run is over."""
    begun: list[WaitFor] = []
    for visit in visits:
        if isinstance(visit.result.outcome, Wait):
            begun += visit.result.outcome.for_
        elif visit.child is not None:
            begun.append(Return(visit.child.id))
    begun += life.run.waits
    standing = run.waits
    return [wait for wait in begun if wait not in standing]
