"""A bot at Telegram: its settings, who it is, its registration, and what `botctl doctor` asks."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from pydantic import ValidationError

from botctl.errors import OutsideError, UserError
from botctl.platforms.platform import Checkable, Doorkeeper, Registrar, Typist
from botctl.platforms.telegram_connection import TelegramConnection
from tests.fakes.telegram_server import TOKEN, TelegramServer
from tests.platforms.telegram_world import TelegramDesk, connected, play, settings

ADDRESS = "https://bots.example.com/webhooks/support-bot/telegram"


def test_the_token_is_the_only_setting_that_must_be_there() -> None:
    with pytest.raises(ValidationError) as missing:
        settings(None, token=None)

    assert [error["loc"] for error in missing.value.errors()] == [("token",)]


@pytest.mark.parametrize("url", ["api.telegram.org", "ftp://x", "/bot"])
def test_a_base_url_that_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(None, base_url=url)

    assert "starts with https:// or http://" in str(refused.value)


@pytest.mark.parametrize("token", ["", " ", "1:a b", "1:a\n", "1:a/../x", "1:é"])
def test_a_token_that_would_make_another_address_is_refused_before_anything_is_asked(token: str) -> None:
    with pytest.raises(UserError) as refused:
        TelegramConnection(settings(None, token=token), TelegramDesk().context)

    assert refused.value.message == "the token of bot `support-bot` on telegram is none that Telegram gives"


@pytest.mark.parametrize("secret", ["has space", "plus+", "x" * 257])
def test_a_secret_that_telegram_would_not_take_is_refused_before_it_is_set(secret: str) -> None:
    with pytest.raises(UserError) as refused:
        TelegramConnection(settings(None, webhook_secret=secret), TelegramDesk().context)

    message = refused.value.message
    assert "`webhook_secret` of bot `support-bot`" in message and secret not in message


def test_a_connection_is_all_that_commands_ask_for() -> None:
    connection = TelegramConnection(settings(None), TelegramDesk().context)

    kinds = [isinstance(connection, kind) for kind in (Doorkeeper, Registrar, Checkable, Typist)]

    assert kinds == [True, True, True, True]


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_a_wrong_token_is_said_at_once_and_without_the_token(mode: str) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with connected(desk, server, token="123:wrong-token", mode=mode) as connection:
            with pytest.raises(UserError) as refused:
                await connection.run()
            return refused.value, await connection.check()

    error, checks = play(story)

    assert "telegram refused the token of bot `support-bot`" in error.message
    assert "wrong-token" not in f"{error.message} {error.help} {checks}"
    assert [checked.is_well for checked in checks] == [False]


def test_registration_is_told_and_kept_over_restarts() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with connected(desk, server, mode="webhook") as connection:
            await connection.register(ADDRESS)
            known, secret = await connection.registration(), server.webhook["secret_token"]
        async with connected(desk, server, mode="webhook") as again:
            await again.register(ADDRESS)
            same = server.webhook["secret_token"] == secret
            await again.unregister()
            gone = (await again.registration()).url
        return known.url, same, gone, TOKEN in secret

    assert play(story) == (ADDRESS, True, "", False)


def test_a_secret_of_ones_own_is_the_one_that_counts() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with connected(desk, server, webhook_secret="s3cr3t_A-1", mode="webhook") as connection:
            await connection.register(ADDRESS)
            return server.webhook["secret_token"], server.webhook["allowed_updates"]

    updates = ["message", "edited_message", "callback_query", "my_chat_member"]
    assert play(story) == ("s3cr3t_A-1", updates)


def test_an_address_that_telegram_refuses_is_told_with_what_it_says() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with connected(desk, server, mode="webhook") as connection:
            with pytest.raises(OutsideError) as refused:
                await connection.register("http://bots.example.com/x")
            return refused.value

    error = play(story)

    assert (error.message, error.retryable) == (
        "telegram: Bad webhook: an https url must be provided for webhook",
        False,
    )


CHECKS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("polling", {}, []),
    ("polling", {"url": ADDRESS}, ["a webhook is set, so polling gets nothing"]),
    ("webhook", {}, ["no webhook is set"]),
    ("webhook", {"url": "https://other.example.com"}, ["messages go to https://other.example.com, not to"]),
    ("webhook", {"url": ADDRESS, "error": "Bad Gateway"}, ["last error: Bad Gateway"]),
    ("webhook", {"url": ADDRESS}, []),
]


@pytest.mark.parametrize(("mode", "webhook", "faults"), CHECKS)
def test_the_doctor_is_told_what_keeps_messages_away_and_the_way_out(
    mode: str, webhook: dict[str, Any], faults: list[str]
) -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        server.webhook, desk.webhook_url = webhook, ADDRESS
        async with connected(desk, server, mode=mode) as connection:
            return await connection.check()

    checks = play(story)

    unwell = [one for one in checks if not one.is_well]
    assert checks[0].fact == "@SupportBot, sees in groups what is meant for it (privacy mode)"
    assert len(unwell) == len(faults)
    assert all(part in one.fact and one.help for part, one in zip(faults, unwell, strict=True))


def test_the_doctor_hears_that_telegram_is_down_instead_of_a_traceback() -> None:
    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with connected(desk, server) as connection:
            await connection.registration()
            server.faults["getMe"] = [(502, {"ok": False, "error_code": 502, "description": "Bad Gateway"})]
            return await connection.check()

    told = play(story)

    assert [(one.is_well, one.fact) for one in told] == [(False, "telegram: Bad Gateway")]


def test_typing_is_shown_in_the_topic_and_failing_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "botctl")

    async def story(server: TelegramServer, desk: TelegramDesk) -> Any:
        async with connected(desk, server) as connection:
            await connection.typing("7", "")
            await connection.typing("-1001", "4")
            server.faults["sendChatAction"] = [(403, {"ok": False, "error_code": 403, "description": "no"})]
            await connection.typing("7", "x")
            return server.called("sendChatAction")

    action = {"action": "typing"}
    assert play(story) == [
        {"chat_id": "7", **action},
        {"chat_id": "-1001", "message_thread_id": "4", **action},
        {"chat_id": "7", **action},
    ]
    assert not [record for record in caplog.records if record.name.startswith("botctl")]
