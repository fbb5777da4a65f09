"""The typing sign: shown in a chat while an answer takes time, where the platform has one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from botctl.messages import IncomingMessage
from botctl.platforms.platform import Connection, Typist

PATIENCE = 0.5
"""Seconds after which an answer takes time: most are there sooner, and then nothing is shown."""
REPEAT = 4.0
"""Seconds after which it is shown again: Telegram's sign lasts 5 (Bot API 10.1, 2026-06)."""


class TypingSigns:
    """Shows it on whatever connection a message came by."""

    def __init__(self, connections: Mapping[tuple[str, str], Connection]) -> None:
        self._connections = connections

    @asynccontextmanager
    async def during(self, message: IncomingMessage) -> AsyncIterator[None]:
        """Show it for as long as the block takes."""
        connection = self._connections.get((message.bot, message.platform))
        if not isinstance(connection, Typist):
            yield
            return
        showing = asyncio.create_task(_show(connection, message.channel_id, message.thread_id))
        try:
            yield
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)


async def _show(connection: Typist, channel_id: str, thread_id: str) -> None:
    await asyncio.sleep(PATIENCE)
    while True:
        await connection.typing(channel_id, thread_id)
        await asyncio.sleep(REPEAT)
