"""Telegram through python-telegram-bot over real sockets: polling, webhooks, sending, registration."""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from botctl.clock import StandingClock
from botctl.errors import UserError
from botctl.messages import Attachment, Button
from botctl.platforms.platform import SendError
from botctl.platforms.telegram_connection import FORGOTTEN_MS, TelegramConnection
from botctl.runtime.files import MessageFiles
from botctl.runtime.server import HttpServer
from tests.fakes.telegram_server import TOKEN, TelegramServer
from tests.platforms.telegram_world import GROUP, TelegramDesk, outgoing, polling, press, settings, update
from tests.platforms.world import NOW_MS

SECRET_HEADER = "x-telegram-bot-api-secret-token"


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


def test_updates_are_answered_and_confirmed_only_after_they_are_stored() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with polling(desk, server):
            await server.push(update(1, text="one"), update(2, text="two"))
            texts = await sent(server, 2)
            await server.wait_until(lambda: server.confirmed == 5003)
            return texts, desk.offset

    assert play(story) == (["you said one", "you said two"], 5003)


def test_dying_after_storing_answers_once_and_goes_on_behind_it() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        desk.crashes = 1
        await server.push(update(1, text="one"), update(2, text="two"))
        async with polling(desk, server) as running:
            await asyncio.wait([running])
        confirmed_before = server.confirmed
        async with polling(desk, server):
            texts = await sent(server, 2)
            await server.wait_until(lambda: server.confirmed == 5003)
        return confirmed_before, texts, desk.texts

    assert play(story) == (0, ["you said one", "you said two"], ["one", "two"])


def test_a_backlog_of_200_is_answered_in_order_per_chat_and_nothing_is_dropped() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        chats = [{"id": 100 + number % 7, "type": "private"} for number in range(200)]
        await server.push(*[update(n, text=str(n), chat=chats[n]) for n in range(200)])
        async with polling(desk, server):
            await sent(server, 200)
        by_chat: dict[str, list[int]] = defaultdict(list)
        for message in desk.accepted:
            by_chat[message.channel_id].append(int(message.text))
        return len(desk.accepted), all(numbers == sorted(numbers) for numbers in by_chat.values())

    assert play(story) == (200, True)


def test_a_poison_update_is_left_out_and_blocks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        poison = {
            "update_id": 5001,
            "message": {"message_id": 1, "chat": "what?", "from": 7, "text": "secret"},
        }
        await server.push(poison, update(2, text="two"))
        async with polling(desk, server):
            return await sent(server, 1)

    assert play(story) == ["you said two"]
    assert "5001" in caplog.text and "secret" not in caplog.text


def test_after_a_week_of_silence_the_offset_is_dropped() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        desk.cursor = json.dumps({"offset": 9_000_000, "at": NOW_MS - FORGOTTEN_MS - 1})
        await server.push(update(1, text="new numbers"))
        async with polling(desk, server):
            return await sent(server, 1)

    assert play(story) == ["you said new numbers"]


def test_a_wrong_token_is_said_without_the_token() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        connection = TelegramConnection(settings(server, token="123:wrong-token"), desk.context)
        with pytest.raises(UserError) as refused:
            await connection.run()
        checks = await connection.check()
        await connection.close()
        return refused.value, checks

    error, checks = play(story)

    assert "telegram refused the token of bot `support-bot`" in error.message
    assert "wrong-token" not in f"{error.message} {error.help} {checks}"
    assert [checked.is_well for checked in checks] == [False]


@pytest.mark.parametrize("may", [False, True])
def test_polling_takes_a_webhook_away_only_when_it_is_told_to(may: bool) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        server.webhook = {"url": "https://production.example.com/x"}
        desk.may_take_over = may
        async with polling(desk, server) as running:
            if not may:
                await asyncio.wait([running])
                return type(running.exception()), server.webhook["url"]
            await server.push(update(1))
            return await sent(server, 1), server.webhook

    expected = (["you said hi"], {}) if may else (UserError, "https://production.example.com/x")
    assert play(story) == expected


