"""Socket Mode with slack-bolt and slack-sdk over a real websocket: stored first, acknowledged then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from botctl.errors import BotctlError, OutsideError, UserError
from botctl.platforms.slack_connection import SlackConnection
from tests.fakes.slack_server import APP_TOKEN, BOT_TOKEN, BOT_USER, SlackServer
from tests.platforms.slack_world import (
    TS,
    SlackDesk,
    command,
    connected,
    event,
    in_channel,
    mention,
    press,
    settings,
)

Story = Callable[[SlackDesk, SlackServer], Awaitable[Any]]


def told(story: Story, desk: SlackDesk | None = None) -> Any:
    """What a story returns that is played with a connection whose socket is open."""

    async def whole() -> Any:
        played = desk or SlackDesk()
        async with SlackServer() as server, connected(played, server):
            result = await story(played, server)
            await played.settle()
            assert server.odd == []
            return result

    return asyncio.run(whole())


def test_a_message_is_answered() -> None:
    async def story(desk: SlackDesk, server: SlackServer) -> Any:
        await server.deliver(event())
        await desk.settle()
        return desk.texts, server.posted()

    texts, posted = told(story)

    assert texts == ["hi"]
    assert [(one["channel"], one["text"], one.get("thread_ts")) for one in posted] == [
        ("D1", "you said hi", None)
    ]


def test_an_envelope_is_acknowledged_only_after_its_message_is_stored() -> None:
    async def story(desk: SlackDesk, server: SlackServer) -> Any:
        desk.gate = asyncio.Event()
        first = await server.push(event())
        await desk.entered.wait()
        await server.deliver({"type": "view_submission"}, "interactive")  # it is not for us: at once
        before = first in server.acknowledged
        desk.gate.set()
        await server.acknowledgement(first)
        return before, desk.texts

    assert told(story) == (False, ["hi"])


def test_a_crash_between_storing_and_acknowledging_makes_no_second_message() -> None:
    async def story(desk: SlackDesk, server: SlackServer) -> Any:
        desk.crashes = 1
        unacknowledged = await server.push(event())
        await desk.arrived.wait()
        await server.deliver(event())
        return unacknowledged in server.acknowledged, desk.texts

    assert told(story) == (False, ["hi"])


def test_both_events_of_a_mention_however_often_and_in_whatever_order_are_one_message() -> None:
    async def story(desk: SlackDesk, server: SlackServer) -> Any:
        twin = in_channel(text=f"<@{BOT_USER}> hi")
        for payload in (twin, mention(), mention(), twin):
            await server.deliver(payload)
        return [(message.text, message.thread_id) for message in desk.accepted]

    assert told(story) == [("hi", TS)]


def test_a_conversation_in_a_thread_goes_on_without_mentions_and_after_a_restart() -> None:
    async def whole() -> Any:
        desk = SlackDesk()
        async with SlackServer() as server:
            async with connected(desk, server):
                await server.deliver(in_channel(ts="1.0", text="not for the bot"))
                await server.deliver(mention())
                await server.deliver(in_channel(ts="2.0", thread_ts=TS, text="and then?"))
            async with connected(desk, server):
                await server.deliver(in_channel(ts="3.0", thread_ts=TS, text="still there?"))
                await server.deliver(in_channel(ts="4.0", thread_ts="9.9", text="not for the bot"))
                await desk.settle()
            return desk.texts, {one["thread_ts"] for one in server.posted()}, desk.cursors

    texts, threads, cursors = asyncio.run(whole())

    assert texts == ["hi", "and then?", "still there?"]
    assert threads == {TS}
    assert cursors == [f'["C1:{TS}"]', None, None]


def test_buttons_and_slash_commands_come_too() -> None:
    async def story(desk: SlackDesk, server: SlackServer) -> Any:
        await server.deliver(press("ho:h1:approved"), "interactive")
        await server.deliver(command("/reset", ""), "slash_commands")
        return [(message.kind, message.text, message.user_name) for message in desk.accepted]

    assert told(story) == [("button", "ho:h1:approved", "ada"), ("command", "/reset", "ada")]


def test_a_socket_that_slack_gives_notice_of_closing_is_replaced_before_it_closes() -> None:
    async def story(desk: SlackDesk, server: SlackServer) -> Any:
        await server.announce_end()
        await server.open_sockets(2)
        was_open = not server.sockets[0].closed
        await server.deliver(event())
        return was_open, desk.texts

    assert told(story) == (True, ["hi"])


def test_a_message_is_taken_after_the_connection_was_cut() -> None:
    async def story(desk: SlackDesk, server: SlackServer) -> Any:
        desk.gate = asyncio.Event()
        lost = await server.push(event())
        await desk.entered.wait()
        server.cut()
        desk.gate.set()
        await server.open_sockets(2)
        await server.deliver(event())
        return lost in server.acknowledged, desk.texts, len(server.posted("auth.test"))

    assert told(story) == (False, ["hi"], 1)


@pytest.mark.parametrize(
    "payload",
    [{"type": "event_callback"}, event(user=5), event(ts=None), {"type": "block_actions"}, {}],
)
def test_a_poisoned_payload_blocks_nothing_and_is_told(
    payload: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def story(desk: SlackDesk, server: SlackServer) -> Any:
        await server.deliver(payload)
        await server.deliver(event())
        return desk.texts

    assert told(story) == ["hi"]
    assert (len(caplog.records) == 0) is (payload == {})


def test_noise_on_the_socket_blocks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def story(desk: SlackDesk, server: SlackServer) -> Any:
        for noise in (
            "",
            "no JSON",
            "[1]",
            '{"type": "new"}',
            '{"envelope_id": 1, "payload": 5, "type": []}',
        ):
            await server.sockets[-1].send_str(noise)
        await server.push([1, 2])
        await server.push({"type": "event_callback", "event": 5, "team": 5, "user": [], "channel": 5})
        await server.deliver(event())
        return desk.texts

    with caplog.at_level(logging.CRITICAL, "botctl.slack_sdk"):
        assert told(story) == ["hi"]


def test_messages_of_a_channel_stay_in_order_and_those_of_others_do_not_wait() -> None:
    async def story(desk: SlackDesk, server: SlackServer) -> Any:
        for number in range(50):
            await server.push(event(ts=f"{number}.1", channel=f"D{number % 5}", text=str(number)))
        await server.deliver(event(ts="99.1", channel="D1", text="99"))
        return [message.text for message in desk.accepted if message.channel_id == "D1"]

    assert told(story) == [*(str(number) for number in range(1, 50, 5)), "99"]


def failing(desk: SlackDesk, *faults: tuple[str, str, int]) -> BotctlError:
    """What `run` raises when Slack answers so."""

    async def whole() -> BotctlError:
        async with SlackServer() as server:
            for method, error, status in faults:
                server.fail(method, error, status)
            connection = SlackConnection(settings(server), desk.context)
            try:
                await connection.run()
            except BotctlError as error:
                return error
            finally:
                await connection.close()
            raise AssertionError("nothing was raised")

    return asyncio.run(whole())


@pytest.mark.parametrize(
    ("method", "setting"), [("auth.test", "bot_token"), ("apps.connections.open", "app_token")]
)
def test_a_refused_token_is_the_users_to_change_and_is_not_shown(method: str, setting: str) -> None:
    error = failing(SlackDesk(), (method, "invalid_auth", 200))

    assert isinstance(error, UserError)
    assert error.message == f"slack refused `{setting}` of bot `support-bot`: invalid_auth"
    assert BOT_TOKEN not in repr(error) + str(error.help) and APP_TOKEN not in repr(error)


@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
def test_an_outage_is_no_fault_of_the_users(method: str) -> None:
    error = failing(SlackDesk(), (method, "internal_error", 503))

    assert isinstance(error, OutsideError)
    assert error.message == "slack cannot be asked: internal_error"


def test_an_address_of_a_socket_that_is_used_up_is_not_tried_for_ever_nor_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def whole() -> BotctlError:
        async with SlackServer() as server:
            connection = SlackConnection(settings(server), SlackDesk().context)
            server._apps_connections_open = lambda _: {"url": f"ws://{server.origin}/socket?ticket=x"}  # type: ignore[method-assign]
            with pytest.raises(OutsideError) as caught:
                await connection.run()
            await connection.close()
            return caught.value

    error = asyncio.run(whole())

    assert error.message == "the socket of slack cannot be opened (WSServerHandshakeError)"
    assert "ticket" not in caplog.text


def test_a_limited_request_for_a_socket_waits_as_long_as_slack_says() -> None:
    async def whole() -> Any:
        async with SlackServer() as server:
            server.fail("apps.connections.open", "ratelimited", 429, Retry_After="0")
            async with connected(SlackDesk(), server):
                return len(server.posted("apps.connections.open"))

    assert asyncio.run(whole()) == 2


def test_no_token_is_in_what_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def story(desk: SlackDesk, server: SlackServer) -> Any:
        await server.deliver(event())
        server.cut()
        await server.open_sockets(2)

    with caplog.at_level(logging.DEBUG):
        told(story)

    ours = "".join(record.getMessage() for record in caplog.records if record.name != "aiohttp.access")
    assert ours
    assert not any(secret in ours for secret in (BOT_TOKEN, APP_TOKEN, "ticket="))
