"""A world for the tests of Slack: payloads as Slack sends them, and connections to a fake of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from msgspec import structs

from botctl.messages import Attachment, Button, IncomingMessage, OutgoingMessage, Said, reply_to
from botctl.platforms.platform import ConnectionContext, Files
from botctl.platforms.slack import SlackSettings
from botctl.platforms.slack_connection import SlackConnection
from botctl.platforms.slack_signature import signature
from botctl.runtime.server import HttpServer
from tests.fakes.slack_server import APP_TOKEN, BOT_TOKEN, BOT_USER, SlackServer
from tests.platforms.world import NOW_MS, Desk, DeskReceipt, echo

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TS = "1767225600.000100"


def event(**changes: Any) -> dict[str, Any]:
    """A direct message (message.im), as the Events API sends it; None takes a field away."""
    fields = {
        "type": "message",
        "channel_type": "im",
        "channel": "D1",
        "user": "U1",
        "text": "hi",
        "ts": TS,
        "event_ts": TS,
        "team": "T1",
        "client_msg_id": "28bb7d27-1f0f-4a5c-9d4b-0b8a4e0d8e1c",
        **changes,
    }
    return {
        "token": "Vt",
        "team_id": "T1",
        "api_app_id": "A1",
        "type": "event_callback",
        "event_id": f"Ev{abs(hash(str(fields)))}",
        "event_time": 1767225600,
        "authorizations": [{"enterprise_id": None, "team_id": "T1", "user_id": BOT_USER, "is_bot": True}],
        "event": {name: value for name, value in fields.items() if value is not None},
    }


def in_channel(**changes: Any) -> dict[str, Any]:
    """A message in a public channel (message.channels)."""
    return event(**{"channel_type": "channel", "channel": "C1", **changes})


def mention(**changes: Any) -> dict[str, Any]:
    """An app_mention: it has no channel_type."""
    named = {"type": "app_mention", "text": f"<@{BOT_USER}> hi", "channel_type": None, "client_msg_id": None}
    return in_channel(**{**named, **changes})


def press(value: str = "yes", **changes: Any) -> dict[str, Any]:
    """A pressed button under a message of the bot in a thread."""
    return {
        "type": "block_actions",
        "user": {"id": "U1", "username": "ada", "name": "ada", "team_id": "T1"},
        "api_app_id": "A1",
        "token": "Vt",
        "container": {
            "type": "message",
            "message_ts": "1767225601.000200",
            "channel_id": "C1",
            "is_ephemeral": False,
            "thread_ts": TS,
        },
        "trigger_id": "10215325802133.3901254001572.2e2548aa918b35fd",
        "team": {"id": "T1", "domain": "acme"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": "C1", "name": "general"},
        "message": {"user": BOT_USER, "type": "message", "ts": "1767225601.000200", "thread_ts": TS},
        "state": {"values": {}},
        "response_url": "https://hooks.slack.com/actions/T1/1/x",
        "actions": [
            {
                "action_id": "button0",
                "block_id": "P0z+f",
                "text": {"type": "plain_text", "text": "Yes", "emoji": True},
                "value": value,
                "type": "button",
                "action_ts": "1767225630.289415",
            }
        ],
        **changes,
    }


def command(name: str = "/ask", text: str = "where is it?", **changes: str) -> dict[str, str]:
    """A slash command."""
    return {
        "token": "Vt",
        "team_id": "T1",
        "team_domain": "acme",
        "channel_id": "C1",
        "channel_name": "general",
        "user_id": "U1",
        "user_name": "ada",
        "command": name,
        "text": text,
        "api_app_id": "A1",
        "is_enterprise_install": "false",
        "response_url": "https://hooks.slack.com/commands/T1/1/x",
        "trigger_id": "13345224609.738474920.8088930838d88f008e0",
        **changes,
    }


def outgoing(
    text: str,
    *,
    id: str = "out1",
    channel: str = "D1",
    thread: str = "",
    buttons: tuple[Button, ...] = (),
    attachments: tuple[Attachment, ...] = (),
    reply: Mapping[str, Any] | None = None,
) -> OutgoingMessage:
    return OutgoingMessage(
        id=id,
        bot="support-bot",
        platform="slack",
        channel_id=channel,
        thread_id=thread,
        text=text,
        buttons=buttons,
        attachments=attachments,
        reply=reply or {},
    )


@dataclass
class SlackDesk(Desk):
    """A desk that writes the cursor down, and may break down right after it has stored a message."""

    cursor: str | None = None
    cursors: list[str | None] = field(default_factory=list)
    crashes: int = 0
    files: Files | None = None
    url: str = ""
    gate: asyncio.Event | None = None
    entered: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        super().__init__()

    @property
    def context(self) -> ConnectionContext:
        async def load_cursor() -> str | None:
            return self.cursor

        return structs.replace(
            super().context, load_cursor=load_cursor, files=self.files, webhook_url=self.url
        )

    async def accept(self, message: Any, cursor: str | None = None) -> DeskReceipt:
        self.entered.set()
        if self.gate is not None:
            await self.gate.wait()
        receipt = await super().accept(message, cursor)
        self.cursors.append(cursor)
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


def settings(server: SlackServer, **changes: Any) -> SlackSettings:
    fields = {"bot_token": BOT_TOKEN, "app_token": APP_TOKEN, "signing_secret": SECRET, **changes}
    return SlackSettings.model_validate({"base_url": server.base_url, **fields})


@asynccontextmanager
async def connected(desk: Desk, server: SlackServer) -> AsyncIterator[SlackConnection]:
    """A connection in Socket Mode, its socket open."""
    connection = SlackConnection(settings(server), desk.context, heartbeat=0.02)
    desk.connection = connection
    sockets = len(server.sockets)
    running = asyncio.create_task(connection.run())
    try:
        await server.open_sockets(sockets + 1)
        yield connection
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await connection.close()


@asynccontextmanager
async def talking(server: SlackServer, desk: Desk | None = None) -> AsyncIterator[SlackConnection]:
    """A connection that only sends."""
    connection = SlackConnection(settings(server), (desk or Desk()).context)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def listening(desk: Desk, server: SlackServer, **changes: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A connection by the Events API on a real server, and a client whose requests go to its webhook."""
    chosen = settings(server, **{"mode": "webhook", **changes})
    desk.connection = connection = SlackConnection(chosen, desk.context)
    places = {("support-bot", "slack"): connection}
    desk.server = http = HttpServer(host="127.0.0.1", port=0, connections=places, health=dict)
    await http.start()
    try:
        async with httpx.AsyncClient(base_url=http.url, trust_env=False, timeout=10) as client:
            yield client
    finally:
        await http.stop()
        await connection.close()


def signed(body: bytes, *, now_ms: int = NOW_MS, secret: str = SECRET, **headers: str) -> dict[str, str]:
    """The headers of a request of Slack's; more of them with _ for -."""
    timestamp = str(now_ms // 1000)
    return {
        "content-type": "application/json",
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": signature(secret, timestamp, body),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
