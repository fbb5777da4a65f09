"""A world for WhatsApp's tests: a bot's webhook on a real server, and a Graph API that it calls over HTTP."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from msgspec import structs

from botctl.clock import SystemClock
from botctl.messages import Answer, IncomingMessage, OutgoingMessage
from botctl.platforms.platform import Accept
from botctl.platforms.whatsapp import WHATSAPP, WhatsappSettings
from botctl.platforms.whatsapp_connection import WhatsappConnection
from botctl.runtime.files import MessageFiles
from botctl.runtime.server import HttpServer
from tests.fakes.graph_server import NUMBER, TOKEN, GraphServer
from tests.platforms.world import Desk

PATH = "/webhooks/support-bot/whatsapp"
PAYLOADS = Path(__file__).parent / "payloads"
VECTORS = json.loads((PAYLOADS / "whatsapp_vectors.json").read_text())
SECRET = "app-secret"
PERSON = "US.13491208655302741918"
PHONE = "16505551234"


def payload(name: str) -> Any:
    """A recorded webhook."""
    return json.loads((PAYLOADS / "whatsapp" / f"{name}.json").read_text())


def webhook(*messages: dict[str, Any], number: str = NUMBER, **more: Any) -> dict[str, Any]:
    """A webhook that brings these messages of one person; what they do not say is as in the recorded ones."""
    whole = payload("text")
    value = whole["entry"][0]["changes"][0]["value"]
    first = value["messages"][0]
    base = {name: first[name] for name in ("id", "timestamp", "from", "from_user_id")}
    value["messages"] = [base | {"id": f"wamid.{n}"} | one for n, one in enumerate(messages)]
    value["metadata"]["phone_number_id"] = number
    value.update(more)
    return whole  # type: ignore[no-any-return]


def text(body: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": {"body": body}, **more}


def settings(**changes: Any) -> WhatsappSettings:
    given = {
        "phone_number_id": NUMBER,
        "access_token": TOKEN,
        "verify_token": "vt",
        "app_secret": SECRET,
        "base_url": "http://127.0.0.1:1",
    }
    return WhatsappSettings.model_validate(given | changes)


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass
class World:
    """One bot on WhatsApp, and what surrounds it."""

    desk: Desk
    graph: GraphServer
    connection: WhatsappConnection
    client: httpx.AsyncClient
    url: str
    folder: Path | None
    last: dict[str, int] = field(default_factory=dict)
    cursors: list[str | None] = field(default_factory=list)

    async def post(self, document: Any, **headers: str) -> httpx.Response:
        """Send a webhook as Meta does: with escapes, and signed."""
        body = json.dumps(document).encode()
        return await self.client.post(
            PATH, content=body, headers={"x-hub-signature-256": signature(body), **headers}
        )

    async def send(self, said: str, **more: Any) -> tuple[str, ...]:
        return await self.connection.send(outgoing(said, **more))


def outgoing(said: str, **more: Any) -> OutgoingMessage:
    fields = {"id": "out1", "channel_id": PERSON, "user_id": PERSON, **more}
    return OutgoingMessage(bot="support-bot", platform="whatsapp", text=said, **fields)


def silent(message: IncomingMessage) -> Answer:
    return Answer(run_id="", status="completed")


@asynccontextmanager
async def whatsapp(
    folder: Path | None = None,
    *,
    desk: Desk | None = None,
    accept: Accept | None = None,
    cursor: str | None = None,
    largest: int = 1_000_000,
    webhook_url: str = "",
    **changes: Any,
) -> AsyncIterator[World]:
    """The world, switched on. folder: where files are kept. The person has just written, unless `last` is
    changed."""
    desk = desk or Desk(silent)
    cursors: list[str | None] = []
    last = {PERSON: desk.now - 1000}
    inner = accept or desk.accept

    async def load_cursor() -> str | None:
        return cursor

    async def accepting(message: Any, cursor: str | None = None) -> Any:
        cursors.append(cursor)
        return await inner(message, cursor)

    files = None
    if folder is not None:
        files = MessageFiles(folder, SystemClock(), largest=largest, types=["image/*", "application/pdf"])
    context = structs.replace(
        desk.context,
        accept=accepting,
        load_cursor=load_cursor,
        files=files,
        last_message_at=lambda channel, user: last.get(channel) if channel == user else None,
        webhook_url=webhook_url,
    )
    async with GraphServer() as graph:
        connection = WHATSAPP.connect(settings(base_url=graph.url, **changes), context)
        assert isinstance(connection, WhatsappConnection)
        places = {("support-bot", "whatsapp"): connection}
        server = HttpServer(host="127.0.0.1", port=0, connections=places, health=dict)
        await server.start()
        try:
            async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=10) as client:
                yield World(
                    desk, graph, connection, client, server.url + PATH, folder, last=last, cursors=cursors
                )
        finally:
            desk.open.set()
            await desk.settle()
            await server.stop()
            await connection.close()
