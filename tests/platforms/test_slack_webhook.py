"""The Events API over a real server: verified, stored, acknowledged; in that order."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from botctl.errors import UserError
from botctl.platforms.slack_connection import SlackConnection
from tests.fakes.slack_server import BOT_USER, SlackServer
from tests.platforms.slack_world import (
    SlackDesk,
    command,
    event,
    in_channel,
    listening,
    mention,
    press,
    settings,
    signed,
)
from tests.platforms.world import NOW_MS, Desk

PATH = "/webhooks/support-bot/slack"
Story = Callable[[SlackDesk, httpx.AsyncClient, SlackServer], Awaitable[Any]]


def told(story: Story, **changes: Any) -> Any:
    """What a story returns that is played with a webhook on a real server."""

    async def whole() -> Any:
        desk = SlackDesk()
        async with SlackServer() as server, listening(desk, server, **changes) as client:
            result = await story(desk, client, server)
            desk.open.set()
            await desk.settle()
            return result

    return asyncio.run(whole())


async def post(client: httpx.AsyncClient, payload: Any, **headers: str) -> httpx.Response:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return await client.post(PATH, content=body, headers=signed(body, **headers))


async def post_form(client: httpx.AsyncClient, fields: dict[str, str]) -> httpx.Response:
    return await post(client, urlencode(fields).encode(), content_type="application/x-www-form-urlencoded")


def test_a_message_is_acknowledged_with_nothing_and_answered_by_the_api() -> None:
    async def story(desk: SlackDesk, client: httpx.AsyncClient, server: SlackServer) -> Any:
        response = await post(client, mention())
        await desk.settle()
        return response.status_code, response.content, [one["text"] for one in server.posted()]

    assert told(story) == (200, b"", ["you said hi"])


def test_it_is_acknowledged_after_it_is_stored_and_before_any_work() -> None:
    async def story(desk: SlackDesk, client: httpx.AsyncClient, server: SlackServer) -> Any:
        desk.open.clear()
        desk.gate = asyncio.Event()
        request = asyncio.create_task(post(client, event()))
        await desk.entered.wait()
        was_done = request.done()
        desk.gate.set()
        response = await request
        return was_done, response.status_code, desk.texts, server.posted()

    assert told(story) == (False, 200, ["hi"], [])


def test_the_address_is_verified_by_its_challenge_only_if_it_is_signed() -> None:
    async def story(desk: SlackDesk, client: httpx.AsyncClient, server: SlackServer) -> Any:
        asked = {"token": "Vt", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9", "type": "url_verification"}
        answered = await post(client, asked)
        refused = await client.post(PATH, json=asked)
        return answered.status_code, answered.json(), refused.status_code

    assert told(story) == (200, {"challenge": "3eZbrw1aBm2rZgRNFdxV2595E9"}, 401)


def test_retries_and_the_twin_event_of_a_mention_are_one_message() -> None:
    async def story(desk: SlackDesk, client: httpx.AsyncClient, server: SlackServer) -> Any:
        statuses = []
        for payload in (mention(), mention(), in_channel(text=f"<@{BOT_USER}> hi")):
            response = await post(client, payload, x_slack_retry_num="1", x_slack_retry_reason="http_timeout")
            statuses.append(response.status_code)
        return statuses, desk.texts

    assert told(story) == ([200, 200, 200], ["hi"])


def test_a_crash_before_the_acknowledgement_makes_no_second_message() -> None:
    async def story(desk: SlackDesk, client: httpx.AsyncClient, server: SlackServer) -> Any:
        desk.crashes = 1
        first = await post(client, event())
        second = await post(client, event(), x_slack_retry_num="1", x_slack_retry_reason="http_error")
        return first.status_code, second.status_code, desk.texts

    assert told(story) == (500, 200, ["hi"])


def test_buttons_and_slash_commands_come_as_forms_with_the_same_signature() -> None:
    async def story(desk: SlackDesk, client: httpx.AsyncClient, server: SlackServer) -> Any:
        first = await post_form(client, {"payload": json.dumps(press("ho:h1:approved"))})
        second = await post_form(client, command("/ask", "wo & wann? ü"))
        said = [(message.kind, message.text, message.user_id) for message in desk.accepted]
        return first.status_code, second.status_code, said

    assert told(story) == (200, 200, [("button", "ho:h1:approved", "U1"), ("text", "wo & wann? ü", "U1")])


def test_a_thousand_tampered_requests_are_refused_and_counted() -> None:
    async def story(desk: SlackDesk, client: httpx.AsyncClient, server: SlackServer) -> Any:
        chance = random.Random(4)
        body = json.dumps(event()).encode()
        headers = signed(body)
        statuses = set()
        for _ in range(1000):
            odd_body, odd = (
                bytearray(body),
                {name: bytearray(value.encode()) for name, value in headers.items()},
            )
            target = chance.choice([odd_body, odd["x-slack-signature"], odd["x-slack-request-timestamp"]])
            place = chance.randrange(len(target))
            letter = chance.choice(b"0123456789abcdefxyz~")
            target[place] = letter if letter != target[place] else ord("!")
            response = await client.post(
                PATH, content=bytes(odd_body), headers={name: bytes(value) for name, value in odd.items()}
            )
            statuses.add(response.status_code)
        assert isinstance(desk.connection, SlackConnection)
        return statuses, desk.connection.refused, desk.texts

    assert told(story) == ({401}, 1000, [])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(b"{}", secret="another"),
        signed(b"{}", now_ms=NOW_MS - 301_000),
        signed(b"{}", now_ms=NOW_MS + 301_000),
        {**signed(b"{}"), "x-slack-signature": "v0=ü".encode()},
        {**signed(b"{}"), "x-slack-request-timestamp": b"\xff"},
    ],
)
def test_what_is_not_slacks_or_a_replay_is_refused(headers: dict[str, Any]) -> None:
    async def story(desk: SlackDesk, client: httpx.AsyncClient, server: SlackServer) -> Any:
        response = await client.post(PATH, content=b"{}", headers=headers)
        health = await client.get("/healthz")
        return response.status_code, health.json()["refused"]

    assert told(story) == (401, {"support-bot/slack": 1})


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"\xff", b"null"])
def test_a_signed_body_that_is_no_payload_is_told_so(body: bytes) -> None:
    async def story(desk: SlackDesk, client: httpx.AsyncClient, server: SlackServer) -> Any:
        return (await post(client, body)).status_code

    assert told(story) == 422


@pytest.mark.parametrize("payload", [{"type": "event_callback"}, event(user=[]), {"type": "block_actions"}])
def test_a_poisoned_payload_is_acknowledged_and_told(
    payload: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def story(desk: SlackDesk, client: httpx.AsyncClient, server: SlackServer) -> Any:
        return (await post(client, payload)).status_code

    assert told(story) == 200
    assert "not as documented" in caplog.text


def test_without_authorizations_slack_is_asked_who_the_bot_is() -> None:
    async def story(desk: SlackDesk, client: httpx.AsyncClient, server: SlackServer) -> Any:
        server.fail("auth.test", "internal_error", 503)
        payload = {**event(), "authorizations": None}
        statuses = [(await post(client, payload)).status_code for _ in range(2)]
        return statuses, desk.texts

    assert told(story) == ([503, 200], ["hi"])


def test_with_socket_mode_no_webhook_is_listened_to() -> None:
    async def story(desk: SlackDesk, client: httpx.AsyncClient, server: SlackServer) -> Any:
        return (await post(client, event())).status_code, desk.texts

    assert told(story, mode="polling") == (404, [])


def test_a_webhook_is_not_gotten() -> None:
    async def story(desk: SlackDesk, client: httpx.AsyncClient, server: SlackServer) -> Any:
        return (await client.get(PATH)).status_code

    assert told(story) == 405


def test_run_asks_who_the_bot_is_and_comes_back() -> None:
    async def whole() -> Any:
        async with SlackServer() as server:
            connection = SlackConnection(settings(server, mode="webhook"), Desk().context)
            await connection.run()
            await connection.close()
            return [method for method, _ in server.calls]

    assert asyncio.run(whole()) == ["auth.test"]


@pytest.mark.parametrize(("mode", "missing"), [("polling", "app_token"), ("webhook", "signing_secret")])
def test_what_a_mode_needs_must_be_given(mode: str, missing: str) -> None:
    async def whole() -> Any:
        async with SlackServer() as server:
            with pytest.raises(UserError) as caught:
                SlackConnection(settings(server, **{"mode": mode, missing: ""}), Desk().context)
            return caught.value

    error = asyncio.run(whole())

    assert missing in error.message and mode in (error.help or "")
