"""The timetable: whatever has a moment (waiting runs, schedules, handoffs) is seen to when it comes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence

from botctl.clock import Clock
from botctl.engine.notice import reminder
from botctl.engine.orders import MOST_TRANSCRIPT, decision_buttons, tell
from botctl.messages import OutgoingMessage
from botctl.nodes.schedule_message import next_occurrence
from botctl.runtime.router import Router
from botctl.store import conversations, handoffs, outbox, runs, schedules
from botctl.store.database import Database
from botctl.store.outbox import Leaving

_LONGEST_SLEEP = 60.0  # the machine's clock may be set while we sleep
_PAUSE = 1.0


class Timetable:
    """Sleeps until the first moment that anything has, or until an earlier one was set."""

    def __init__(
        self,
        router: Router,
        database: Database,
        clock: Clock,
        bots: Sequence[str],
        was_set: asyncio.Event,
        deliver: Callable[[Sequence[Leaving]], None],
        mask: Callable[[str], str],
        dashboard: str = "",
    ) -> None:
        """was_set: whoever writes a moment sets it afterwards. mask takes secrets out of reminders.
        dashboard: its address, for reminders."""
        self._mask = mask
        self._dashboard = dashboard
        self._router = router
        self._database = database
        self._clock = clock
        self._bots = bots
        self._was_set = was_set
        self._deliver = deliver

    async def run(self) -> None:
        """See to things until cancelled. A run is woken before the next moment is looked for."""
        while True:
            self._was_set.clear()
            moment = self._database.read(self._first_moment)
            if moment is None:
                await self._was_set.wait()
                continue
            seconds = (moment - self._clock.now_ms()) / 1000
            if seconds > 0:
                await self._sleep(min(seconds, _LONGEST_SLEEP))
                continue
            await self._see_to()

    def _first_moment(self, connection: sqlite3.Connection) -> int | None:
        alarm = runs.next_alarm(connection, self._bots)
        moments = (
            alarm[1] if alarm else None,
            schedules.next_due(connection, self._bots),
            handoffs.next_moment(connection, self._bots),
        )
        return min((moment for moment in moments if moment is not None), default=None)

    async def _see_to(self) -> None:
        now_ms = self._clock.now_ms()
        leaving = await self._database.write(lambda connection: self._fall_due(connection, now_ms))
        self._deliver(leaving)
        self._router.attend()  # a handoff that expired is a decision, too
        alarm = self._database.read(lambda connection: runs.next_alarm(connection, self._bots))
        if alarm is not None and alarm[1] <= now_ms:
            answer = await self._router.ring(*alarm)
            if answer.status in ("error", "ignored"):
                await self._clock.sleep(_PAUSE)  # if it could not be woken, do not try without a break

    def _fall_due(self, connection: sqlite3.Connection, now_ms: int) -> list[Leaving]:
        """Say what is to be said now, once; let handoffs expire, and remind their reviewers."""
        leaving = [
            self._say(connection, row, now_ms) for row in schedules.due(connection, self._bots, now_ms)
        ]
        handoffs.expire_due(connection, self._bots, now_ms)
        for row in handoffs.remind_due(connection, self._bots, now_ms):
            whom = [*row.notify, *row.escalate]
            buttons = decision_buttons(row.id)
            said = conversations.transcript(connection, row.conversation, MOST_TRANSCRIPT)
            key = conversations.key_of(connection, row.conversation)
            where = f"{key.platform} {key.channel_id}, {key.user_id}"
            text = self._mask(reminder(row, said, row.bot, where, self._dashboard))
            senders = (row.bot, row.runner)
            leaving += tell(connection, senders, whom, text, now_ms, run=row.run, buttons=buttons)
        return leaving

    def _say(self, connection: sqlite3.Connection, row: schedules.ScheduleRow, now_ms: int) -> Leaving:
        message = OutgoingMessage(
            id=f"{row.id}-{row.next_at}",
            bot=row.bot,
            platform=row.platform,
            channel_id=row.channel_id,
            user_id=row.user_id,
            thread_id=row.thread_id,
            text=row.text,
            purpose="scheduled",
        )
        # What was missed while nobody ran is said once, not once per missed time.
        next_at = next_occurrence(row.every, row.timezone, now_ms) if row.every else None
        schedules.said(connection, row.seq, next_at, now_ms)
        conversation = row.conversation if row.user_id else None
        return outbox.add(
            connection, message, said_by="order", conversation=conversation, run=row.run, now_ms=now_ms
        )

    async def _sleep(self, seconds: float) -> None:
        waits = {
            asyncio.ensure_future(self._clock.sleep(seconds)),
            asyncio.ensure_future(self._was_set.wait()),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
