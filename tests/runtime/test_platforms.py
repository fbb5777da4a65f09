"""All platforms through the whole app: a message that comes twice, late or again after a restart is answered
once; strangers are refused; a reply goes to where it belongs."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from botctl.clock import SystemClock
from botctl.project.load import load_bot, load_project_file
from botctl.runtime.app import App
from botctl.secrets import Environment
from tests.fakes import telegram_server
from tests.fakes.graph_server import NUMBER, GraphServer
from tests.fakes.graph_server import TOKEN as GRAPH_TOKEN
from tests.fakes.slack_server import BOT_TOKEN, SlackServer
from tests.fakes.telegram_server import TelegramServer
from tests.platforms import slack_world, telegram_world, whatsapp_world
from tests.runtime.world import ECHO


@dataclass(frozen=True)
class Side:
    """A platform's other end: what stands in bot.yaml, how message `n` looks, what was said so far."""

    name: str
    section: str
    secrets: dict[str, str]
    request: Callable[[int], tuple[bytes, dict[str, str]]]
    said: Callable[[], list[str]]


@asynccontextmanager
async def _telegram() -> AsyncIterator[Side]:
    async with TelegramServer() as server:
        secret = hmac.new(telegram_server.TOKEN.encode(), b"botctl webhook", hashlib.sha256).hexdigest()

        def request(number: int) -> tuple[bytes, dict[str, str]]:
            headers = {"x-telegram-bot-api-secret-token": secret}
            return json.dumps(telegram_world.update(number, text=f"m{number}")).encode(), headers

        section = f"{{mode: webhook, token: '${{TOKEN}}', base_url: '{server.url}'}}"
        yield Side(
            "telegram",
            section,
            {"TOKEN": telegram_server.TOKEN},
            request,
            lambda: [str(one["text"]) for one in server.sent],
        )


