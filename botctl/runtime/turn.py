"""The turn: what is done about one thing that came in; a message, a moment, or an event for a run."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, structs

from botctl.clock import Clock
from botctl.engine.interpreter import Interpreter
from botctl.engine.life import Life
from botctl.engine.program import Program
from botctl.engine.run import RunStatus
from botctl.engine.trace import can_be_retried
from botctl.execution.outcome import Event
from botctl.messages import Answer, IncomingMessage
from botctl.runtime.bot import LiveBot
from botctl.runtime.decisions import Pressed, decide, pressed
from botctl.runtime.greeting import hold, is_reset, reset, tell_refused, welcome
from botctl.runtime.takeover import keep
from botctl.runtime.team import Team
from botctl.runtime.telemetry import Traffic
from botctl.runtime.typing_sign import TypingSigns
from botctl.store import conversations, ending, events, handoffs, inbox, runs, steps
from botctl.store.database import Database
from botctl.store.events import EventRow
from botctl.store.inbox import Stored
from botctl.store.outbox import Leaving
from botctl.store.runs import RunRow

logger = logging.getLogger(__name__)

GONE = "the run does not wait for this any more"


class Work(Struct, frozen=True, kw_only=True):
    """One thing to do in a conversation. Without interrupted, alarm and event it is the message `stored`.

    interrupted: the run that the process died in. alarm: a run and the moment that has come. event: what some
    process left for a run. run_id is known before the run exists; future is its end.
    """

    stored: Stored
    run_id: str
    future: asyncio.Future[Answer]
    interrupted: RunRow | None = None
    alarm: tuple[int, int] | None = None
    event: EventRow | None = None

    @property
    def is_message(self) -> bool:
        """Whether it is a message that nobody has begun to deal with."""
        return self.interrupted is None and self.alarm is None and self.event is None


class Turns:
    """Takes one turn at a time per conversation; whoever calls it sees to that.

    waiting: the conversations in which some run waits; the store is asked only about those.
    event_was_left: called when an event for some run is on disk; the router sets it.
    """

    def __init__(
        self,
        bots: Mapping[str, LiveBot],
        team: Team,
        interpreter: Interpreter,
        database: Database,
        clock: Clock,
        deliver: Callable[[Sequence[Leaving]], None],
        signs: TypingSigns,
        traffic: Traffic,
    ) -> None:
        """deliver is given what is said outside of runs, once it is on disk."""
        self._bots = bots
        self._team = team
        self._interpreter = interpreter
        self._database = database
        self._clock = clock
        self._deliver = deliver
        self._signs = signs
        self._traffic = traffic
        self._places = {name: asyncio.Semaphore(bot.concurrent_runs) for name, bot in bots.items()}
        self.waiting: set[int] = set()
        self.alarm_was_set = asyncio.Event()
        self.event_was_left: Callable[[], None] = lambda: None

    async def take(self, work: Work) -> Answer:
        """Do it. BotctlError when the run's definition can no longer be read."""
        if work.is_message:
            answer = await self._answer(work)
            if answer.status == "ignored":
                self._traffic.ignored(work.stored.message, answer.reason)
            return answer
        async with self._places[work.stored.message.bot]:
            life = await self._go_on(work)
        return self._told(life) if life else Answer(run_id=work.run_id, status="ignored", reason=GONE)

    def woken_by_message(self, conversation: int) -> RunRow | None:
        """The run that the next message of a conversation wakes."""
        if conversation not in self.waiting:
            return None
        return self._database.read(lambda connection: runs.awaiting_reply(connection, conversation))

    async def _answer(self, work: Work) -> Answer:
        stored = work.stored
        bot, conversation = self._bots[stored.message.bot], stored.conversation
        reason = bot.reason_to_ignore(stored.message)
        if reason:
            await self._database.write(lambda connection: inbox.ignore(connection, stored.seq, reason))
            return Answer(run_id="", status="ignored", reason=reason)
        button = pressed(stored.message)
        if button is not None:
            return await self._decide(stored, button)
        person = self._database.read(lambda connection: conversations.taken_by(connection, conversation))
        if person:
            kept = await self._database.write(lambda connection: keep(connection, stored, person))
            return Answer(run_id="", status="ignored", reason=kept)
        if is_reset(stored.message):
            return await self._start_over(stored)
        if any(one.refused for one in stored.message.attachments):
            told = await self._tell_refused(stored)
            if not _has_anything_else(stored.message):
                return told
        row = None
        if conversation in self.waiting:
            await self._catch_up(stored)
            row = self.woken_by_message(conversation)
            held = self._pending_handoff(conversation) if row is None and bot.holds_messages else ""
            if held:
                return await self._hold(bot, stored, held)
        welcomed = await self._welcome(bot, stored) if bot.welcome_message else ()
        async with self._places[bot.name], self._signs.during(stored.message):
            life = await self._resume(row, stored, Event("reply", stored.message.text)) if row else None
            if life is None:
                await self._forget_old(bot, stored)
                life = await self._interpreter.begin(bot.program, stored, work.run_id)
        answer = self._told(life)
        return structs.replace(answer, messages=(*welcomed, *answer.messages)) if welcomed else answer

    async def _decide(self, stored: Stored, button: Pressed) -> Answer:
        """A reviewer pressed a button of a handoff."""
        leaving = await decide(self._database, self._clock, stored, button)
        self._deliver([leaving])
        self.event_was_left()
        return Answer(run_id="", status="completed", messages=(leaving.message.text,))

    async def _go_on(self, work: Work) -> Life | None:
        """Wake, take up or end a run for a reason that is not a message; None if it did not need that."""
        if work.interrupted is not None:
            row = work.interrupted
            program = await self._program_of(row)
            return await self._climb(await self._interpreter.recover(program, work.stored, row))
        if work.alarm is not None:
            run, moment = work.alarm
            row = self._database.read(lambda connection: runs.get(connection, run))
            return await self._resume(row, work.stored, Event("until", moment))
        return await self._attend(work.event) if work.event else None

    async def _attend(self, event: EventRow) -> Life | None:
        if self._database.read(lambda connection: events.get(connection, event.seq)) is None:
            return None  # the run has taken it already
        row = self._database.read(lambda connection: runs.get(connection, event.run))
        stored = self._database.read(lambda connection: inbox.get(connection, row.dealing))
        if event.kind == "cancel":
            await self._cancel(event, row)
            return None
        if event.kind == "retry":
            return await self._retry(event, row, stored)
        life = await self._resume(row, stored, Event(event.kind, event.value), event.seq)  # type: ignore[arg-type]
        if life is None:
            await self._database.write(lambda connection: events.take(connection, event.seq))
        return life

    async def _resume(self, row: RunRow, stored: Stored, event: Event, taking: int = 0) -> Life | None:
        program = await self._program_of(row)
        life = await self._interpreter.resume(program, stored, row, event, taking)
        return await self._climb(life) if life else None

    async def _climb(self, life: Life) -> Life:
        """When a called run is over, its caller goes on; the one that is uppermost now."""
        while life.parent is not None and life.left_event:
            left, parent, stored = life.left_event, life.parent, life.stored
            row = self._database.read(lambda connection: runs.get(connection, parent))  # noqa: B023
            value = {"call": life.id, "text": life.result, "error": life.excuse}
            program = await self._program_of(row)
            caller = await self._interpreter.resume(program, stored, row, Event("returned", value), left)
            if caller is None:
                await self._database.write(lambda connection: events.take(connection, left))  # noqa: B023
                break
            caller.spoken = life.spoken + caller.spoken
            life = caller
        return life

    async def _cancel(self, event: EventRow, row: RunRow) -> None:
        now_ms, why = self._clock.now_ms(), str(event.value.get("why", "cancelled"))
        await self._database.write(lambda connection: ending.cancel(connection, row.seq, why, now_ms))
        await self._database.write(lambda connection: events.take(connection, event.seq))

    async def _retry(self, event: EventRow, row: RunRow, stored: Stored) -> Life | None:
        """value: {"again": true} to make what is in doubt again, or {"result": JSON} that it gave."""
        if not can_be_retried(row):
            await self._database.write(lambda connection: events.take(connection, event.seq))
            return None
        if "result" in event.value:
            result = {"value": event.value["result"], "text": "", "is_error": False}  # as tool calls are kept
            await self._database.write(lambda connection: steps.conclude(connection, row.seq, result))
        elif event.value.get("again"):
            await self._database.write(lambda connection: steps.doubt_nothing(connection, row.seq))
        program = await self._program_of(row)
        return await self._climb(await self._interpreter.retry(program, stored, row, event.seq))

    async def _catch_up(self, stored: Stored) -> None:
        """Before a message is dealt with, what was decided before it is."""
        conversation = stored.conversation
        left = self._database.read(lambda connection: events.in_conversation(connection, conversation))
        for event in left:
            async with self._places[stored.message.bot]:
                life = await self._attend(event)
            if life is not None:
                self._note_waits(life)

    def _pending_handoff(self, conversation: int) -> str:
        row = self._database.read(lambda connection: handoffs.pending_in(connection, conversation))
        return row.id if row else ""

    async def _hold(self, bot: LiveBot, stored: Stored, handoff: str) -> Answer:
        now_ms, text = self._clock.now_ms(), bot.pending_message
        leaving = await self._database.write(
            lambda connection: hold(connection, stored, handoff, text, now_ms)
        )
        if leaving is not None:
            self._deliver([leaving])
        reason = f"kept for the reviewer of handoff {handoff}"
        return Answer(run_id="", status="ignored", reason=reason, messages=(text,) if leaving else ())

    async def _tell_refused(self, stored: Stored) -> Answer:
        """Files that could not be kept; a message of nothing else starts nothing."""
        now_ms, reason = self._clock.now_ms(), "its files cannot be used"
        ends_here = not _has_anything_else(stored.message)

        def tell(connection: sqlite3.Connection) -> Leaving | None:
            if ends_here:
                inbox.ignore(connection, stored.seq, reason)
            return tell_refused(connection, stored, now_ms)

        leaving = await self._database.write(tell)
        if leaving is not None:
            self._deliver([leaving])
        messages = (leaving.message.text,) if leaving else ()
        return Answer(run_id="", status="ignored", reason=reason, messages=messages)

    async def _welcome(self, bot: LiveBot, stored: Stored) -> tuple[str, ...]:
        """Say the welcome on the first contact with a conversation; what was said."""
        now_ms, text = self._clock.now_ms(), bot.welcome_message
        leaving = await self._database.write(lambda connection: welcome(connection, stored, text, now_ms))
        if leaving is None:
            return ()
        self._deliver([leaving])
        return (text,)

    async def _start_over(self, stored: Stored) -> Answer:
        now_ms = self._clock.now_ms()
        leaving = await self._database.write(lambda connection: reset(connection, stored, now_ms))
        self.waiting.discard(stored.conversation)
        self._deliver([leaving])
        return Answer(run_id="", status="completed", messages=(leaving.message.text,))

    async def _forget_old(self, bot: LiveBot, stored: Stored) -> None:
        """After `ttl` without a message a conversation begins anew, unless something in it waits."""
        silence = stored.message.received_at - stored.previous_at
        if stored.previous_at and silence > bot.ttl_ms and stored.conversation not in self.waiting:
            await self._database.write(
                lambda connection: conversations.cut(connection, stored.conversation, stored.seq - 1)
            )

    async def _program_of(self, row: RunRow) -> Program:
        bot = await self._team.bot(row.bot)
        return bot.program_of(row.definition, self._database)

    def _told(self, life: Life) -> Answer:
        self._note_waits(life)
        return life.answer(self._clock.now_ms())

    def _note_waits(self, life: Life) -> None:
        """Remember where something waits, and that an alarm may have been set; the store knows it already."""
        conversation = life.stored.conversation
        if life.status is RunStatus.WAITING or life.has_scheduled:
            self.alarm_was_set.set()
        if life.status is RunStatus.WAITING:
            self.waiting.add(conversation)
        elif conversation in self.waiting and not self._database.read(
            lambda connection: runs.waiting_in(connection, conversation)
        ):
            self.waiting.discard(conversation)


def _has_anything_else(message: IncomingMessage) -> bool:
    """Whether there is something to answer beside files that were refused."""
    return bool(message.text.strip() or any(not one.refused for one in message.attachments))
