"""Drafts: an answer shown while it is written, as one message that is edited, where the platform can.

The row in the outbox and the platform's id of the message are there before the first edit, so that the whole
answer takes the place of the draft also after a crash. A draft that cannot be shown is no fault: the answer
comes as it always does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from msgspec import structs

from botctl.clock import Clock
from botctl.engine.life import Life
from botctl.execution.step import Draft
from botctl.ids import new_id
from botctl.messages import OutgoingMessage, Said, reply_to
from botctl.platforms import PLATFORMS
from botctl.platforms.platform import Connection, Editor, SendError
from botctl.runtime.outbox import Delivery
from botctl.store import outbox
from botctl.store.database import Database
from botctl.store.outbox import Leaving

logger = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds before anything is shown: most answers are whole by then."""
PAUSE = 2.0
"""Seconds between two edits, which count as messages with most platforms; Telegram takes 20 a minute in a
group (its FAQ for bots, 2026), so that one answer may be edited for half of that time."""
FEWEST = 24
"""Letters that are worth showing."""
MOST_EDITS = 10
_LIMITS = {platform.name: platform.limits for platform in PLATFORMS}


class Drafts:
    """Makes drafts for the runs of the connections that can edit."""

    def __init__(
        self,
        connections: Mapping[tuple[str, str], Connection],
        database: Database,
        clock: Clock,
        delivery: Delivery,
    ) -> None:
        self._connections = connections
        self._database = database
        self._clock = clock
        self._delivery = delivery

    def of(self, life: Life) -> Draft | None:
        """The draft of what a run will say; None where nothing can be edited, or somebody else says it."""
        message = life.stored.message
        connection = self._connections.get((message.bot, message.platform))
        if life.parent is not None or not isinstance(connection, Editor) or not connection.can_edit(message):
            return None
        return _ShownDraft(life, connection, self._database, self._clock, self._delivery)


class _ShownDraft:
    """One draft. It is shown by a task of its own, so that a slow platform never holds a model up."""

    def __init__(
        self, life: Life, connection: Editor, database: Database, clock: Clock, delivery: Delivery
    ) -> None:
        self._life = life
        self._connection = connection
        self._database = database
        self._clock = clock
        self._delivery = delivery
        self._text = ""
        self._leaving: Leaving | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_looked_for = False

    def grow(self, text: str) -> None:
        """See `Draft.grow`."""
        self._text = text
        if self._task is None:
            self._task = asyncio.create_task(self._show())

    async def close(self) -> str:
        """See `Draft.close`."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()  # what is on its way to the platform is let arrive
            await asyncio.gather(task, return_exceptions=True)
        leaving = self._found()
        return leaving.message.id if leaving is not None and leaving.sent_ids else ""

    def _found(self) -> Leaving | None:
        """The draft of this run, which a former life of the process may have left."""
        if not self._is_looked_for:
            self._is_looked_for = True
            self._leaving = self._database.read(lambda connection: outbox.draft(connection, self._life.seq))
        return self._leaving

    async def _show(self) -> None:
        shown = ""
        await self._clock.sleep(PATIENCE)
        for _ in range(MOST_EDITS):
            text = self._text.strip()
            limits = _LIMITS[self._life.stored.message.platform]
            if len(text.encode("utf-16-le")) // 2 > limits.text:
                return
            if text != shown and len(text) >= FEWEST:
                putting = asyncio.ensure_future(self._put(text))
                try:
                    is_shown = await asyncio.shield(putting)
                except asyncio.CancelledError:
                    await putting
                    raise
                if not is_shown:
                    return
                shown = text
            await self._clock.sleep(PAUSE)

    async def _put(self, text: str) -> bool:
        """Show this much; whether more may be shown later."""
        leaving = self._found() or await self._begin(text)
        message = structs.replace(leaving.message, text=text)
        if not leaving.sent_ids and self._delivery.is_sending(message):
            return False  # something said earlier must be there first
        try:
            if leaving.sent_ids:
                ids = await self._connection.edit(message, leaving.sent_ids)
            else:
                ids = await self._connection.send(message)
        except SendError as error:
            logger.debug("a draft of run %s is not shown: %s", self._life.id, error.message)
            return False
        if ids != leaving.sent_ids:
            seq = leaving.seq
            await self._database.write(lambda connection: outbox.drafted(connection, seq, ids))
        self._leaving = Leaving(leaving.seq, message, sent_ids=ids)
        return True

    async def _begin(self, text: str) -> Leaving:
        stored = self._life.stored
        message: OutgoingMessage = reply_to(stored.message, Said(text=text), new_id())
        now_ms = self._clock.now_ms()
        self._leaving = await self._database.write(
            lambda connection: outbox.add_draft(
                connection, message, conversation=stored.conversation, run=self._life.seq, now_ms=now_ms
            )
        )
        return self._leaving