@asynccontextmanager
async def _slack() -> AsyncIterator[Side]:
    async with SlackServer() as server:

        def request(number: int) -> tuple[bytes, dict[str, str]]:
            body = json.dumps(slack_world.event(text=f"m{number}", ts=f"1767225600.{number:06}")).encode()
            return body, slack_world.signed(body, now_ms=time.time_ns() // 1_000_000)

        section = (
            "{mode: webhook, bot_token: '${TOKEN}', signing_secret: '${SECRET}',"
            f" base_url: '{server.base_url}'}}"
        )
        yield Side(
            "slack",
            section,
            {"TOKEN": BOT_TOKEN, "SECRET": slack_world.SECRET},
            request,
            lambda: [str(sent["text"]) for method, sent in server.calls if method == "chat.postMessage"],
        )


@asynccontextmanager
async def _whatsapp() -> AsyncIterator[Side]:
    async with GraphServer() as server:

        def request(number: int) -> tuple[bytes, dict[str, str]]:
            message = whatsapp_world.text(f"m{number}", id=f"wamid.{number}")
            body = json.dumps(whatsapp_world.webhook(message)).encode()
            return body, {"x-hub-signature-256": whatsapp_world.signature(body)}

        section = (
            f"{{phone_number_id: '{NUMBER}', access_token: '${{TOKEN}}', verify_token: '${{VERIFY}}',"
            f" app_secret: '${{SECRET}}', base_url: '{server.url}'}}"
        )
        secrets = {"TOKEN": GRAPH_TOKEN, "VERIFY": "vt", "SECRET": whatsapp_world.SECRET}
        yield Side(
            "whatsapp", section, secrets, request, lambda: [one["text"]["body"] for one in server.sent]
        )


SIDES = {"telegram": _telegram, "slack": _slack, "whatsapp": _whatsapp}


def _app(folder: Path, side: Side) -> App:
    bot = folder / "bots" / "b"
    bot.mkdir(parents=True, exist_ok=True)
    (bot / "bot.yaml").write_text(
        f"name: b\nworkflow: workflow.yaml\nplatforms: {{{side.name}: {side.section}}}\n"
    )
    (bot / "workflow.yaml").write_text(ECHO)
    (folder / "botctl.yaml").write_text("server: {port: 0}\n")
    environment = Environment(side.secrets)
    project = load_project_file(folder, environment)
    loaded, diagnostics = load_bot(project, "b", environment)
    assert loaded is not None, diagnostics
    return App(project, [loaded], environment, clock=SystemClock())


async def _posted(app: App, side: Side, *numbers: int, **changed: str) -> set[int]:
    """Bring these messages, in this order; the statuses."""
    assert app.server is not None, app.off
    statuses = set()
    async with httpx.AsyncClient(base_url=app.server.url, trust_env=False, timeout=10) as client:
        for number in numbers:
            body, headers = side.request(number)
            response = await client.post(
                f"/webhooks/b/{side.name}", content=body, headers={**headers, **changed}
            )
            statuses.add(response.status_code)
    return statuses


@pytest.mark.parametrize("name", SIDES)
def test_what_comes_twice_or_out_of_order_is_answered_once_also_across_a_restart(
    name: str, tmp_path: Path
) -> None:
    async def story() -> tuple[set[int], list[str]]:
        async with SIDES[name]() as side, asyncio.timeout(20):
            async with _app(tmp_path, side) as app:
                statuses = await _posted(app, side, 2, 1, 2, 1, 2)
                await app.settle()
            async with _app(tmp_path, side) as app:
                statuses |= await _posted(app, side, 1, 2, 3)
                await app.settle()
            return statuses, side.said()

    statuses, said = asyncio.run(story())

    assert (statuses, said) == ({200}, ["you said m2", "you said m1", "you said m3"])


@pytest.mark.parametrize("name", SIDES)
def test_a_stranger_is_refused_and_counted(name: str, tmp_path: Path) -> None:
    async def story() -> tuple[set[int], dict[str, Any], list[str]]:
        async with SIDES[name]() as side, asyncio.timeout(20), _app(tmp_path, side) as app:
            _, headers = side.request(1)
            wrong = dict.fromkeys(
                (one for one in headers if one.startswith("x-") and "time" not in one), "v0=00"
            )
            statuses = await _posted(app, side, 1, 2, **wrong)
            assert app.server is not None
            async with httpx.AsyncClient(base_url=app.server.url, trust_env=False) as client:
                health = (await client.get("/healthz")).json()
            return statuses, health["refused"], side.said()

    statuses, refused, said = asyncio.run(story())

    assert (statuses, refused, said) == ({401}, {f"b/{name}": 2}, [])


def test_a_message_that_whatsapp_took_and_could_not_bring_becomes_a_dead_letter(tmp_path: Path) -> None:
    async def story() -> list[tuple[str, str]]:
        async with _whatsapp() as side, asyncio.timeout(20), _app(tmp_path, side) as app:
            await _posted(app, side, 1)
            await app.settle()
            query = "SELECT id, sent_ids FROM outbox"
            id, sent = app.database.read(lambda connection: connection.execute(query).fetchone())
            failed = whatsapp_world.payload("status_failed_24h")
            value = failed["entry"][0]["changes"][0]["value"]
            value["metadata"]["phone_number_id"] = NUMBER
            value["statuses"][0] |= {"id": json.loads(sent)[0], "biz_opaque_callback_data": id}
            body = json.dumps(failed).encode()
            assert app.server is not None
            async with httpx.AsyncClient(base_url=app.server.url, trust_env=False) as client:
                headers = {"x-hub-signature-256": whatsapp_world.signature(body)}
                await client.post("/webhooks/b/whatsapp", content=body, headers=headers)
            query = "SELECT status, error FROM outbox"
            return app.database.read(lambda connection: connection.execute(query).fetchall())

    told = asyncio.run(story())

    assert [status for status, _ in told] == ["dead"]
    assert told[0][1].startswith("whatsapp could not deliver it: ")
