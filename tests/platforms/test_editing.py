"""Messages that are edited: the parts that are there say something else, what goes beyond them is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from msgspec import structs

from botctl.messages import IncomingMessage, OutgoingMessage
from botctl.platforms.platform import Editor, SendError
from tests.fakes.discord_server import DiscordServer
from tests.fakes.slack_server import SlackServer
from tests.fakes.telegram_server import TelegramServer
from tests.platforms import discord_world, slack_world, telegram_world

Seen = Callable[[], list[str]]
World = Callable[[], AbstractAsyncContextManager[tuple[Editor, OutgoingMessage, Seen]]]


@asynccontextmanager
async def telegram() -> AsyncIterator[tuple[Editor, OutgoingMessage, Seen]]:
    async with TelegramServer() as server:
        desk = telegram_world.TelegramDesk()
        async with telegram_world.connected(desk, server) as connection:
            yield connection, telegram_world.outgoing("So far"), lambda: [one["text"] for one in server.sent]


@asynccontextmanager
async def discord() -> AsyncIterator[tuple[Editor, OutgoingMessage, Seen]]:
    async with DiscordServer() as server:
        server.channels["77"] = []
        connection = discord_world.connection(server, discord_world.DiscordDesk())
        try:
            said = discord_world.to_discord("So far")
            yield connection, said, lambda: [one["content"] for one in server.sent]
        finally:
            await connection.close()


@asynccontextmanager
async def slack() -> AsyncIterator[tuple[Editor, OutgoingMessage, Seen]]:
    async with SlackServer() as server, slack_world.talking(server) as connection:

        def seen() -> list[str]:
            posted = [one["text"] for one in server.posted()]
            edited = [one["text"] for one in server.posted("chat.update")]
            return [*edited[-1:], *posted[1:]] if edited else posted

        yield connection, slack_world.outgoing("So far"), seen


every = pytest.mark.parametrize(
    ("world", "longest"),
    [(telegram, 4096), (discord, 2000), (slack, 4000)],
    ids=["telegram", "discord", "slack"],
)


@every
def test_a_draft_becomes_the_whole_answer_in_its_place(world: World, longest: int) -> None:
    async def whole() -> Any:
        async with world() as (connection, message, seen):
            first = await connection.send(message)
            grown = structs.replace(message, text="So far so good")
            again = await connection.edit(grown, first)
            same = await connection.edit(grown, again)
            between = seen()
            long = structs.replace(message, text="a" * longest + "b")
            return first, again, same, between, await connection.edit(long, first), seen()

    first, again, same, between, ids, seen = asyncio.run(whole())

    assert (again, same, between) == (first, first, ["So far so good"])
    assert (len(ids), ids[:1], seen) == (2, first, ["a" * longest, "b"])


@every
def test_a_draft_that_is_gone_is_to_be_sent_anew(world: World, longest: int) -> None:
    async def whole() -> bool:
        async with world() as (connection, message, _):
            with pytest.raises(SendError) as caught:
                await connection.edit(message, ("9999999",))
            return caught.value.permanent

    assert asyncio.run(whole())


@pytest.mark.parametrize(
    ("world", "reply"),
    [(discord, {"token": "t"}), (slack, {"response_url": "https://hooks.example/1"})],
    ids=["discord", "slack"],
)
def test_what_is_said_by_a_token_cannot_be_edited(world: World, reply: dict[str, str]) -> None:
    async def whole() -> tuple[bool, bool]:
        async with world() as (connection, _, _):
            message = IncomingMessage(
                bot="b", platform="p", dedupe_key="1", channel_id="c", user_id="u", text="hi", received_at=1
            )
            return connection.can_edit(message), connection.can_edit(structs.replace(message, reply=reply))

    assert asyncio.run(whole()) == (True, False)
