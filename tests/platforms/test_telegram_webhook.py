"""Telegram's webhooks on a real server: the secret, what is acknowledged, and what is stored."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from botctl.platforms.telegram_connection import TelegramConnection
from botctl.runtime.server import HttpServer
from tests.fakes.telegram_server import TelegramServer
from tests.platforms.telegram_world import TelegramDesk, play, press, settings, update

SECRET_HEADER = "x-telegram-bot-api-secret-token"
PATH = "/webhooks/support-bot/telegram"


@asynccontextmanager
async def listening(
    desk: TelegramDesk, server: TelegramServer
) -> AsyncIterator[tuple[httpx.AsyncClient, dict[str, str]]]:
    """A connection in webhook mode on a real server; a client, and the headers that Telegram would send."""
    connection = TelegramConnection(settings(server, mode="webhook"), desk.context)
    desk.connection = connection
    places = {("support-bot", "telegram"): connection}
    http = HttpServer(host="127.0.0.1", port=0, connections=places, health=dict)
    await http.start()
    await connection.run()
    await connection.register("https://bots.example.com/webhooks/support-bot/telegram")
    try:
        async with httpx.AsyncClient(base_url=http.url, trust_env=False) as client:
            yield client, {SECRET_HEADER: server.webhook["secret_token"]}
    finally:
        await http.stop()
        await connection.close()


def test_webhooks_are_stored_once_however_often_and_in_whatever_order_they_come() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        statuses = set()
        async with listening(desk, server) as (client, headers):
            for number in (2, 1, 2, 1, 1):
                got = await client.post(PATH, json=update(number, text=str(number)), headers=headers)
                statuses.add((got.status_code, got.text))
            await desk.settle()
        return statuses, desk.texts, [one["text"] for one in server.sent]

    assert play(story) == ({(200, "{}")}, ["2", "1"], ["you said 2", "you said 1"])


def test_a_press_is_answered_in_the_same_breath() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with listening(desk, server) as (client, headers):
            got = await client.post(PATH, json=press(1, "yes"), headers=headers)
            return got.json(), desk.accepted[0].button_value

    answer = {"method": "answerCallbackQuery", "callback_query_id": "q1"}
    assert play(story) == (answer, "yes")


def test_a_thousand_wrong_secrets_are_refused() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        chance = random.Random(3)
        async with listening(desk, server) as (client, headers):
            secret, statuses = headers[SECRET_HEADER], set()
            for _ in range(1000):
                wrong = _tampered(secret, chance)
                sent = [(SECRET_HEADER.encode(), wrong)]
                statuses.add((await client.post(PATH, json=update(1), headers=sent)).status_code)
            missing = (await client.post(PATH, json=update(1))).status_code
        connection = desk.connection
        assert isinstance(connection, TelegramConnection)
        return statuses, missing, connection.refused, desk.texts

    assert play(story) == ({401}, 401, 1001, [])


def _tampered(secret: str, chance: random.Random) -> bytes:
    """A secret that differs from the right one, in one character, in length, or in all."""
    place = chance.randrange(len(secret))
    flipped = secret[:place] + chr((ord(secret[place]) - 33 + chance.randrange(1, 94)) % 94 + 33)
    wrong = [
        (flipped + secret[place + 1 :]).encode(),
        secret[:place].encode(),
        secret.upper().encode() if secret.upper() != secret else b"x",
        (secret + secret[place]).encode(),
        "é".encode() * 3,
        b"\xff" * len(secret),
        b"",
    ]
    return chance.choice(wrong)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"hi"',
        b"null",
        b"5",
        b"{}",
        b'{"update_id": "5001"}',
        b'{"update_id": true}',
        b'{"update_id": null, "message": {}}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"update_id": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_update_is_acknowledged_and_told_but_not_stored(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with listening(desk, server) as (client, headers):
            got = await client.post(PATH, content=body, headers=headers)
            return got.status_code, desk.accepted

    assert play(story) == (200, [])
    assert "something that is no update came to bot support-bot" in caplog.text


@pytest.mark.parametrize("message", ["what?", [], 5, {"chat": "what?"}])
def test_a_poison_update_is_acknowledged_and_stored_once(message: Any) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with listening(desk, server) as (client, headers):
            wrong = {"update_id": 5001, "message": message}
            statuses = [(await client.post(PATH, json=wrong, headers=headers)).status_code for _ in range(2)]
            return statuses, [(one.dedupe_key, one.text) for one in desk.accepted]

    assert play(story) == ([200, 200], [("u:5001", "")])


def test_what_cannot_be_stored_yet_is_not_acknowledged_so_that_it_comes_again() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with listening(desk, server) as (client, headers):
            desk.crashes = 1
            statuses = []
            for _ in range(2):
                got = await client.post(PATH, json=update(1), headers=headers)
                statuses.append(got.status_code)
            return statuses, desk.texts

    assert play(story) == ([500, 200], ["hi"])


def test_an_update_is_held_back_at_telegram_while_the_bot_cannot_ask_who_it_is() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        trouble = (502, {"ok": False, "error_code": 502, "description": "Bad Gateway"})
        connection = TelegramConnection(settings(server, mode="webhook", webhook_secret="s"), desk.context)
        desk.connection = connection
        http = HttpServer(
            host="127.0.0.1", port=0, connections={("support-bot", "telegram"): connection}, health=dict
        )
        await http.start()
        statuses = []
        async with httpx.AsyncClient(base_url=http.url, trust_env=False) as client:
            for faults in ([trouble], [(401, {"ok": False, "description": "Unauthorized"})], []):
                server.faults["getMe"] = faults
                got = await client.post(PATH, json=update(1), headers={SECRET_HEADER: "s"})
                statuses.append(got.status_code)
            await desk.settle()
        await http.stop()
        await connection.close()
        return statuses, desk.texts

    assert play(story) == ([503, 503, 200], ["hi"])


def test_an_update_is_not_fetched_with_get() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with listening(desk, server) as (client, headers):
            return (await client.get(PATH, headers=headers)).status_code

    assert play(story) == 405
