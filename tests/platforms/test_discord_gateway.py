"""Discord's gateway: an unmodified discord.py on a real websocket; nothing lost, doubled or out of order."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from botctl.errors import OutsideError, UserError
from botctl.messages import Answer, IncomingMessage
from botctl.platforms import discord_interactions
from botctl.platforms.discord_application import COMMANDS
from tests.fakes.discord_forms import ME
from tests.fakes.discord_server import CONTENT_FLAG, CONTENT_INTENT, TOKEN, DiscordServer
from tests.platforms.discord_world import (
    ADA,
    DiscordDesk,
    command,
    connection,
    mention,
    message,
    press,
    receiving,
)
from tests.platforms.world import NOW_MS

Story = Callable[[DiscordServer, DiscordDesk], Awaitable[Any]]


def told(story: Story, desk_of: Callable[[], DiscordDesk] = DiscordDesk) -> Any:
    """What a story returns that is played with a server that has a direct channel 77 and a public 88."""

    async def whole() -> Any:
        async with DiscordServer() as server:
            server.channels = {"77": [], "88": []}
            server.direct = {"77"}
            desk = desk_of()
            result = await story(server, desk)
            desk.open.set()
            await desk.settle()
            return result

    return asyncio.run(whole())


def test_messages_come_in_order_and_only_those_for_us() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with receiving(server, desk):
            for number in range(20):
                await server.dispatch("MESSAGE_CREATE", message(str(1000 + number), f"n{number}"))
                await server.dispatch("MESSAGE_CREATE", message(str(2000 + number), "chatter", guild_id="3"))
            await server.dispatch("MESSAGE_CREATE", message("3000", "own", author={"id": ME, "bot": True}))
            await server.dispatch("MESSAGE_CREATE", mention("3001", channel="88"))
            await desk.until(21)
        return [one.text for one in desk.accepted if one.channel_id == "77"]

    assert told(story) == [f"n{number}" for number in range(20)]


def test_an_answer_in_a_server_is_a_reply_and_in_a_direct_channel_a_message() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with receiving(server, desk):
            await server.dispatch("MESSAGE_CREATE", message("1001"))
            await server.dispatch("MESSAGE_CREATE", mention("1002"))
            await server.until(lambda: len(server.calls("POST", "/messages")) == 2)
            bodies = server.calls("POST", "/messages")
        return [(body["content"], body.get("message_reference")) for body in bodies]

    assert told(story) == [
        ("you said hi", None),
        ("you said hi", {"message_id": "1002", "fail_if_not_exists": False}),
    ]


def test_a_connection_that_is_cut_is_resumed_and_loses_nothing() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with receiving(server, desk):
            await server.dispatch("MESSAGE_CREATE", message("1001", "before"))
            await desk.until(1)
            await server.drop(4000)
            server.events.append(("MESSAGE_CREATE", message("1002", "meanwhile")))
            await server.until(lambda: bool(server.resumed))
            await server.dispatch("MESSAGE_CREATE", message("1003", "after"))
            await desk.until(3)
        return desk.texts, len(server.intents)

    assert told(story) == (["before", "meanwhile", "after"], 1)


def test_after_a_restart_what_came_meanwhile_is_fetched_before_what_comes_now() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with receiving(server, desk):
            await server.dispatch("MESSAGE_CREATE", message("1001", "before"))
            await server.dispatch("MESSAGE_CREATE", mention("1002"))
            await desk.until(2)
        missed = [message(str(1100 + number), f"m{number}") for number in range(230)]
        server.channels["77"] = [message("1001", "before"), *missed]
        public = mention("1403")
        del public["guild_id"]  # it is not in what is fetched
        server.channels["88"] = [message("1101", "chatter", "88"), public]
        async with receiving(server, desk):
            await server.dispatch("MESSAGE_CREATE", message("1500", "now"))
            await server.dispatch("MESSAGE_CREATE", message("1300", "m200"))
            await desk.until(234)
        direct = [one.text for one in desk.accepted if one.channel_id == "77"]
        return direct, [one.dedupe_key for one in desk.accepted if one.channel_id == "88"], desk.cursor

    direct, public, cursor = told(story)

    assert direct == ["before", *(f"m{number}" for number in range(230)), "now"]
    assert public == ["1002", "1403"]
    assert json.loads(cursor) == {"88": "1403", "77": "1500"}


def test_a_message_that_was_stored_but_not_told_so_comes_again_with_the_same_key() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with receiving(server, desk) as running:
            await server.dispatch("MESSAGE_CREATE", message("1001", "first"))
            await desk.until(1)
            desk.failing = 1
            await server.dispatch("MESSAGE_CREATE", message("1002", "second"))
            await asyncio.wait([running], timeout=10)
            broken = repr(running.exception())
        server.channels["77"] = [message("1001", "first"), message("1002", "second")]
        cursor = desk.cursor
        async with receiving(server, desk):
            await server.dispatch("MESSAGE_CREATE", message("1003", "third"))
            await desk.until(3)
        return broken, cursor, desk.texts

    assert told(story) == ("OSError('the disk is full')", '{"77":"1001"}', ["first", "second", "third"])


def test_poison_stops_nothing_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with receiving(server, desk):
            await server.dispatch("MESSAGE_CREATE", message("1001", author={"id": 5}))
            await server.dispatch("MESSAGE_CREATE", message("zz"))
            await server.dispatch("INTERACTION_CREATE", {"id": "1"})
            await server.dispatch("MESSAGE_CREATE", message("1002", "half \ud83d"))
            await desk.until(1)
        return desk.texts

    with caplog.at_level(logging.WARNING, "botctl"):
        assert told(story) == ["half ?"]
    assert len([one for one in caplog.records if "cannot be understood" in one.getMessage()]) == 3


def test_a_channel_that_is_gone_does_not_keep_the_others_from_being_read() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        desk.cursor, desk.channels = '{"66":"1","77":"1"}', ["66", "55", "77"]
        server.channels["77"] = [message("5", "still here")]
        async with receiving(server, desk):
            await desk.until(1)
        fetched = [
            place for verb, place, _ in server.requests if place.endswith("/messages") and verb == "GET"
        ]
        return desk.texts, fetched

    assert told(story) == (["still here"], ["/channels/66/messages", "/channels/77/messages"])


def test_fetching_waits_as_long_as_discord_asks_for() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        desk.cursor, desk.channels = '{"77":"1"}', ["77"]
        server.channels["77"] = [message("5", "missed")]
        server.fail("GET", "/channels/77/messages", 429, retry_after=0.01, message="slow down")
        async with receiving(server, desk):
            await desk.until(1)
        return desk.texts, len(server.calls("GET", "/channels/77/messages"))

    assert told(story) == (["missed"], 2)


def test_commands_and_presses_over_the_gateway_are_stored_acknowledged_and_answered() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        server.tokens = {"tok": "new", "tok2": "new"}
        async with receiving(server, desk):
            await server.dispatch("INTERACTION_CREATE", command("ask", question="why?"))
            await server.dispatch("INTERACTION_CREATE", press("ho:h:approved", token="tok2"))
            await server.until(lambda: len(server.sent) == 2)
        acknowledged = sorted(body["type"] for body in server.calls("POST", "/callback"))
        return server.tokens, acknowledged, sorted(one["content"] for one in server.sent)

    assert told(story) == (
        {"tok": "thinking", "tok2": "noticed"},
        [5, 6],
        ["you said ho:h:approved", "you said why?"],
    )


def silent(_: IncomingMessage) -> Answer:
    return Answer(run_id="", status="ignored", reason="the bot is paused")


def test_who_gets_no_answer_is_not_shown_that_the_bot_is_thinking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord_interactions, "PATIENCE", 0.0)

    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with receiving(server, desk):
            await server.dispatch("INTERACTION_CREATE", command("ask", question="why?"))
            await server.until(lambda: bool(server.calls("DELETE", "/messages/@original")))
        return server.sent

    assert told(story, lambda: DiscordDesk(silent)) == []


def test_the_commands_are_registered_once_and_those_of_others_stay() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        server.commands = [{"id": "7", "application_id": "1000", "name": "order", "type": 1}]
        async with receiving(server, desk):
            pass
        async with receiving(server, desk):
            pass
        return server.calls("PUT", "/commands"), [one["name"] for one in server.commands]

    put, known = told(story)

    assert put == [[{"name": "order", "type": 1}, *COMMANDS]]
    assert known == ["order", "ask", "reset"]


@pytest.mark.parametrize("may_take_over", [False, True])
def test_an_endpoint_of_somebody_else_is_taken_away_only_if_that_is_allowed(may_take_over: bool) -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        server.application["interactions_endpoint_url"] = "https://prod.example/webhooks/b/discord"
        desk.may_take_over = may_take_over
        async with receiving(server, desk):
            pass
        return server.application["interactions_endpoint_url"] is None

    assert told(story) is may_take_over


@pytest.mark.parametrize(("flags", "is_asked"), [(0, False), (CONTENT_FLAG, True)])
def test_the_message_content_intent_is_used_only_where_it_is_on(flags: int, is_asked: bool) -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        server.application["flags"] = flags
        async with receiving(server, desk):
            pass
        return bool(server.intents[0] & CONTENT_INTENT)

    assert told(story) is is_asked


def test_a_token_that_is_refused_is_the_users_to_change_and_is_tried_once() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        made = connection(server, desk, token="wr0ng")
        errors = []
        for _ in range(2):
            with pytest.raises(UserError) as caught:
                await made.run()
            errors.append((caught.value.message, caught.value.help))
        await made.close()
        return errors, len(server.requests)

    errors, requests = told(story)

    assert errors[0] == errors[1] and errors[0][0] == "discord refused the token of bot `support-bot`"
    assert "wr0ng" not in str(errors) and requests == 1


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (4004, UserError, "refused the token"),
        (4014, UserError, "the message content intent was switched off"),
        (4011, UserError, "needs shards"),
    ],
)
def test_a_gateway_that_is_closed_for_good_says_why(code: int, kind: type[Exception], said: str) -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with receiving(server, desk) as running:
            await server.drop(code)
            await asyncio.wait([running], timeout=10)
            return running.exception()

    error = told(story)

    assert isinstance(error, kind) and said in str(error) and TOKEN not in str(error)


def test_a_new_session_on_the_same_connection_is_caught_up() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with receiving(server, desk):
            await server.dispatch("MESSAGE_CREATE", message("1001", "before"))
            await desk.until(1)
            server.channels["77"] = [message("1002", "meanwhile")]
            await server.dispatch(*server.events[0])
            await desk.until(2)
        return desk.texts

    assert told(story) == ["before", "meanwhile"]


def test_a_gateway_that_is_gone_is_for_the_supervisor_to_enter_again() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with receiving(server, desk) as running:
            await server._runner.cleanup()  # the whole server is gone
            await asyncio.wait([running], timeout=10)
            return running.exception()

    assert isinstance(told(story), OutsideError)


def test_no_session_is_begun_when_discord_allows_no_more_today() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        server.sessions_left = 0
        made = connection(server, desk)
        with pytest.raises(OutsideError, match="enter the gateway again in 9 seconds"):
            await made.run()
        await made.close()
        return server.intents

    assert told(story) == []


def test_files_are_kept_and_one_that_is_not_says_why(tmp_path: Path) -> None:
    def desk() -> DiscordDesk:
        made = DiscordDesk()
        made.keep_files(tmp_path)
        return made

    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        server.files = {"a.png": b"PNG", "big.png": b"x" * 1001, "x.exe": b"MZ"}
        attachments = [
            {"id": "1", "filename": name, "content_type": kind, "size": 3, "url": f"{server.url}/cdn/{name}"}
            for name, kind in [
                ("a.png", "image/png"),
                ("big.png", "image/png"),
                ("x.exe", "application/x-dosexec"),
            ]
        ]
        gone = {"id": "4", "filename": "gone.png", "content_type": "image/png", "url": "http://127.0.0.1:1/x"}
        async with receiving(server, desk):
            await server.dispatch("MESSAGE_CREATE", message("1001", "", attachments=[*attachments, gone]))
            await desk.until(1)
        kept = desk.accepted[0].attachments
        content = (tmp_path / kept[0].path).read_bytes()
        return content, [(one.name, bool(one.path), one.refused) for one in kept]

    content, kept = told(story, desk)

    assert content == b"PNG"
    assert kept == [
        ("a.png", True, ""),
        ("big.png", False, "it is larger than 0.001 MB"),
        ("x.exe", False, "files of type application/x-dosexec are not taken"),
        ("gone.png", False, "it could not be fetched"),
    ]


def test_what_discord_offers_is_checked_and_nothing_is_changed() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        server.application["interactions_endpoint_url"] = "https://prod.example/webhooks/b/discord"
        made = connection(server, desk)
        checks = await made.check()
        await made.close()
        return [(one.is_well, one.fact) for one in checks], {verb for verb, _, _ in server.requests}

    checks, verbs = told(story)

    assert checks[:3] == [
        (True, "discord knows the token: it is helper"),
        (False, "/ask and /reset are not registered as they are now"),
        (False, "commands and buttons go to prod.example, not over the gateway"),
    ]
    assert checks[3][1].startswith("the message content intent is off")
    assert verbs == {"GET"}


def test_a_check_of_what_cannot_be_reached_raises_nothing() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        refused, lost = (
            connection(server, desk, token="wr0ng"),
            connection(server, desk, base_url="http://127.0.0.1:1"),
        )
        checks = [*await refused.check(), *await lost.check()]
        await refused.close()
        await lost.close()
        return [(one.is_well, one.fact) for one in checks]

    assert told(story) == [
        (False, "discord refused the token of bot `support-bot`"),
        (False, "discord broke off: ClientConnectorError"),
    ]


def test_the_time_of_an_answer_is_ours() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with receiving(server, desk):
            await server.dispatch("MESSAGE_CREATE", message("1001", author=ADA))
            await desk.until(1)
        return desk.accepted[0].received_at

    assert told(story) == NOW_MS
