"""A world for the tests of Telegram: updates as Telegram sends them, and connections to a fake of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
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
    """A desk that writes the cursor down, and may break down right after it has stored a message."""

    def __init__(self) -> None:
        super().__init__()
        self.cursor: str | None = None
        self.crashes = 0
        self.files: Files | None = None
        self.may_take_over = False

    @property
    def context(self) -> ConnectionContext:
        async def load_cursor() -> str | None:
            return self.cursor

        return structs.replace(
            super().context, load_cursor=load_cursor, files=self.files, may_take_over=self.may_take_over
        )

    async def accept(self, message: Any, cursor: str | None = None) -> DeskReceipt:
        receipt = await super().accept(message, cursor)
        self.cursor = cursor or self.cursor
        if self.crashes:
            self.crashes -= 1
            raise RuntimeError("killed right after it was stored")
        return receipt

    async def _work(self, message: IncomingMessage, receipt: DeskReceipt) -> None:
        answer = echo(message)
        for text in answer.messages:
            await self.send(reply_to(message, Said(text=text), f"out-{message.dedupe_key}"))
        receipt.future.set_result(answer)

    @property
    def offset(self) -> int | None:
        """What is committed."""
        return json.loads(self.cursor)["offset"] if self.cursor else None


def settings(server: TelegramServer, **changes: Any) -> TelegramSettings:
    return TelegramSettings.model_validate({"token": TOKEN, "base_url": server.url, **changes})


@asynccontextmanager
async def polling(desk: TelegramDesk, server: TelegramServer) -> AsyncIterator[asyncio.Task[None]]:
    """A connection that polls; its task."""
    connection = TelegramConnection(settings(server), desk.context)
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
    )
