"""Alarms: runs that wait for a moment are woken when it comes, and nobody looks before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from botctl.clock import Clock
from botctl.runtime.router import Router
from botctl.store import runs
from botctl.store.database import Database

_PAUSE = 1.0


class Alarms:
    """Sleeps until the first moment that a run waits for, or until an earlier one is set."""

    def __init__(self, router: Router, database: Database, clock: Clock, bots: Sequence[str]) -> None:
        self._router = router
        self._database = database
        self._clock = clock
        self._bots = bots

    async def run(self) -> None:
        """Wake runs until cancelled. A run is woken before the next moment is looked for."""
        was_set = self._router.alarm_was_set
        while True:
            was_set.clear()
            alarm = self._database.read(lambda connection: runs.next_alarm(connection, self._bots))
            if alarm is None:
                await was_set.wait()
                continue
            run, moment = alarm
            seconds = (moment - self._clock.now_ms()) / 1000
            if seconds <= 0:
                answer = await self._router.ring(run, moment)
                if answer.status in ("error", "ignored"):
                    await self._clock.sleep(_PAUSE)  # if it could not be woken, do not try without a break
            else:
                await self._either(seconds, was_set)

    async def _either(self, seconds: float, was_set: asyncio.Event) -> None:
        waits = {asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(was_set.wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
