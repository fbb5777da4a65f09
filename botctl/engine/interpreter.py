"""The interpreter: execute the ready tokens together, move the run on, commit, repeat."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from msgspec import structs

from botctl.clock import Clock
from botctl.engine.deadline import Deadline
from botctl.engine.journal import Journal, Visit
from botctl.engine.life import Life
from botctl.engine.observer import NOBODY, Observer
from botctl.engine.once import StepOnce
from botctl.engine.program import Program
from botctl.engine.run import RunStatus, Token, frame_text, run_from_json
from botctl.engine.standing import ready_tokens
from botctl.engine.transition import Facts, Failure, Result, apply_wave, retry, start_run, waiting_for, wake
from botctl.errors import BotctlError, InDoubtError, OutsideError, UserError
from botctl.execution.outcome import Call, Event, Outcome
from botctl.execution.step import Draft, Step, StepLog
from botctl.ids import new_id
from botctl.llm.budget import OverBudgetError
from botctl.llm.chat import Turn
from botctl.project.agent_graph import AGENT_DEFINITION
from botctl.store import conversations, steps
from botctl.store.database import Database
from botctl.store.inbox import Stored
from botctl.store.outbox import Leaving
from botctl.store.runs import RunRow

logger = logging.getLogger(__name__)


MOST_HOPS = 3
"""Bots that may delegate on, one after the other (the product's documents)."""


class Interpreter:
    """Executes runs. `deliver` is given, after each commit, the messages that may leave now."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        deliver: Callable[[Sequence[Leaving]], None],
        observer: Observer = NOBODY,
        draft_of: Callable[[Life], Draft | None] = lambda life: None,
    ) -> None:
        """draft_of: what shows an agent's answer while it is written, if anything does."""
        self._database = database
        self._clock = clock
        self._deliver = deliver
        self._journal = Journal(database, clock)
        self._observer = observer
        self._draft_of = draft_of

    async def begin(self, program: Program, stored: Stored, id: str = "") -> Life:
        """Start a run for a message, under `id` if given, and advance it until it is over or waits."""
        life = Life(
            id=id or new_id(),
            program=program,
            stored=stored,
            run=start_run(program.graph, {}),
            started_at=self._clock.now_ms(),
            deadline=Deadline(program.bot.timeout),
            runner=program.bot.name,
        )
        return await self._advance(life)

    async def recover(self, program: Program, stored: Stored, row: RunRow) -> Life:
        """Take up a run that the process died in; finished steps stay finished."""
        return await self._advance(self._life_of(program, stored, row))

    async def resume(
        self, program: Program, stored: Stored, row: RunRow, event: Event, taking: int = 0
    ) -> Life | None:
        """Wake a run that waits for `event`, to deal with `stored`; None if no token of it waits for that.

        taking: the number of the event in the store, taken away with the first wave.
        """
        life = self._life_of(program, stored, row)
        token = waiting_for(life.run, event)
        if token is None or row.status != RunStatus.WAITING:
            life.deadline.over()
            return None
        life.run = wake(life.run, token, event)
        life.taking += [taking] if taking else []
        return await self._advance(life)

    async def retry(self, program: Program, stored: Stored, row: RunRow, taking: int) -> Life:
        """Take up a run that failed, before the nodes that failed."""
        life = self._life_of(program, stored, row)
        life.run, anew = retry(life.run)
        await self._forget_once(life, anew)
        life.in_doubt = False
        life.taking.append(taking)
        return await self._advance(life)

    async def _forget_once(self, life: Life, tokens: Sequence[Token]) -> None:
        """The nodes of these tokens begin anew: what they did once does not count any more."""
        places = {(token.node, frame_text(token.frame)) for token in tokens}
        gone = [at for at in life.once if at[:2] in places]
        for at in gone:
            del life.once[at]
            await self._database.write(lambda connection, at=at: steps.withdraw(connection, life.seq, *at))  # type: ignore[misc]

    def _life_of(self, program: Program, stored: Stored, row: RunRow) -> Life:
        life = Life(
            id=row.id,
            program=program,
            stored=stored,
            run=run_from_json(row.state),
            started_at=row.started_at,
            deadline=Deadline(program.bot.timeout),
            runner=row.runner,
            parent=row.parent,
            depth=row.depth,
            seq=row.seq,
            tool_calls=row.tool_calls,
            tokens=row.tokens,
            in_doubt=bool(row.in_doubt),
            used_once=True,
        )
        for once in self._database.read(lambda connection: steps.remembered(connection, row.seq)):
            life.once[once.node, once.frame, once.key] = once.result
        return life

    async def _advance(self, life: Life) -> Life:
        self._observer.began(life)
        try:
            await self._wave_by_wave(life)
        finally:
            life.deadline.over()
            self._observer.left(life)
        return life

    async def _run_called(self, life: Life) -> None:
        """Let the runs that were called in the last wave go on, side by side, until they are over or wait."""
        called, life.called = life.called, []
        life.deadline.over()
        for child in called:
            child.deadline = Deadline(child.program.bot.timeout)
        async with asyncio.TaskGroup() as group:
            for child in called:
                group.create_task(self._advance(child))
        life.deadline = Deadline(life.program.bot.timeout)
        for child in called:
            life.spoken += child.spoken
            life.has_scheduled |= child.has_scheduled
            if child.left_event:
                returned(life, child)

    async def _wave_by_wave(self, life: Life) -> None:
        program = life.program
        while life.status is RunStatus.RUNNING:
            run = life.run
            wave = [] if run.is_over else ready_tokens(program.graph, run)
            passed = program.limits.passed_by(run, wave)
            if passed or not wave:
                run = run.copy()
                run.failure = run.failure or passed
                self._deliver(await self._journal.write_wave(life, run, (), Facts()))
                if life.status is RunStatus.RUNNING:
                    raise RuntimeError(
                        f"run {life.id} is neither over nor waiting, and nothing in it can go on"
                    )
                break
            visits = await self._execute(life, wave)
            after, facts = apply_wave(program.graph, run, [visit.result for visit in visits])
            after.steps = run.steps + sum(1 for token in wave if token.waiting is None)
            leaving = await self._journal.write_wave(life, after, visits, facts)
            if leaving:
                self._deliver(leaving)
            if life.called:
                await self._run_called(life)

    async def _execute(self, life: Life, wave: Sequence[Token]) -> Sequence[Visit]:
        """Visit all nodes of a wave at the same time; in token order whatever finishes first."""
        seq = life.run.steps
        if len(wave) == 1:
            return (await self._visit(life, wave[0], seq),)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._visit(life, token, seq + place)) for place, token in enumerate(wave)
            ]
        return [task.result() for task in tasks]

    async def _visit(self, life: Life, token: Token, seq: int) -> Visit:
        program, waiting = life.program, token.waiting
        node = program.graph.nodes[token.node]
        once = StepOnce(life, node.id, frame_text(token.frame), self._database, self._clock)
        started_at, started = self._clock.now_ms(), time.perf_counter_ns()
        self._observer.entered(life, token, waiting.seq if waiting else seq)
        outcome: Outcome | Failure | None = None
        child: Life | None = None
        while outcome is None:
            log = StepLog()
            step = self._step(life, token, once, log, started_at)
            try:
                with life.deadline:
                    outcome = await node.type.execute(node.data, step)
                    if isinstance(outcome, Call):
                        child = await self._called(life, outcome)
            except TimeoutError:
                told = f"the {program.bot.timeout:g} s of this turn were used up (`timeout` in bot.yaml)"
                outcome = Failure(told)
            except OverBudgetError as error:
                outcome = Failure(error.message, cap_message=error.cap_message)
            except BotctlError as error:
                if isinstance(error, OutsideError) and await once.may_try_again(error):
                    continue  # the node is entered again from the top; what it did once is remembered
                outcome = Failure(error.message, isinstance(error, InDoubtError))
                if error.help:
                    log.note(error.help)
            except (
                Exception
            ) as error:  # a bug in one step must not end the process: the run goes its error path
                logger.exception("node %s of run %s broke", node.id, life.id)
                outcome = Failure(f"internal error: {type(error).__name__}: {error}")
        begun = (seq, life.run.wave, started_at)
        visit = Visit(
            result=Result(token, outcome, begun, child.id if child else ""),
            seq=waiting.seq if waiting else seq,
            wave=waiting.wave if waiting else life.run.wave,
            log=log,
            started_at=waiting.started_at if waiting else started_at,
            duration_us=(time.perf_counter_ns() - started) // 1000,
            retries=once.retries,
            child=child,
        )
        self._observer.visited(life, visit)
        return visit

    async def _called(self, life: Life, call: Call) -> Life:
        """The run that a Call makes, not begun yet; a UserError when there may be none."""
        if life.depth >= MOST_HOPS:
            raise UserError(
                f"`{call.bot}` would be the {MOST_HOPS + 1}th bot in a row to delegate on",
                help=f"at most {MOST_HOPS} hops are made from the bot that the user writes to",
            )
        program = await life.program.team.program_of(call.bot)
        deadline = Deadline(program.bot.timeout)
        deadline.over()  # its time begins when it does
        return Life(
            id=new_id(),
            program=program,
            stored=life.stored,
            run=replace(start_run(program.graph, dict(call.context)), asked=call.message),
            started_at=self._clock.now_ms(),
            deadline=deadline,
            runner=life.runner,
            depth=life.depth + 1,
        )

    def _step(self, life: Life, token: Token, once: StepOnce, log: StepLog, now_ms: int) -> Step:
        program, waiting = life.program, token.waiting
        message = life.stored.message
        if life.run.asked and program.graph.nodes[token.node].type.name == "trigger":
            message = structs.replace(message, text=life.run.asked, kind="text")
        return Step(
            node_id=token.node,
            variables=life.run.variables,
            message=message,
            bot=program.bot,
            llm=program.metered(life.runner, life.id, life.stored) if program.metered else program.llm,
            tools=program.tools,
            sandbox=program.sandbox,
            log=log,
            journal=once,
            now_ms=now_ms,
            event=waiting.event if waiting else None,
            state=waiting.state if waiting else ("caught" if token.caught else None),
            history=lambda: self._history(life),
            wired=program.graph.wired(token.node) if waiting else frozenset(),
            gate=program.gate(life.runner, life.seq, life.stored) if program.gate else None,
            draft=self._draft_of(life) if program.definition == AGENT_DEFINITION else None,
        )

    async def _history(self, life: Life) -> tuple[Turn, ...]:
        stored, most = life.stored, life.program.max_messages
        said = self._database.read(
            lambda connection: conversations.history(connection, stored.conversation, stored.seq, most)
        )
        return tuple(Turn(role="user" if who == "user" else "assistant", text=text) for who, text in said)


def returned(life: Life, child: Life) -> None:
    """Wake the caller of a run that is over."""
    event = Event("returned", {"call": child.id, "text": child.result, "error": child.excuse})
    life.taking.append(child.left_event)
    token = waiting_for(life.run, event)
    if token is not None:
        life.run = wake(life.run, token, event)
        life.status = RunStatus.RUNNING
