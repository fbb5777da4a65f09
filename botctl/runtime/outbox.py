"""Delivery: what the outbox holds is sent, first in first out per channel, until the platform has it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from msgspec import structs

from botctl.clock import Clock
from botctl.messages import OutgoingMessage
from botctl.platforms import PLATFORMS
from botctl.platforms.platform import Editor, InMemory, SendError
from botctl.runtime.crew import Crew
from botctl.runtime.logs import bind
from botctl.runtime.pace import Paces
from botctl.runtime.senders import EMAIL, Sender, Senders
from botctl.runtime.telemetry import Traffic
from botctl.store import conversations, outbox
from botctl.store.database import Database
from botctl.store.outbox import Leaving

logger = logging.getLogger(__name__)

Lane = tuple[str, str, str]
"""(bot, platform, channel): messages of one lane never overtake each other."""

MOST_ATTEMPTS = 8
_LIMITS = {platform.name: platform.limits for platform in PLATFORMS}
HASTE = 1.0
"""Seconds after which a message that is still on its way lets those to other channels go."""
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 300.0


@asynccontextmanager
async def _alone(place: asyncio.Semaphore) -> AsyncIterator[None]:
    """One message at a time leaves to a platform, from its first byte until it is noted as sent, so that a
    crash repeats one reply at most. What takes longer than HASTE lets others go on meanwhile."""
    is_held = True

    def give_back() -> None:
        nonlocal is_held
        if is_held:
            is_held = False
            place.release()

    await place.acquire()
    timer = asyncio.get_running_loop().call_later(HASTE, give_back)
    try:
        yield
    finally:
        timer.cancel()
        give_back()


class Delivery:
    """Sends what left the engine. A lane has a task only while there is something in it."""

    def __init__(self, senders: Senders, database: Database, clock: Clock, traffic: Traffic) -> None:
        self._senders = senders
        self._traffic = traffic
        self._database = database
        self._clock = clock
        self._lanes: dict[Lane, deque[Leaving]] = {}
        self._found: set[int] = set()
        self._paces = Paces()
        self._places: dict[tuple[str, str], asyncio.Semaphore] = {}
        self.crew = Crew()

    def deliver(self, leaving: Sequence[Leaving]) -> None:
        """Send these after what is already in their lanes."""
        for one in leaving:
            if one.seq in self._found:
                continue  # `look` was quicker than the one who wrote it
            message = one.message
            lane = (message.bot, message.platform, message.channel_id)
            queue = self._lanes.get(lane)
            if queue is not None:
                queue.append(one)
                continue
            sender = self._senders.find(message.bot, message.platform)
            if sender is None and message.platform == EMAIL:
                self.crew.start(self._bury(one, "no mail server is set (`smtp` in botctl.yaml)"))
                continue
            if sender is None:
                continue  # its platform is off: the row waits for a start with it
            self._lanes[lane] = deque((one,))
            self.crew.start(self._empty(lane, sender))

    def is_sending(self, message: OutgoingMessage) -> bool:
        """Whether something to the same channel is on its way."""
        return (message.bot, message.platform, message.channel_id) in self._lanes

    def recover(self, bot: str) -> int:
        """Send what a former life of this process left behind. How many messages that is."""
        left = self._database.read(lambda connection: outbox.pending(connection, bot))
        self.deliver(left)
        return len(left)

    def look(self, bots: Sequence[str]) -> None:
        """Send what other processes put into the outbox of these bots, or put back into it."""
        known = {one.seq for queue in self._lanes.values() for one in queue}
        for bot in bots:
            left = self._database.read(lambda connection, bot=bot: outbox.pending(connection, bot))  # type: ignore[misc]
            found = [one for one in left if one.seq not in known]
            self._found.difference_update(one.seq for one in found)
            self.deliver(found)
            self._found.update(one.seq for one in found)

    async def _bury(self, leaving: Leaving, why: str) -> None:
        """Make a dead letter of it: it can never leave as things are."""
        logger.warning("message %s became a dead letter: %s", leaving.message.id, why)
        await self._database.write(lambda connection: outbox.dead(connection, leaving.seq, why))
        self._traffic.dead(leaving.message)

    async def _empty(self, lane: Lane, sender: Sender) -> None:
        bind(bot=lane[0], platform=lane[1])
        queue = self._lanes[lane]
        in_memory = isinstance(sender, InMemory) and sender.sends_in_memory
        place = None if in_memory else self._places.setdefault(lane[:2], asyncio.Semaphore(1))
        try:
            while queue:
                await self._keep_pace(lane, queue[0])
                await self._send(sender, place, queue[0])
                queue.popleft()
        finally:
            del self._lanes[lane]

    async def _keep_pace(self, lane: Lane, leaving: Leaving) -> None:
        """Wait until this one may leave: by the platform's pace, or by what it said in an earlier life."""
        now_ms = self._clock.now_ms()
        limits = _LIMITS.get(lane[1])
        pause = max(0.0, (leaving.next_at - now_ms) / 1000)
        if limits is not None:
            pause = max(pause, self._paces.pause(lane, limits.per_chat, now_ms / 1000))
            pause = max(pause, self._paces.pause(lane[:2], limits.per_message, now_ms / 1000))
        if pause > 0:
            await self._clock.sleep(pause)

    async def _send(self, sender: Sender, place: asyncio.Semaphore | None, leaving: Leaving) -> None:
        attempts = leaving.attempts
        while True:
            if place is None:
                pause = await self._attempt(sender, leaving, attempts)
            else:
                async with _alone(place):
                    pause = await self._attempt(sender, leaving, attempts)
            attempts += 1
            if isinstance(pause, Leaving):
                leaving = pause
                continue
            if pause is None:
                return
            await self._clock.sleep(pause)

    async def _follow(self, leaving: Leaving, channel: str) -> Leaving:
        """The channel has another id now (a group that grew): all that is about it goes along."""
        message = leaving.message
        old = message.channel_id
        await self._database.write(
            lambda connection: conversations.move(connection, message.bot, message.platform, old, channel)
        )
        return structs.replace(leaving, message=structs.replace(message, channel_id=channel))

    async def _attempt(self, sender: Sender, leaving: Leaving, attempts: int) -> float | Leaving | None:
        """Try once; the seconds to wait before the next try, None when there is none, or what is to be sent
        instead at once."""
        seq = leaving.seq
        try:
            if leaving.sent_ids and isinstance(sender, Editor):
                ids = await sender.edit(leaving.message, leaving.sent_ids)
            else:
                ids = await sender.send(leaving.message)
        except SendError as error:
            what = error.message
            if leaving.sent_ids and error.permanent:
                return structs.replace(leaving, sent_ids=())  # its draft is gone, or too old to be edited
            if error.migrate_to and attempts + 1 < MOST_ATTEMPTS:
                return await self._follow(leaving, error.migrate_to)
            if error.permanent or attempts + 1 >= MOST_ATTEMPTS:
                await self._bury(leaving, what)
                return None
            back_off = min(_FIRST_PAUSE * 2**attempts, _LONGEST_PAUSE) * random.uniform(0.75, 1.25)
            pause = error.retry_after if error.retry_after is not None else back_off
            next_at = self._clock.now_ms() + round(pause * 1000)
            await self._database.write(lambda connection: outbox.again(connection, seq, next_at, what))
            self._traffic.retried(leaving.message)
            return pause
        now = self._clock.now_ms()
        await self._database.write(lambda connection: outbox.sent(connection, seq, ids, now))
        self._traffic.sent(leaving.message)
        return None
