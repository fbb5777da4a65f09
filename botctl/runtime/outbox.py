"""Delivery: what the outbox holds is sent, first in first out per channel, until the platform has it."""

from __future__ import annotations

import logging
import random
from collections import deque
from collections.abc import Mapping, Sequence

from botctl.clock import Clock
from botctl.platforms.platform import Connection, SendError
from botctl.runtime.crew import Crew
from botctl.store import outbox
from botctl.store.database import Database
from botctl.store.outbox import Leaving

logger = logging.getLogger(__name__)

Lane = tuple[str, str, str]
"""(bot, platform, channel): messages of one lane never overtake each other."""

MOST_ATTEMPTS = 8
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 300.0


class Delivery:
    """Sends what left the engine. A lane has a task only while there is something in it."""

    def __init__(
        self, connections: Mapping[tuple[str, str], Connection], database: Database, clock: Clock
    ) -> None:
        self._connections = connections
        self._database = database
        self._clock = clock
        self._lanes: dict[Lane, deque[Leaving]] = {}
        self.crew = Crew()

    def deliver(self, leaving: Sequence[Leaving]) -> None:
        """Send these after what is already in their lanes."""
        for one in leaving:
            message = one.message
            lane = (message.bot, message.platform, message.channel_id)
            queue = self._lanes.get(lane)
            if queue is not None:
                queue.append(one)
                continue
            if (message.bot, message.platform) not in self._connections:
                continue  # its platform is off: the row waits for a start with it
            self._lanes[lane] = deque((one,))
            self.crew.start(self._empty(lane))

    def recover(self, bot: str) -> int:
        """Send what a former life of this process left behind. How many messages that is."""
        left = self._database.read(lambda connection: outbox.pending(connection, bot))
        self.deliver(left)
        return len(left)

    async def _empty(self, lane: Lane) -> None:
        queue = self._lanes[lane]
        connection = self._connections[lane[:2]]
        try:
            while queue:
                await self._send(connection, queue[0])
                queue.popleft()
        finally:
            del self._lanes[lane]

    async def _send(self, connection: Connection, leaving: Leaving) -> None:
        attempts = leaving.attempts
        while True:
            pause = await self._attempt(connection, leaving, attempts)
            if pause is None:
                return
            attempts += 1
            await self._clock.sleep(pause)

    async def _attempt(self, connection: Connection, leaving: Leaving, attempts: int) -> float | None:
        """Try once; the seconds to wait before the next try, None when there is none."""
        seq = leaving.seq
        try:
            ids = await connection.send(leaving.message)
        except SendError as error:
            what = error.message
            if error.permanent or attempts + 1 >= MOST_ATTEMPTS:
                logger.warning("message %s became a dead letter: %s", leaving.message.id, what)
                await self._database.write(lambda connection: outbox.dead(connection, seq, what))
                return None
            back_off = min(_FIRST_PAUSE * 2**attempts, _LONGEST_PAUSE) * random.uniform(0.75, 1.25)
            pause = error.retry_after if error.retry_after is not None else back_off
            next_at = self._clock.now_ms() + round(pause * 1000)
            await self._database.write(lambda connection: outbox.again(connection, seq, next_at, what))
            return pause
        now = self._clock.now_ms()
        await self._database.write(lambda connection: outbox.sent(connection, seq, ids, now))
        return None
