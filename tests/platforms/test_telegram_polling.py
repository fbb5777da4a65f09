"""Telegram's long polling over real sockets: what is confirmed, what holds nothing up, and who else asks."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from typing import Any

import pytest

from botctl.errors import OutsideError, UserError
from botctl.platforms.telegram_polling import FORGOTTEN_MS, Position
from tests.fakes.telegram_server import TOKEN, TelegramServer
from tests.platforms.telegram_world import TelegramDesk, play, polling, press, sent, update
from tests.platforms.world import NOW_MS

DAY_MS = 86_400_000


def refusal(status: int, description: str = "no", **parameters: Any) -> tuple[int, dict[str, Any]]:
    return status, {
        "ok": False,
        "error_code": status,
        "description": description,
        "parameters": parameters,
    }


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
        return confirmed_before, texts, desk.texts, server.offsets()

    told = play(story)

    assert told == (0, ["you said one", "you said two"], ["one", "two"], [None, 5002, 5003])


def test_dying_before_the_cursor_is_stored_brings_the_update_again() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        await server.push(update(1, text="one"))
        async with polling(desk, server):
            await sent(server, 1)
        desk.cursor = None
        async with polling(desk, server):
            await server.push(update(2, text="two"))
            return await sent(server, 2), desk.texts

    assert play(story) == (["you said one", "you said two"], ["one", "two"])


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


SILENCES = [(6 * DAY_MS - 1, 5002), (7 * DAY_MS, None)]


@pytest.mark.parametrize(("silence_ms", "asked"), SILENCES)
def test_the_offset_is_dropped_when_a_running_process_heard_nothing_for_a_week(
    silence_ms: int, asked: int | None
) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with polling(desk, server):
            await server.push(update(1, text="old numbers"))
            await server.wait_until(lambda: server.offsets() == [None, 5002])
            desk.now += silence_ms
            await server.empty_polls()
            await server.wait_until(lambda: len(server.offsets()) == 3)
            return server.offsets()[-1]

    assert play(story) == asked


def test_updates_that_are_numbered_anew_after_a_week_are_answered() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with polling(desk, server):
            await server.push(update(1, text="old numbers"))
            await server.wait_until(lambda: server.confirmed == 5002)
            desk.now += 8 * DAY_MS
            await server.empty_polls()
            await server.wait_until(lambda: server.offsets()[-1] is None)
            await server.push({**update(2, text="new numbers"), "update_id": 17})
            texts = await sent(server, 2)
            await server.wait_until(lambda: server.offsets()[-1] == 18)
        return texts, desk.offset

    assert play(story) == (["you said old numbers", "you said new numbers"], 18)


def test_a_process_that_starts_after_a_week_asks_without_an_offset() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        desk.cursor = json.dumps({"offset": 9_000_000, "at": NOW_MS - FORGOTTEN_MS - 1})
        await server.push(update(1, text="new numbers"))
        async with polling(desk, server):
            return await sent(server, 1)

    assert play(story) == ["you said new numbers"]


@pytest.mark.parametrize("cursor", [None, "", "[]", "5", "nonsense", '{"offset": "x", "at": 1}'])
def test_a_cursor_that_says_nothing_asks_for_what_is_not_confirmed(cursor: str | None) -> None:
    assert Position(cursor).offset(NOW_MS) is None


def test_what_is_not_even_an_update_is_told_and_does_not_spin(caplog: pytest.LogCaptureFixture) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        await server.push("what?", {"message": {"text": "secret"}}, update(1, text="one"))
        async with polling(desk, server):
            texts = await sent(server, 1)
            await server.wait_until(lambda: len(server.offsets()) > 2)
            return texts, desk.offset, desk.pauses[0]

    assert play(story) == (["you said one"], 5002, 60.0)
    assert "something that is no update" in caplog.text and "secret" not in caplog.text


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


@pytest.mark.parametrize("may", [False, True])
def test_a_webhook_that_is_set_while_polling_ends_it_unless_it_may_be_taken_away(may: bool) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        desk.may_take_over = may
        async with polling(desk, server) as running:
            await server.push(update(1, text="one"))
            await server.wait_until(lambda: server.confirmed == 5002)
            await server.set_webhook("https://production.example.com/x")
            if may:
                await server.push(update(2, text="two"))
                return await sent(server, 2), server.webhook
            await asyncio.wait([running])
            error = running.exception()
            assert isinstance(error, UserError)
            return error.message, error.help

    told = play(story)

    ends = (
        "telegram brings the messages of bot `support-bot` to a webhook now",
        "`--take-over` (or `botctl webhook delete`) takes it away; or use `mode: webhook`",
    )
    assert told == ((["you said one", "you said two"], {}) if may else ends)


def test_another_poller_is_told_loudly_and_met_with_longer_and_longer_pauses(
    caplog: pytest.LogCaptureFixture,
) -> None:
    conflict = refusal(409, "Conflict: terminated by other getUpdates request")

    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        server.faults["getUpdates"] = [conflict] * 7
        async with polling(desk, server):
            await server.push(update(1))
            return await sent(server, 1), desk.pauses

    assert play(story) == (["you said hi"], [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0])
    assert caplog.text.count("another program asks for the updates of bot support-bot") == 7


def test_two_connections_that_poll_one_bot_answer_every_update_once() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with polling(desk, server), polling(desk, server):
            await server.wait_until(lambda: len(server.offsets()) >= 2)
            await server.push(update(1, text="one"))
            texts = await sent(server, 1)
            await server.push(update(2, text="two"))
            return texts + (await sent(server, 2))[1:], desk.texts

    assert play(story) == (["you said one", "you said two"], ["one", "two"])


def test_too_many_requests_are_waited_for_as_long_as_telegram_says() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        server.faults["getUpdates"] = [refusal(429, "Too Many Requests", retry_after=17)]
        async with polling(desk, server):
            await server.push(update(1))
            return await sent(server, 1), desk.pauses

    assert play(story) == (["you said hi"], [17.0])


@pytest.mark.parametrize("troubles", [4, 5])
def test_short_troubles_are_waited_for_and_longer_ones_told_to_the_supervisor(troubles: int) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        server.faults["getUpdates"] = [refusal(502, "Bad Gateway")] * troubles
        async with polling(desk, server) as running:
            await server.push(update(1))
            if troubles == 4:
                return await sent(server, 1), desk.pauses
            await asyncio.wait([running])
            return type(running.exception()), desk.pauses

    told = play(story)

    pauses = [2.0, 4.0, 8.0, 16.0]
    assert told == ((["you said hi"] if troubles == 4 else OutsideError), pauses)


@pytest.mark.parametrize("result", [None, True, {"update_id": 1}, "x"])
def test_an_answer_without_a_list_of_updates_is_trouble_and_does_not_spin(result: Any) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        server.faults["getUpdates"] = [(200, {"ok": True, "result": result})]
        async with polling(desk, server):
            await server.push(update(1))
            return await sent(server, 1), desk.pauses

    assert play(story) == (["you said hi"], [2.0])


def test_a_token_that_is_taken_back_while_polling_ends_it() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        server.faults["getUpdates"] = [refusal(401, "Unauthorized")]
        async with polling(desk, server) as running:
            await asyncio.wait([running])
            error = running.exception()
            assert isinstance(error, UserError)
            return error.message

    assert play(story) == "telegram refused the token of bot `support-bot`"


def test_a_button_is_delivered_and_its_clock_is_stopped_also_when_it_is_too_late() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with polling(desk, server):
            await server.push(press(1, "ho:x:approved"))
            await server.push({**press(2, "no"), "update_id": 5002})
            server.forget_press("q2")
            await sent(server, 2)
            await server.wait_until(lambda: len(server.called("answerCallbackQuery")) == 2)
        return [(message.kind, message.button_value) for message in desk.accepted]

    assert play(story) == [("button", "ho:x:approved"), ("button", "no")]


def test_a_group_that_grew_is_told_before_its_update_is_confirmed() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        group, grown = {"id": -5, "type": "group"}, {"id": -1005, "type": "supergroup"}
        async with polling(desk, server):
            await server.push(
                update(1, text=None, chat=group, migrate_to_chat_id=-1005),
                update(2, text=None, chat=grown, migrate_from_chat_id=-5),
            )
            await server.wait_until(lambda: server.confirmed == 5003)
        return desk.moves, desk.accepted

    assert play(story) == ([("-5", "-1005"), ("-5", "-1005")], [])


def test_the_token_stands_in_no_log_line_of_any_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        page = f"<p>nothing is at {server.url}/bot{TOKEN}/getUpdates</p>"
        server.faults["getUpdates"] = [refusal(502), (502, page), (200, page), refusal(409)]
        server.faults["sendMessage"] = [(502, page)]
        server.faults["answerCallbackQuery"] = [refusal(400, f"what is {TOKEN}?")]
        async with polling(desk, server):
            await server.push(press(1), update(2), update(3))
            return len(await sent(server, 2))

    assert play(story) == 2
    assert "nothing is at" in caplog.text
    assert "getUpdates" in caplog.text or "getupdates" in caplog.text
    assert TOKEN not in caplog.text