def test_a_button_is_delivered_and_its_clock_is_stopped_also_when_it_is_too_late() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with polling(desk, server):
            await server.push(press(1, "ho:x:approved"), press(2, "no"))
            server._callbacks.discard("q2")
            await sent(server, 2)
            await server.wait_until(
                lambda: sum(1 for method, _ in server.calls if method == "answerCallbackQuery") == 2
            )
        return [(message.kind, message.button_value) for message in desk.accepted]

    assert play(story) == [("button", "ho:x:approved"), ("button", "no")]


def test_files_come_in_within_limits_and_leave_as_documents(tmp_path: Path) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        files = MessageFiles(tmp_path, StandingClock(), largest=10, types=("image/*", "text/plain"))
        desk.files = files
        server.files = {"f1": b"hello", "f2": b"x" * 11}
        document = {"file_name": "a.txt", "mime_type": "text/plain"}
        async with polling(desk, server):
            await server.push(
                update(1, text=None, caption="see", document={"file_id": "f1", **document}),
                update(2, text=None, caption="big", document={"file_id": "f2", **document}),
            )
            await sent(server, 2)
            kept, refused = (message.attachments[0] for message in desk.accepted)
            connection = desk.connection
            assert connection is not None
            ids = await connection.send(outgoing("here", id="o2", attachments=(kept,)))
        return files.open(kept).read_bytes(), refused.refused, len(ids), server.calls[-1][0]

    told = play(story)

    assert told == (b"hello", "it is larger than 1e-05 MB", 2, "sendDocument")


@asynccontextmanager
async def listening(
    desk: TelegramDesk, server: TelegramServer
) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """A connection in webhook mode on a real server; a client, and the secret that Telegram was given."""
    connection = TelegramConnection(settings(server, mode="webhook"), desk.context)
    desk.connection = connection
    places = {("support-bot", "telegram"): connection}
    http = HttpServer(host="127.0.0.1", port=0, connections=places, health=dict)
    await http.start()
    await connection.register("https://bots.example.com/webhooks/support-bot/telegram")
    try:
        async with httpx.AsyncClient(base_url=http.url, trust_env=False) as client:
            yield client, server.webhook["secret_token"]
    finally:
        await http.stop()
        await connection.close()


PATH = "/webhooks/support-bot/telegram"


def test_webhooks_are_stored_once_however_often_and_in_whatever_order_they_come() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with listening(desk, server) as (client, secret):
            for number in (2, 1, 2, 1, 1):
                got = await client.post(
                    PATH, json=update(number, text=str(number)), headers={SECRET_HEADER: secret}
                )
                assert got.status_code == 200
            await desk.settle()
        return desk.texts, [one["text"] for one in server.sent]

    assert play(story) == (["2", "1"], ["you said 2", "you said 1"])


def test_a_thousand_wrong_secrets_are_refused() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        chance = random.Random(3)
        async with listening(desk, server) as (client, secret):
            statuses = set()
            for _ in range(1000):
                place = chance.randrange(len(secret))
                wrong = chance.choice(
                    [secret[:place], secret[:place] + chr(chance.randrange(33, 126)), "é" * 3, ""]
                )
                headers = [(SECRET_HEADER.encode(), (wrong if wrong != secret else "x").encode())]
                statuses.add((await client.post(PATH, json=update(1), headers=headers)).status_code)
            missing = (await client.post(PATH, json=update(1))).status_code
        connection = desk.connection
        assert isinstance(connection, TelegramConnection)
        return statuses, missing, connection.refused, desk.texts

    assert play(story) == ({401}, 401, 1001, [])


def test_registration_is_told_and_kept_over_restarts() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with listening(desk, server) as (_, secret):
            known = await desk.connection.registration()  # type: ignore[union-attr]
        again = TelegramConnection(settings(server, mode="webhook"), desk.context)
        await again.register("https://bots.example.com/webhooks/support-bot/telegram")
        same = server.webhook["secret_token"] == secret
        await again.unregister()
        gone = (await again.registration()).url
        await again.close()
        return known.url, same, gone, TOKEN in secret

    assert play(story) == ("https://bots.example.com/webhooks/support-bot/telegram", True, "", False)


