"""Discord's endpoint and API: interactions over real HTTP, signed, and what we send over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import structs

from botctl.errors import OutsideError
from botctl.messages import Attachment, Button
from botctl.platforms.discord_interactions import HASTE, MARGIN
from botctl.platforms.discord_messages import ANSWER_TIME
from botctl.platforms.platform import (
    Checkable,
    Doorkeeper,
    Registrar,
    Registration,
    SendError,
    Typist,
)
from tests.fakes.discord_forms import APPLICATION, push
from tests.fakes.discord_server import TOKEN, DiscordServer
from tests.platforms.discord_world import (
    DiscordDesk,
    command,
    connection,
    listening,
    press,
    to_discord,
)
from tests.platforms.world import NOW_MS

Story = Callable[[DiscordServer, DiscordDesk], Awaitable[Any]]
NOW = NOW_MS // 1000


def told(story: Story) -> Any:
    """What a story returns that is played with a server that has a direct channel 77."""

    async def whole() -> Any:
        async with DiscordServer() as server:
            server.channels, server.direct = {"77": []}, {"77"}
            return await story(server, DiscordDesk())

    return asyncio.run(whole())


def test_a_ping_is_answered_and_stores_nothing() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with listening(server, desk) as url:
            return await push(url, {"type": 1, "id": "1", "token": "t"}, at=NOW), desk.accepted

    assert told(story) == ((200, {"type": 1}), [])


def test_a_command_is_deferred_once_it_is_stored_and_answered_by_its_token() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with listening(server, desk) as url:
            desk.open.clear()
            acknowledged = await server.interact(url, command("ask", question="why?"))
            stored = list(desk.texts)
            desk.open.set()
            await desk.settle()
        return acknowledged, stored, [(one["channel_id"], one["content"]) for one in server.sent]

    assert told(story) == ((200, {"type": 5}), ["why?"], [("@tok", "you said why?")])


def test_an_answer_that_is_quicker_than_the_acknowledgement_waits_for_it() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with listening(server, desk) as url:
            server.fail("POST", "/webhooks/1000/tok", 404, code=10015, message="Unknown Webhook")
            await server.interact(url, command("ask", question="why?"))
            await desk.settle()
        [error] = desk.lost
        return error.permanent, error.retry_after, server.sent

    assert told(story) == (False, 1.0, [])


def test_a_press_stops_spinning_and_is_answered() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with listening(server, desk) as url:
            acknowledged = await server.interact(url, press("ho:h1:approved"))
            await desk.settle()
        message = desk.accepted[0]
        return acknowledged, message.kind, message.button_value, message.user_id, len(server.sent)

    assert told(story) == ((200, {"type": 6}), "button", "ho:h1:approved", "5", 1)


def test_an_interaction_that_comes_twice_is_answered_once() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with listening(server, desk) as url:
            first = await server.interact(url, command("ask", question="why?"))
            again = await push(url, command("ask", question="why?"), at=NOW)
            await desk.settle()
        return first == again, desk.texts, len(server.sent)

    assert told(story) == (True, ["why?"], 1)


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        ({**command("ask"), "type": 4}, {"type": 8, "data": {"choices": []}}),
        ({**press("x"), "type": 5}, {"type": 4, "data": {"content": "That is not known here.", "flags": 64}}),
        ({**press("x"), "data": {"custom_id": "x", "component_type": 3}}, {"type": 6}),
    ],
    ids=["autocomplete", "modal", "select"],
)
def test_what_we_never_offer_is_acknowledged_and_not_stored(
    payload: dict[str, Any], answer: dict[str, Any]
) -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with listening(server, desk) as url:
            return await push(url, payload, at=NOW), desk.accepted

    assert told(story) == ((200, answer), [])


def test_what_is_not_to_be_trusted_is_refused_and_counted_before_it_is_read() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with listening(server, desk) as url:
            answers = [
                await push(url, command("ask"), at=NOW, signature="0" * 128),
                await push(url, command("ask"), at=NOW, signature="no hex"),
                await push(url, command("ask"), at=NOW - 301),
                await push(url, command("ask"), at=NOW + 301),
                await push(url, command("ask"), at=-5),
            ]
            async with httpx.AsyncClient(trust_env=False) as client:
                unsigned = await client.post(url, content=b"\xff")
                got = await client.get(url)
            doorkeeper = desk.connection
            assert isinstance(doorkeeper, Doorkeeper)
        statuses = [status for status, _ in answers]
        return statuses, unsigned.status_code, got.status_code, doorkeeper.refused, desk.accepted

    assert told(story) == ([401] * 5, 401, 405, 6, [])


def test_a_signed_body_that_is_no_interaction_is_told_so() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with listening(server, desk) as url:
            status, answer = await push(url, {"id": 1}, at=NOW)
        return status, answer["error"]

    status, error = told(story)

    assert status == 400 and error.startswith("this interaction cannot be understood")


def test_without_a_public_key_nothing_that_is_pushed_is_trusted() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with listening(server, desk, mode="polling", public_key="") as url:
            status, answer = await push(url, command("ask"), at=NOW)
        doorkeeper = desk.connection
        assert isinstance(doorkeeper, Doorkeeper)
        return status, answer["error"], doorkeeper.is_verified, doorkeeper.refused, desk.accepted

    assert told(story) == (401, "this request is refused: `public_key` is not set", True, 1, [])


def test_an_acknowledgement_does_not_wait_for_fifty_slow_turns() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        desk.open.clear()
        async with listening(server, desk) as url:
            loop, took = asyncio.get_running_loop(), []
            for number in range(50):
                began = loop.time()
                await push(url, command("ask", str(3000 + number), f"t{number}", question="?"), at=NOW)
                took.append(loop.time() - began)
            server.tokens = {f"t{number}": "thinking" for number in range(50)}
            desk.open.set()
            await desk.settle()
        return sorted(took)[25], len(server.sent)

    median, answered = told(story)

    assert median < 0.05 and answered == 50


def of_interaction(**changes: Any) -> dict[str, Any]:
    return {"application": APPLICATION, "token": "tok", "until": NOW_MS + ANSWER_TIME, **changes}


@pytest.mark.parametrize(
    ("state", "later"),
    [("thinking", ANSWER_TIME - MARGIN), ("over", HASTE)],
    ids=["fifteen minutes", "token refused"],
)
def test_an_answer_that_is_too_late_for_its_token_goes_to_the_channel(state: str, later: int) -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        made = connection(server, desk)
        server.tokens["tok"] = state
        desk.now += later
        await made.send(to_discord("late", reply=of_interaction()))
        await made.close()
        return [(one["channel_id"], one["content"]) for one in server.sent]

    assert told(story) == [("77", "late")]


def test_an_answer_that_can_go_nowhere_says_why() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        made = connection(server, desk)
        desk.now += ANSWER_TIME
        server.fail("POST", "/messages", 403, code=50001, message="Missing Access")
        with pytest.raises(SendError) as caught:
            await made.send(to_discord("late", reply=of_interaction()))
        await made.close()
        return caught.value.permanent, caught.value.message

    assert told(story) == (
        True,
        "the interaction's 15 minutes are over, and to its channel discord answered 403 (50001):"
        " Missing Access",
    )


def test_a_message_of_three_parts_goes_on_where_it_was_stopped() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        made = connection(server, desk)
        said = to_discord("a" * 2000 + "b" * 2000 + "c" * 5, reply={"message": "1001"})
        server.faults[("POST", "/messages")] = [(503, {}), (429, {"retry_after": 2.5, "message": "slow"})]
        errors = []
        for _ in range(2):
            with pytest.raises(SendError) as caught:
                await made.send(said)
            errors.append((caught.value.permanent, caught.value.retry_after))
        ids = await made.send(said)
        await made.close()
        return (
            errors,
            ids,
            [(one["content"][0], one["nonce"], "message_reference" in one) for one in server.sent],
        )

    errors, ids, sent = told(story)

    assert errors == [(False, None), (False, 2.5)]
    assert ids == ("5000", "5001", "5002")
    assert sent == [("a", "out1-0", True), ("b", "out1-1", False), ("c", "out1-2", False)]


def test_a_message_whose_answer_was_lost_is_not_shown_twice() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        first, second = connection(server, desk), connection(server, desk)
        sent = [await first.send(to_discord("once")), await second.send(to_discord("once"))]
        await first.close()
        await second.close()
        return sent, len(server.sent)

    assert told(story) == ([("5000",), ("5000",)], 1)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"code": 50035, "message": "Invalid Form Body"}, (True, None)),
        (403, {"code": 50013, "message": "Missing Permissions"}, (True, None)),
        (403, {"code": 50001, "message": "Missing Access"}, (True, None)),
        (403, {"code": 50007, "message": "Cannot send messages to this user"}, (True, None)),
        (404, {"code": 10003, "message": "Unknown Channel"}, (True, None)),
        (429, {"retry_after": 1.5, "message": "You are being rate limited."}, (False, 1.5)),
        (429, {"message": "banned"}, (False, 1.0)),
        (500, {}, (False, None)),
        (502, {}, (False, None)),
    ],
)
def test_what_discord_answers_says_whether_to_try_again(
    status: int, body: dict[str, Any], expected: tuple[bool, float | None]
) -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        made = connection(server, desk)
        server.fail("POST", "/messages", status, **body)
        with pytest.raises(SendError) as caught:
            await made.send(to_discord("hi"))
        await made.close()
        return caught.value, len(server.calls("POST", "/messages"))

    error, attempts = told(story)

    assert (error.permanent, error.retry_after) == expected
    assert attempts == 1 and TOKEN not in error.message


def test_a_global_limit_holds_back_every_channel() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        made = connection(server, desk)
        server.fail("POST", "/messages", 429, retry_after=60, message="all of it", **{"global": True})
        waits = []
        for channel in ("77", "78"):
            with pytest.raises(SendError) as caught:
                await made.send(structs.replace(to_discord("hi"), channel_id=channel))
            waits.append(caught.value.retry_after or 0)
        await made.close()
        return waits, len(server.calls("POST", "/messages"))

    waits, attempts = told(story)

    assert waits[0] == 60 and 50 < waits[1] <= 60 and attempts == 1


def test_a_refused_token_is_permanent_and_is_not_in_the_error() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        made = connection(server, desk, token="wr0ng")
        for _ in range(2):
            with pytest.raises(SendError) as caught:
                await made.send(to_discord("hi"))
        await made.close()
        return caught.value, len(server.requests)

    error, requests = told(story)

    assert error.permanent and "wr0ng" not in error.message and requests == 1


def test_an_api_that_is_not_there_is_tried_again_later() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        made = connection(server, desk, base_url="http://127.0.0.1:1")
        with pytest.raises(SendError) as caught:
            await made.send(to_discord("hi"))
        await made.close()
        return caught.value.permanent, caught.value.message

    assert told(story) == (False, "discord broke off: ClientConnectorError")


def test_buttons_and_files_leave_together(tmp_path: Path) -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        desk.keep_files(tmp_path)
        (tmp_path / "f1").write_bytes(b"PDF")
        made = connection(server, desk)
        await made.send(
            to_discord(
                "Pay?",
                buttons=(Button(label="Yes", value="yes"),),
                attachments=(Attachment(kind="document", name="bill.pdf", path="f1"),),
            )
        )
        with pytest.raises(SendError) as caught:
            gone = Attachment(kind="document", name="gone.pdf", path="f2")
            await made.send(to_discord("", attachments=(gone,)))
        await made.close()
        return server.sent, caught.value.permanent

    [sent], is_permanent = told(story)

    assert sent["uploaded"] == {"files[0]": ("bill.pdf", "PDF")}
    assert sent["components"][0]["components"][0]["custom_id"] == "yes"
    assert is_permanent


def test_a_message_of_nothing_is_permanent() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        made = connection(server, desk)
        with pytest.raises(SendError) as caught:
            await made.send(to_discord("  \n"))
        await made.close()
        return caught.value.permanent, server.requests

    assert told(story) == (True, [])


def test_typing_is_shown_and_not_tried_again_where_it_is_not_allowed() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        made = connection(server, desk)
        assert isinstance(made, Typist)
        for channel in ("77", "66", "66"):
            await made.typing(channel, "")
        await made.close()
        return [place for verb, place, _ in server.requests if place.endswith("/typing")]

    assert told(story) == ["/channels/77/typing", "/channels/66/typing"]


def test_the_endpoint_is_registered_once_tried_by_discord_and_taken_away() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with listening(server, desk) as url:
            made = desk.connection
            assert isinstance(made, Registrar)
            before = await made.registration()
            await made.register(url)
            await made.register(url)
            known = await made.registration()
            await made.unregister()
            await made.unregister()
            changes = [verb for verb, _, _ in server.requests if verb != "GET"]
            return before, known.url == url, await made.registration(), changes

    assert told(story) == (Registration(), True, Registration(), ["PUT", "PATCH", "PATCH"])


def test_an_endpoint_that_discord_does_not_take_is_not_registered() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        async with listening(server, desk, public_key="ab" * 32) as url:
            made = desk.connection
            assert isinstance(made, Registrar)
            with pytest.raises(OutsideError, match="50035"):
                await made.register(url)
            return server.application["interactions_endpoint_url"]

    assert told(story) is None


def test_a_webhook_is_checked_for_its_key_and_its_address() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        made = connection(server, desk, mode="webhook")
        other = connection(server, desk, mode="webhook", public_key="ab" * 32)
        assert isinstance(made, Checkable)
        first = await made.check()
        server.application["interactions_endpoint_url"] = desk.context.webhook_url
        second = [*await made.check(), *await other.check()]
        await made.close()
        await other.close()
        return [(one.is_well, one.fact) for one in [*first, *second] if "registered" not in one.fact]

    well = (True, "discord knows the token: it is helper")
    key = (True, "`public_key` is that of the application")
    assert told(story) == [
        well,
        key,
        (False, "interactions go nowhere: no endpoint is set"),
        well,
        key,
        (True, "interactions go here"),
        well,
        (False, "`public_key` is another one's"),
        (True, "interactions go here"),
    ]


def test_nothing_is_polled_with_webhooks() -> None:
    async def story(server: DiscordServer, desk: DiscordDesk) -> Any:
        made = connection(server, desk, mode="webhook")
        await made.run()
        await made.close()
        return server.requests

    assert told(story) == []
