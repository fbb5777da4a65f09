"""A world for platform tests: a desk that accepts messages and answers them, as the runtime would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
from msgspec import structs

from botctl.messages import Answer, Button, IncomingMessage, OutgoingMessage, Purpose
from botctl.platforms.custom import CUSTOM, CustomSettings
from botctl.platforms.platform import Connection, ConnectionContext, SendError
from botctl.runtime.server import HttpServer

NOW_MS = 1_767_225_600_000


@dataclass
class DeskReceipt:
    duplicate: bool
    run_id: str
    future: asyncio.Future[Answer]

    async def answer(self) -> Answer:
        return await asyncio.shield(self.future)


class Desk:
    """Accepts messages for one connection. Each is answered by `reply`, once `open` is set; what it says is
    handed to the connection before the answer is known, or with `late` after it, once that is set."""

    def __init__(self, reply: Callable[[IncomingMessage], Answer] | None = None) -> None:
        self.accepted: list[IncomingMessage] = []
        self.sent: list[tuple[str, ...]] = []
        self.lost: list[SendError] = []
        self.connection: Connection | None = None
        self.server: HttpServer | None = None
        self.buttons: tuple[Button, ...] = ()
        self.open = asyncio.Event()
        self.open.set()
        self.arrived = asyncio.Event()
        self.late: asyncio.Event | None = None
        self.now = NOW_MS
        self._reply = reply or echo
        self._by_key: dict[str, DeskReceipt] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def context(self) -> ConnectionContext:
        async def no_cursor() -> str | None:
            return None

        return ConnectionContext(
            bot="support-bot", accept=self.accept, now_ms=lambda: self.now, load_cursor=no_cursor
        )

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.accepted]

    async def accept(self, message: IncomingMessage, cursor: str | None = None) -> DeskReceipt:
        await asyncio.sleep(0)
        first = self._by_key.get(message.dedupe_key) if message.dedupe_key else None
        if first is not None:
            return replace(first, duplicate=True)
        self.accepted.append(message)
        self.arrived.set()
        receipt = DeskReceipt(False, f"run{len(self.accepted)}", asyncio.get_running_loop().create_future())
        self._by_key[message.dedupe_key] = receipt
        task = asyncio.create_task(self._work(message, receipt))
        self._tasks.add(task)
        return receipt

    async def settle(self) -> None:
        """Wait for all work to be done."""
        await asyncio.gather(*self._tasks)

    async def _work(self, message: IncomingMessage, receipt: DeskReceipt) -> None:
        await self.open.wait()
        answer = structs.replace(self._reply(message), run_id=receipt.run_id)
        if self.late is not None:
            receipt.future.set_result(answer)
            await self.late.wait()
        for text in answer.messages:
            await self.send(outgoing(text, reply=message.reply, buttons=self.buttons))
        if self.late is None:
            receipt.future.set_result(answer)

    async def send(self, message: OutgoingMessage) -> None:
        """Hand a message over, as the outbox does."""
        assert self.connection is not None
        try:
            self.sent.append(await self.connection.send(message))
        except SendError as error:
            self.lost.append(error)


def echo(message: IncomingMessage) -> Answer:
    return Answer(run_id="", status="completed", messages=(f"you said {message.text}",), tokens=3)


def two(message: IncomingMessage) -> Answer:
    return Answer(run_id="", status="completed", messages=("one", "two"))


def outgoing(
    text: str,
    *,
    reply: Mapping[str, Any] | None = None,
    buttons: tuple[Button, ...] = (),
    purpose: Purpose = "reply",
) -> OutgoingMessage:
    return OutgoingMessage(
        id="out1",
        bot="support-bot",
        platform="custom",
        channel_id="c",
        user_id="u",
        text=text,
        buttons=buttons,
        reply=reply or {},
        purpose=purpose,
    )


@asynccontextmanager
async def served(desk: Desk, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """The custom platform of a bot on a real server, and a client whose requests go to its webhook."""
    desk.connection = CUSTOM.connect(CustomSettings(**settings), desk.context)
    places = {("support-bot", "custom"): desk.connection}
    server = HttpServer(host="127.0.0.1", port=0, connections=places, health=dict)
    desk.server = server
    await server.start()
    try:
        async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=10) as client:
            yield client
    finally:
        await server.stop()
        await desk.connection.close()


PATH = "/webhooks/support-bot/custom"


def body(**changes: Any) -> dict[str, Any]:
    """What a program posts; None takes a field away."""
    fields = {"text": "hi", "userId": "u1", "channelId": "c1", **changes}
    return {name: value for name, value in fields.items() if value is not None}
