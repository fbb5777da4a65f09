"""A world for Discord: its fake server, a desk that keeps cursors, and payloads as Discord writes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import structs

from botctl.clock import StandingClock
from botctl.messages import Answer, IncomingMessage, OutgoingMessage
from botctl.platforms.discord import DISCORD, DiscordSettings
from botctl.platforms.discord_connection import DiscordConnection
from botctl.platforms.platform import ConnectionContext
from botctl.runtime.files import MessageFiles
from botctl.runtime.server import HttpServer
from tests.fakes.discord_forms import APPLICATION, ME, PUBLIC_KEY
from tests.fakes.discord_server import TOKEN, DiscordServer
from tests.platforms.world import NOW_MS, Desk, DeskReceipt, outgoing

ADA = {"id": "5", "username": "ada_l", "global_name": "Ada", "discriminator": "0", "avatar": None}


class DiscordDesk(Desk):
    """cursor: what was stored last. failing: how many messages are stored without that being told."""

    def __init__(self, reply: Callable[[IncomingMessage], Answer] | None = None) -> None:
        super().__init__(reply)
        self.cursor: str | None = None
        self.failing = 0
        self.channel = "77"
        self._outgoing = 0
        self.channels: list[str] = []
        self.may_take_over = False
        self.files: MessageFiles | None = None

    @property
    def context(self) -> ConnectionContext:
        async def load_cursor() -> str | None:
            return self.cursor

        return structs.replace(
            super().context,
            load_cursor=load_cursor,
            known_channels=lambda: self.channels,
            files=self.files,
            may_take_over=self.may_take_over,
            webhook_url="https://bots.example/webhooks/support-bot/discord",
        )

    async def accept(self, message: IncomingMessage, cursor: str | None = None) -> DeskReceipt:
        receipt = await super().accept(message, cursor)
        if self.failing:
            self.failing -= 1
            raise OSError("the disk is full")
        self.cursor = cursor or self.cursor
        if message.channel_id not in self.channels:
            self.channels.append(message.channel_id)
        return receipt

    async def until(self, count: int) -> None:
        """Wait until so many messages were accepted."""
        async with asyncio.timeout(10):
            while len(self.accepted) < count:
                self.arrived.clear()
                await self.arrived.wait()

    async def send(self, message: OutgoingMessage) -> None:
        """Like the outbox: each message has an id of its own. All go to one channel."""
        self._outgoing += 1
        await super().send(structs.replace(message, id=f"out{self._outgoing}", channel_id=self.channel))

    def keep_files(self, folder: Path, largest: int = 1000) -> None:
        self.files = MessageFiles(folder, StandingClock(), largest=largest, types=["image/*", "text/plain"])


def connection(server: DiscordServer, desk: Desk, **settings: Any) -> DiscordConnection:
    """A bot's connection to the fake server."""
    written = {"token": TOKEN, "base_url": server.url, "public_key": PUBLIC_KEY, **settings}
    made = DISCORD.connect(DiscordSettings(**written), desk.context)
    assert isinstance(made, DiscordConnection)
    desk.connection = made
    server.now = NOW_MS // 1000
    return made


@asynccontextmanager
async def receiving(server: DiscordServer, desk: Desk, **settings: Any) -> AsyncIterator[asyncio.Task[None]]:
    """A bot that receives over the gateway, from when it is ready; its `run`, as a task."""
    made = connection(server, desk, **settings)
    sessions = len(server.intents)
    running = asyncio.create_task(made.run())
    try:
        await server.until(lambda: len(server.intents) > sessions or running.done())
        yield running
    finally:
        desk.open.set()
        await desk.settle()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await made.close()


@asynccontextmanager
async def listening(server: DiscordServer, desk: Desk, **settings: Any) -> AsyncIterator[str]:
    """A bot behind a real HTTP server; the address of its endpoint."""
    made = connection(server, desk, **{"mode": "webhook", **settings})
    http = HttpServer(host="127.0.0.1", port=0, connections={("support-bot", "discord"): made}, health=dict)
    await http.start()
    try:
        yield f"{http.url}/webhooks/support-bot/discord"
    finally:
        await http.stop()
        await made.close()


def message(id: str = "1001", content: str = "hi", channel: str = "77", **changes: Any) -> dict[str, Any]:
    """A message as the gateway brings it; a direct one, unless there is a guild_id."""
    return {
        "id": id,
        "type": 0,
        "channel_id": channel,
        "content": content,
        "author": ADA,
        "timestamp": "2026-01-01T00:00:00.000000+00:00",
        "edited_timestamp": None,
        "mentions": [],
        "mention_roles": [],
        "mention_everyone": False,
        "attachments": [],
        "embeds": [],
        "pinned": False,
        "tts": False,
        **changes,
    }


def mention(id: str, content: str = f"<@{ME}> hi", channel: str = "88") -> dict[str, Any]:
    """A message in a server that mentions the bot."""
    return message(id, content, channel, guild_id="3", mentions=[{"id": ME, "username": "helper"}])


def command(name: str, id: str = "2001", token: str = "tok", **options: Any) -> dict[str, Any]:
    """A command in a direct channel, as both ways bring it."""
    given = [{"name": option, "type": 3, "value": value} for option, value in options.items()]
    return {
        "id": id,
        "type": 2,
        "version": 1,
        "application_id": APPLICATION,
        "token": token,
        "channel_id": "77",
        "context": 1,
        "user": ADA,
        "data": {"id": "1", "name": name, "type": 1, "options": given},
    }


def press(value: str, id: str = "2002", token: str = "tok") -> dict[str, Any]:
    """A button that was pressed in a server."""
    return {
        "id": id,
        "type": 3,
        "version": 1,
        "application_id": APPLICATION,
        "token": token,
        "channel_id": "88",
        "guild_id": "3",
        "member": {"user": ADA, "nick": "Countess", "roles": []},
        "data": {"custom_id": value, "component_type": 2},
        "message": {"id": "5000"},
    }


def to_discord(text: str, **changes: Any) -> OutgoingMessage:
    """A message of ours to the direct channel."""
    return structs.replace(outgoing(text), platform="discord", channel_id="77", **changes)
