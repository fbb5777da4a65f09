"""The router: one conversation at a time in order of arrival, all conversations side by side."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, structs

from botctl.clock import Clock
from botctl.engine.interpreter import Interpreter
from botctl.engine.life import Life
from botctl.engine.run import RunStatus
from botctl.errors import BotctlError
from botctl.execution.outcome import Event
from botctl.ids import new_id
from botctl.messages import Answer
from botctl.runtime.bot import LiveBot
from botctl.runtime.crew import Crew
from botctl.runtime.greeting import is_reset, reset, welcome
from botctl.store import inbox, runs
from botctl.store.database import Database
from botctl.store.inbox import Stored
from botctl.store.outbox import Leaving
from botctl.store.runs import RunRow

logger = logging.getLogger(__name__)


class Work(Struct, frozen=True):
    """One thing to do in a conversation: a message, the run that the process died in over it, or a run whose
    moment has come (`alarm`: its number and the moment).

    run_id is known before the run exists; future is its end.
    """

    stored: Stored
    interrupted: RunRow | None
    run_id: str
    future: asyncio.Future[Answer]
    alarm: tuple[int, int] | None = None


class Router:
    """Hands stored messages to the engine. A conversation has a task only while there is work in it."""

    def __init__(
        self,
        bots: Mapping[str, LiveBot],
        interpreter: Interpreter,
        database: Database,
        clock: Clock,
        deliver: Callable[[Sequence[Leaving]], None],
    ) -> None:
        """deliver is given what the router itself has to say, once it is on disk."""
        self._bots = bots
        self._interpreter = interpreter
        self._database = database
        self._clock = clock
        self._deliver = deliver
        self._queues: dict[int, deque[Work]] = {}
        self._under_way: dict[int, Work] = {}
        self._awaiting: set[int] = set()  # conversations with a run that the next message wakes
        self.alarm_was_set = asyncio.Event()
        self.crew = Crew()
        self._places = {name: asyncio.Semaphore(bot.concurrent_runs) for name, bot in bots.items()}

    def enqueue(self, stored: Stored, interrupted: RunRow | None = None) -> Work:
        """Work on a stored message when those before it in its conversation are done."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        woken = None if interrupted else self._awaiting_in(stored.conversation)
        run_id = interrupted.id if interrupted else woken.id if woken else new_id()
        work = Work(stored, interrupted, run_id, future)
        self._under_way[stored.seq] = work
        self._line_up(work)
        return work

    def ring(self, run: int, moment: int) -> asyncio.Future[Answer]:
        """Wake a run whose moment has come, when what is before it in its conversation is done."""
        row = self._database.read(lambda connection: runs.get(connection, run))
        stored = self._database.read(lambda connection: inbox.get(connection, row.message))
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._line_up(Work(stored, None, row.id, future, (run, moment)))
        return future

    def _line_up(self, work: Work) -> None:
        conversation = work.stored.conversation
        queue = self._queues.get(conversation)
        if queue is not None:
            queue.append(work)
        else:
            self._queues[conversation] = deque((work,))
            self.crew.start(self._converse(conversation))

    def _awaiting_in(self, conversation: int) -> RunRow | None:
        """The run that the next message of a conversation wakes. Asks the store only if there may be one."""
        if conversation not in self._awaiting:
            return None
        return self._database.read(lambda connection: runs.awaiting_reply(connection, conversation))

    def under_way(self, seq: int) -> Work | None:
        """The work over a message that is being worked on, or waits for that."""
        return self._under_way.get(seq)

    def recover(self, bot: str) -> int:
        """Take up what a former life of this process left behind: runs it died in, and messages. How many."""
        self._awaiting |= self._database.read(lambda connection: runs.awaiting_conversations(connection, bot))
        interrupted = {
            row.dealing: row
            for row in self._database.read(lambda connection: runs.unfinished(connection, bot))
        }
        left = self._database.read(lambda connection: inbox.pending(connection, bot))
        known = {stored.seq for stored in left}
        for seq in interrupted.keys() - known:
            left.append(self._database.read(lambda connection, seq=seq: inbox.get(connection, seq)))  # type: ignore[misc]
        left.sort(key=lambda stored: stored.seq)
        for stored in left:
            self.enqueue(stored, interrupted.get(stored.seq))
        return len(left)

    async def _converse(self, conversation: int) -> None:
        queue = self._queues[conversation]
        while queue:
            work = queue[0]
            try:
                answer = await self._work_on(work)
            except BotctlError as error:  # the definition it is pinned to can no longer be read
                logger.error("run %s cannot go on: %s", work.run_id, error.message)
                answer = Answer(run_id=work.run_id, status="error", error=error.message)
            except sqlite3.Error as error:
                logger.error(
                    "the state could not be written: %s; the message is taken up at the next start", error
                )
                answer = Answer(run_id="", status="error", error="the state could not be written")
            finally:
                if work.alarm is None:
                    self._under_way.pop(work.stored.seq, None)
                queue.popleft()
                if not queue:
                    del self._queues[conversation]
            if not work.future.done():
                work.future.set_result(answer)

    async def _work_on(self, work: Work) -> Answer:
        stored = work.stored
        bot = self._bots[stored.message.bot]
        reason = "" if work.interrupted or work.alarm else bot.reason_to_ignore(stored.message)
        if reason:
            await self._database.write(lambda connection: inbox.ignore(connection, stored.seq, reason))
            return Answer(run_id="", status="ignored", reason=reason)
        if is_reset(stored.message) and not (work.interrupted or work.alarm):
            return await self._start_over(stored)
        welcomed = await self._welcome(bot, stored) if bot.welcome_message else ()
        async with self._places[stored.message.bot]:
            life = await self._live(bot, work)
        if life is None:
            return Answer(
                run_id=work.run_id, status="ignored", reason="the run does not wait for this any more"
            )
        self._note_waits(life)
        answer = life.answer(self._clock.now_ms())
        return structs.replace(answer, messages=(*welcomed, *answer.messages)) if welcomed else answer

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
        self._awaiting.discard(stored.conversation)
        self._deliver([leaving])
        return Answer(run_id="", status="completed", messages=(leaving.message.text,))

    async def _live(self, bot: LiveBot, work: Work) -> Life | None:
        """Recover, wake or start a run; None if its moment came when it did not wait for it any more."""
        row, stored = work.interrupted, work.stored
        if row is not None:
            return await self._interpreter.recover(
                bot.program_of(row.definition, self._database), stored, row
            )
        if work.alarm is not None:
            run, moment = work.alarm
            row = self._database.read(lambda connection: runs.get(connection, run))
            program = bot.program_of(row.definition, self._database)
            return await self._interpreter.resume(program, stored, row, Event("until", moment))
        row = self._awaiting_in(stored.conversation)
        if row is not None:
            program = bot.program_of(row.definition, self._database)
            life = await self._interpreter.resume(program, stored, row, Event("reply", stored.message.text))
            if life is not None:
                return life
        return await self._interpreter.begin(bot.program, stored, work.run_id)

    def _note_waits(self, life: Life) -> None:
        """Remember what wakes a run that was put away; the store knows it already."""
        conversation = life.stored.conversation
        if life.status is RunStatus.WAITING:
            self._awaiting.add(conversation)
            self.alarm_was_set.set()
        elif conversation in self._awaiting and self._awaiting_in(conversation) is None:
            self._awaiting.discard(conversation)