FAULTS: list[tuple[int, dict[str, Any], dict[str, Any]]] = [
    (
        429,
        {"description": "Too Many Requests: retry after 3", "parameters": {"retry_after": 3}},
        {"retry_after": 3.0},
    ),
    (403, {"description": "Forbidden: bot was blocked by the user"}, {"permanent": True}),
    (400, {"description": "Bad Request: chat not found"}, {"permanent": True}),
    (
        400,
        {"description": "Bad Request: upgraded", "parameters": {"migrate_to_chat_id": -1002}},
        {"permanent": True, "migrate_to": "-1002"},
    ),
    (502, {"description": "Bad Gateway"}, {}),
]


@pytest.mark.parametrize(("status", "document", "meaning"), FAULTS)
def test_refusals_mean_what_they_mean(status: int, document: dict[str, Any], meaning: dict[str, Any]) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> SendError:
        connection = TelegramConnection(settings(server), desk.context)
        server.faults["sendMessage"] = [(status, {"ok": False, "error_code": status, **document})]
        with pytest.raises(SendError) as refused:
            await connection.send(outgoing("hi"))
        await connection.close()
        return refused.value

    error = play(story)

    told = {"permanent": error.permanent, "retry_after": error.retry_after, "migrate_to": error.migrate_to}
    assert told == {"permanent": False, "retry_after": None, "migrate_to": "", **meaning}
    assert TOKEN not in error.message


def test_a_long_message_goes_on_where_it_stopped() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        connection = TelegramConnection(settings(server), desk.context)
        message = outgoing(
            "a" * 4096 + "\n" + "b" * 10, buttons=(Button(label="Yes", value="y"),), thread="4"
        )
        first = {"ok": True, "result": {"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private"}}}
        server.faults["sendMessage"] = [
            (200, first),
            (500, {"ok": False, "error_code": 500, "description": "no"}),
        ]
        with pytest.raises(SendError):
            await connection.send(message)
        ids = await connection.send(message)
        await connection.close()
        return ids, [
            (one["text"], bool(one.get("reply_markup")), one["message_thread_id"]) for one in server.sent
        ]

    assert play(story) == (("1", "1001"), [("b" * 10, True, "4")])


def test_a_group_that_grew_is_told_by_the_error_and_the_old_chat_is_not_written_to_again() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with polling(desk, server):
            mention = [{"type": "mention", "offset": 0, "length": 11}]
            await server.push(update(1, chat=GROUP, text="@SupportBot hi", entities=mention))
            await sent(server, 1)
        return server.sent[0]["chat_id"]

    assert play(story) == "-1001"


def test_typing_and_health_are_shown() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        connection = TelegramConnection(settings(server), desk.context)
        await connection.typing("7", "")
        checks = await connection.check()
        server.webhook = {"url": "https://x.example.com"}
        worse = await connection.check()
        await connection.close()
        return server.calls[1][0], [one.is_well for one in checks], [one.is_well for one in worse]

    assert play(story) == ("sendChatAction", [True], [True, False])


def test_the_file_of_an_attachment_that_is_gone_is_a_dead_letter(tmp_path: Path) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> bool:
        desk.files = MessageFiles(tmp_path, StandingClock(), largest=10, types=("*",))
        connection = TelegramConnection(settings(server), desk.context)
        gone = Attachment(kind="image", name="a.png", path="2026-01/gone.png")
        with pytest.raises(SendError) as refused:
            await connection.send(outgoing("hi", attachments=(gone,)))
        await connection.close()
        return refused.value.permanent

    assert play(story) is True


@pytest.mark.parametrize("secret", ["has space", "plus+", "x" * 257])
def test_a_secret_that_telegram_would_not_take_is_refused_before_it_is_set(secret: str) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> UserError:
        with pytest.raises(UserError) as refused:
            TelegramConnection(settings(server, webhook_secret=secret), desk.context)
        return refused.value

    error = play(story)

    assert "`webhook_secret` of bot `support-bot`" in error.message and secret not in error.message


def test_a_secret_of_ones_own_is_the_one_that_counts() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        connection = TelegramConnection(
            settings(server, webhook_secret="s3cr3t_A-1", mode="webhook"), desk.context
        )
        await connection.register("https://bots.example.com/x")
        await connection.close()
        return server.webhook["secret_token"]

    assert play(story) == "s3cr3t_A-1"
