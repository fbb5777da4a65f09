"""A world for identity providers: a server over loopback that judges requests, and deliveries to carry."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Self

from msgspec import Struct

from botctl.clock import SystemClock
from botctl.identity.provider import Delivery, IdentityProvider

CODE = "048213"
TOKEN = "kX3vTq9ZbN0mRw7LpD2s"
LINK = f"https://bots.example.com/verify/{TOKEN}"
EMAIL = "anna@customer.test"
PHONE = "+4915112345678"


class Request(Struct, frozen=True):
    """What arrived. target: path and query; headers: by lower-case name."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


class Reply(Struct, frozen=True):
    """What is answered. document: JSON, or a text that is sent as it is."""

    status: int
    document: Any = None
    headers: dict[str, str] = {}


Judge = Callable[[Request], Reply]


class ProviderServer:
    """A server on a free port. What it answers is up to `judge`; without one it is silent."""

    def __init__(self, judge: Judge | None) -> None:
        self.requests: list[Request] = []
        self._judge = judge
        self._over = asyncio.Event()
        self._serving: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        await asyncio.gather(*self._serving)
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        except asyncio.IncompleteReadError:  # the other side thought better of it
            writer.close()
            self._serving.discard(task)
            return
        method, target, _ = head[0].split(" ")
        pairs = [line.partition(": ") for line in head[1:] if line]
        headers = {name.lower(): value for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        request = Request(method, target, headers, body)
        self.requests.append(request)
        if self._judge is None:
            await self._over.wait()
        else:
            writer.write(_written(self._judge(request)))
            await writer.drain()
        writer.close()
        self._serving.discard(task)


def _written(reply: Reply) -> bytes:
    text = reply.document if isinstance(reply.document, str) else json.dumps(reply.document)
    body = text.encode()
    headers = {"content-type": "application/json", "content-length": str(len(body)), **reply.headers}
    lines = [f"HTTP/1.1 {reply.status} Said", "connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def code_for(contact: str, **changes: Any) -> Delivery:
    """A code on its way to a contact."""
    fields = {"id": "dlv0000001", "contact": contact, "minutes": 10, "code": CODE, "sender": "Support"}
    return Delivery(contact_type="email" if "@" in contact else "phone", **{**fields, **changes})


def link_for(contact: str, **changes: Any) -> Delivery:
    """A link on its way to a contact."""
    return code_for(contact, code="", link=LINK, **changes)


async def carry(provider: IdentityProvider, settings: dict[str, Any], *deliveries: Delivery) -> list[str]:
    """Carry deliveries, one after the other, with one carrier; their ids."""
    carrier = provider.connect(provider.settings.model_validate(settings), SystemClock())
    try:
        return [await carrier.carry(delivery) for delivery in deliveries]
    finally:
        await carrier.close()
