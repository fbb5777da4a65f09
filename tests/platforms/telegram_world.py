"""A world for the tests of Telegram: updates as Telegram sends them, and connections to a fake of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from msgspec import structs

from botctl.messages import Attachment, Button, IncomingMessage, OutgoingMessage, Said, reply_to
from botctl.platforms.platform import ConnectionContext, Files
from botctl.platforms.telegram import TelegramSettings
from botctl.platforms.telegram_connection import TelegramConnection
from tests.fakes.telegram_server import TOKEN, TelegramServer
from tests.platforms.world import Desk, DeskReceipt, echo

ADA = {"id": 7, "is_bot": False, "first_name": "Ada", "last_name": "L"}
PRIVATE = {"id": 7, "type": "private", "first_name": "Ada"}
GROUP = {"id": -1001, "type": "supergroup", "title": "Shop"}


def update(number: int, **message: Any) -> dict[str, Any]:
    """A message in a private chat; None takes a field away."""
    fields = {"message_id": number, "from": ADA, "chat": PRIVATE, "date": 1, "text": "hi", **message}
    kept = {name: value for name, value in fields.items() if value is not None}
    return {"update_id": 5000 + number, "message": kept}


def press(number: int, data: str = "yes", **changes: Any) -> dict[str, Any]:
    """A pressed button below a message of the bot."""
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": data}]]}
    below = {"message_id": 1, "chat": PRIVATE, "date": 1, "text": "Sure?", "reply_markup": keyboard}
    query = {"id": f"q{number}", "from": ADA, "message": below, "chat_instance": "1", "data": data, **changes}
    return {"update_id": 5000 + number, "callback_query": query}


class TelegramDesk(Desk):
    """A desk that writes the cursor down, and may break down right after it has stored a message.

    pauses: the seconds that the connection waited. moves: what it told of groups that have grown.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cursor: str | None = None
        self.crashes = 0
        self.files: Files | None = None
        self.may_take_over = False
        self.pauses: list[float] = []
        self.moves: list[tuple[str, str]] = []
        self.webhook_url = ""

    @property
    def context(self) -> ConnectionContext:
        async def load_cursor() -> str | None:
            return self.cursor

        async def channel_moved(old: str, new: str) -> None:
            self.moves.append((old, new))

        return structs.replace(
            super().context,
            load_cursor=load_cursor,
            files=self.files,
            may_take_over=self.may_take_over,
            channel_moved=channel_moved,
            webhook_url=self.webhook_url,
        )

    async def sleep(self, seconds: float) -> None:
        """No time passes; it is written down that it would have."""
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    async def accept(self, message: Any, cursor: str | None = None) -> DeskReceipt:
        receipt = await super().accept(message, cursor)
        self.cursor = cursor or self.cursor
        if self.crashes:
            self.crashes -= 1
            raise RuntimeError("killed right after it was stored")
        return receipt

    async def _work(self, message: IncomingMessage, receipt: DeskReceipt) -> None:
        answer = echo(message)
        for text in answer.messages if message.text else ():
            await self.send(reply_to(message, Said(text=text), f"out-{message.dedupe_key}"))
        receipt.future.set_result(answer)

    @property
    def offset(self) -> int | None:
        """What is committed."""
        return json.loads(self.cursor)["offset"] if self.cursor else None


def settings(server: TelegramServer | None, **changes: Any) -> TelegramSettings:
    """Settings for a server; None takes one away."""
    fields = {"token": TOKEN, **({"base_url": server.url} if server else {}), **changes}
    return TelegramSettings.model_validate({name: one for name, one in fields.items() if one is not None})


@asynccontextmanager
async def polling(desk: TelegramDesk, server: TelegramServer) -> AsyncIterator[asyncio.Task[None]]:
    """A connection that polls; its task."""
    connection = TelegramConnection(settings(server), desk.context, sleep=desk.sleep)
    desk.connection = connection
    running = asyncio.create_task(connection.run())
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await connection.close()


def outgoing(
    text: str,
    *,
    id: str = "out1",
    channel: str = "7",
    thread: str = "",
    buttons: tuple[Button, ...] = (),
    attachments: tuple[Attachment, ...] = (),
    reply: dict[str, Any] | None = None,
) -> OutgoingMessage:
    return OutgoingMessage(
        id=id,
        bot="support-bot",
        platform="telegram",
        channel_id=channel,
        thread_id=thread,
        text=text,
        buttons=buttons,
        attachments=attachments,
        reply=reply or {},
    )


def play(story: Callable[[TelegramServer, TelegramDesk], Awaitable[Any]]) -> Any:
    """A story with a server and a desk, at most ten seconds long."""

    async def whole() -> Any:
        async with TelegramServer() as server, asyncio.timeout(10):
            return await story(server, TelegramDesk())

    return asyncio.run(whole())


async def sent(server: TelegramServer, number: int) -> list[str]:
    """The texts that were sent, once there are so many."""
    await server.wait_until(lambda: len(server.sent) >= number)
    return [one["text"] for one in server.sent]


@asynccontextmanager
async def connected(
    desk: TelegramDesk, server: TelegramServer, **changes: Any
) -> AsyncIterator[TelegramConnection]:
    """A connection that only sends."""
    connection = TelegramConnection(settings(server, **changes), desk.context, sleep=desk.sleep)
    desk.connection = connection
    try:
        yield connection
    finally:
        await connection.close()
