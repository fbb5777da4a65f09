"""The router: one conversation at a time in order of arrival, all conversations side by side."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Sequence
from functools import partial

from botctl.errors import BotctlError
from botctl.ids import new_id
from botctl.messages import Answer
from botctl.runtime.crew import Crew
from botctl.runtime.logs import bind
from botctl.runtime.turn import Turns, Work
from botctl.store import events, inbox, runs
from botctl.store.database import Database
from botctl.store.inbox import Stored
from botctl.store.runs import RunRow

logger = logging.getLogger(__name__)


class Router:
    """Lines up what came in. A conversation has a task only while there is work in it."""

    def __init__(self, turns: Turns, database: Database, runners: Sequence[str]) -> None:
        """runners: the bots whose runs are this process's."""
        self._turns = turns
        self._database = database
        self._runners = runners
        self._queues: dict[int, deque[Work]] = {}
        self._under_way: dict[int, Work] = {}
        self._last_event = 0
        self.crew = Crew()
        turns.event_was_left = self.attend

    def enqueue(self, stored: Stored) -> Work:
        """Work on a stored message when those before it in its conversation are done."""
        woken = self._turns.woken_by_message(stored.conversation)
        work = Work(stored=stored, run_id=woken.id if woken else new_id(), future=_future())
        self._under_way[stored.seq] = work
        self._line_up(work)
        return work

    def ring(self, run: int, moment: int) -> asyncio.Future[Answer]:
        """Wake a run whose moment has come, when what is before it in its conversation is done."""
        row = self._database.read(lambda connection: runs.get(connection, run))
        stored = self._database.read(lambda connection: inbox.get(connection, row.dealing))
        work = Work(stored=stored, run_id=row.id, future=_future(), alarm=(run, moment))
        self._line_up(work)
        return work.future

    def attend(self) -> None:
        """Line up the events that were left for runs since the last time this was called."""
        after = self._last_event
        left = self._database.read(lambda connection: events.pending(connection, self._runners, after))
        for event in left:
            self._last_event = event.seq
            row = self._database.read(lambda connection, run=event.run: runs.look_up(connection, run))  # type: ignore[misc]
            if row is None:
                continue
            stored = self._database.read(
                lambda connection, seq=row.dealing: inbox.get(connection, seq)  # type: ignore[misc]
            )
            self._line_up(Work(stored=stored, run_id=row.id, future=_future(), event=event))

    def under_way(self, seq: int) -> Work | None:
        """The work over a message that is being worked on, or waits for that."""
        return self._under_way.get(seq)

    def recover(self, bot: str) -> int:
        """Take up what a former life of this process left behind: runs it died in, and messages. How many."""
        read = self._database.read
        self._turns.waiting |= read(lambda connection: runs.waiting_conversations(connection, bot))
        interrupted = read(lambda connection: runs.unfinished(connection, bot))
        left: list[tuple[Stored, RunRow | None]] = [
            (read(lambda connection, seq=row.dealing: inbox.get(connection, seq)), row)  # type: ignore[misc]
            for row in interrupted
        ]
        begun = {row.dealing for row in interrupted}
        pending = read(lambda connection: inbox.pending(connection, bot))
        left += [(stored, None) for stored in pending if stored.seq not in begun]
        left.sort(key=lambda one: (one[0].seq, one[1].seq if one[1] else 0))
        for stored, row in left:
            if row is None:
                self.enqueue(stored)
                continue
            work = Work(stored=stored, run_id=row.id, future=_future(), interrupted=row)
            self._under_way.setdefault(stored.seq, work)
            self._line_up(work)
        return len(left)

    def _line_up(self, work: Work) -> None:
        conversation = work.stored.conversation
        queue = self._queues.get(conversation)
        if queue is not None:
            queue.append(work)
        else:
            self._queues[conversation] = deque((work,))
            self._start(conversation)

    def _start(self, conversation: int) -> None:
        task = self.crew.start(self._converse(conversation))
        task.add_done_callback(partial(self._look_after, conversation))

    def _look_after(self, conversation: int, task: asyncio.Task[None]) -> None:
        """A bug over one message is told, and the next message has its turn."""
        if task.cancelled() or task.exception() is None:
            return
        told = "a message was not dealt with; it is taken up at the next start"
        logger.error(told, exc_info=task.exception())
        if conversation in self._queues:
            self._start(conversation)

    async def _converse(self, conversation: int) -> None:
        queue = self._queues[conversation]
        bind(bot=queue[0].stored.message.bot, conversation=conversation)
        while queue:
            work = queue[0]
            answer = Answer(run_id=work.run_id, status="error", error="internal error")
            try:
                answer = await self._turns.take(work)
            except BotctlError as error:  # the definition it is pinned to can no longer be read
                logger.error("run %s cannot go on: %s", work.run_id, error.message)
                answer = Answer(run_id=work.run_id, status="error", error=error.message)
            except sqlite3.Error as error:
                logger.error(
                    "the state could not be written: %s; the message is taken up at the next start", error
                )
                answer = Answer(run_id="", status="error", error="the state could not be written")
            finally:
                if self._under_way.get(work.stored.seq) is work:
                    del self._under_way[work.stored.seq]
                queue.popleft()
                if not queue:
                    del self._queues[conversation]
                if not work.future.done():
                    work.future.set_result(answer)


def _future() -> asyncio.Future[Answer]:
    return asyncio.get_running_loop().create_future()
