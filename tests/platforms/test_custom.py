"""Custom HTTP over a real server: what is taken, what is refused, and what comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from botctl.messages import Answer, Button, IncomingMessage
from botctl.platforms.custom import CUSTOM, CustomSettings
from botctl.platforms.custom_answer import EventStream
from tests.fakes.callback_server import CallbackServer
from tests.platforms.world import NOW_MS, PATH, Desk, body, outgoing, served, two

Story = Callable[[Desk, httpx.AsyncClient], Awaitable[Any]]


def told(story: Story, desk_of: Callable[[], Desk] = Desk, **settings: Any) -> Any:
    """What a story returns that is played with a served desk."""

    async def whole() -> Any:
        desk = desk_of()
        async with served(desk, **settings) as client:
            result = await story(desk, client)
            desk.open.set()
            await desk.settle()
            return result

    return asyncio.run(whole())


async def post(client: httpx.AsyncClient, document: Any = None, **headers: str) -> httpx.Response:
    return await client.post(PATH, json=body() if document is None else document, headers=headers)


def test_a_message_is_answered_in_the_same_response() -> None:
    async def story(desk: Desk, client: httpx.AsyncClient) -> Any:
        response = await post(client)
        return response.status_code, response.json(), desk.accepted[0], desk.sent

    status, document, message, sent = told(story)

    assert (status, document) == (
        200,
        {
            "response": "you said hi",
            "messages": ["you said hi"],
            "run_id": "run1",
            "status": "completed",
            "tool_calls": 0,
            "tokens": 3,
            "cost_cents": None,
            "latency_ms": 0,
        },
    )
    assert (message.platform, message.channel_id, message.user_id, message.received_at) == (
        "custom",
        "c1",
        "u1",
        NOW_MS,
    )
    assert sent == [("http:out1",)]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"text": "hi", "user_id": "u", "channel_id": "c", "user_name": "Ada"}, ("u", "c", "Ada", "")),
        ({"text": "hi", "userId": 7, "userName": "Ada", "messageId": 12}, ("7", "7", "Ada", "12")),
        ({"text": "hi", "userId": "ü", "message_id": "m", "metadata": {"a": [1]}}, ("ü", "ü", "", "m")),
        ({"text": "hi", "userId": "u", "channelId": None}, ("u", "u", "", "")),
    ],
)
def test_fields_may_be_written_in_either_way(document: Any, expected: tuple[str, ...]) -> None:
    async def story(desk: Desk, client: httpx.AsyncClient) -> Any:
        await post(client, document)
        message = desk.accepted[0]
        return message.user_id, message.channel_id, message.user_name, message.dedupe_key

    assert told(story) == expected


WRONG_BODIES: list[tuple[bytes, int, str]] = [
    (b"", 422, "the body is not JSON"),
    (b"{", 422, "the body is not JSON"),
    (b"\xff\xfe\xfd", 422, "the body is not JSON"),
    (b"[" * 100_000, 422, "the body is not JSON"),
    (b'{"text": "hi", "userId": ' + b"9" * 5000 + b"}", 422, "the body is not JSON"),
    (b"[1]", 422, "the body is not a JSON object"),
    (b'{"userId": "u"}', 422, "`text` is missing"),
    (b'{"text": "  ", "userId": "u"}', 422, "`text` should be a text that is not empty"),
    (b'{"text": 5, "userId": "u"}', 422, "`text` should be a text that is not empty"),
    (b'{"text": "hi"}', 422, "`userId` is missing"),
    (b'{"text": "hi", "userId": ""}', 422, "`userId` is missing"),
    (b'{"text": "hi", "userId": true}', 422, "`userId` should be a text or a whole number"),
    (b'{"text": "hi", "userId": 1.5}', 422, "`userId` should be a text or a whole number"),
    (b'{"text": "hi", "user_id": {"a": 1}}', 422, "`user_id` should be a text or a whole number"),
    (
        b'{"text": "hi", "userId": "u", "channelId": "' + b"c" * 257 + b'"}',
        422,
        "`channelId` is longer than 256 characters",
    ),
    (b'{"text": "\\ud800", "userId": "u"}', 422, "`text` holds half of a surrogate pair"),
    (b'{"text": "hi", "userId": "\\udc00"}', 422, "`userId` holds half of a surrogate pair"),
    (
        json.dumps({"text": "ü" * 16_385, "userId": "u"}).encode(),
        413,
        "`text` is longer than 32768 bytes",
    ),
    (b" " * 4_200_000, 413, "the body is longer than 4194304 bytes"),
]


def test_a_wrong_body_is_refused_with_what_is_wrong_and_nothing_is_accepted() -> None:
    async def story(desk: Desk, client: httpx.AsyncClient) -> Any:
        answers = []
        for content, _, _ in WRONG_BODIES:
            response = await client.post(
                PATH, content=content, headers={"content-type": "application/json; charset=utf-8"}
            )
            answers.append((content, response.status_code, response.json()["error"]))
        return answers, desk.texts

    answers, accepted = told(story)

    assert answers == WRONG_BODIES
    assert accepted == []


def test_the_longest_text_is_taken() -> None:
    async def story(desk: Desk, client: httpx.AsyncClient) -> Any:
        response = await post(client, body(text="ü" * 16_384))
        return response.status_code, len(desk.accepted[0].text)

    assert told(story) == (200, 16_384)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_what_is_not_declared_as_json_is_refused(media_type: str) -> None:
    async def story(desk: Desk, client: httpx.AsyncClient) -> Any:
        response = await client.post(
            PATH, content=json.dumps(body()), headers={"content-type": media_type} if media_type else {}
        )
        return response.status_code, response.json()["help"], desk.texts

    assert told(story) == (415, "send content-type: application/json", [])


def test_a_message_is_not_read_with_get() -> None:
    async def story(desk: Desk, client: httpx.AsyncClient) -> Any:
        response = await client.get(PATH)
        return response.status_code, response.json()

    assert told(story) == (405, {"error": "a message is not sent with GET", "help": "use POST"})


@pytest.mark.parametrize("by", ["webhook-id", "messageId"])
def test_a_repeated_message_is_accepted_once_and_told_the_same(by: str) -> None:
    async def story(desk: Desk, client: httpx.AsyncClient) -> Any:
        document, headers = (body(), {by: "m1"}) if by == "webhook-id" else (body(messageId="m1"), {})
        first, again = await post(client, document, **headers), await post(client, document, **headers)
        return first.json() == again.json(), desk.texts, desk.accepted[0].dedupe_key

    assert told(story) == (True, ["hi"], "m1")


def test_a_repetition_that_overtakes_the_answer_gets_it_too() -> None:
    async def story(desk: Desk, client: httpx.AsyncClient) -> Any:
        desk.open.clear()
        both = asyncio.gather(post(client, body(messageId="m")), post(client, body(messageId="m")))
        await desk.arrived.wait()
        desk.open.set()
        return [response.json()["messages"] for response in await both], desk.texts

    assert told(story) == ([["you said hi"], ["you said hi"]], ["hi"])


def test_messages_without_an_id_are_never_taken_for_one_another() -> None:
    async def story(desk: Desk, client: httpx.AsyncClient) -> Any:
        await post(client)
        await post(client)
        return desk.texts

    assert told(story) == ["hi", "hi"]


def test_a_slow_run_is_told_202_and_what_it_says_later_is_lost_without_a_callback() -> None:
    async def story(desk: Desk, client: httpx.AsyncClient) -> Any:
        desk.open.clear()
        response = await post(client, body(messageId="m"))
        desk.open.set()
        await desk.settle()
        later = await post(client, body(messageId="m"))
        return response.status_code, response.json(), [error.permanent for error in desk.lost], later.json()

    status, document, lost, later = told(story, answer_timeout=0.05)

    assert (status, document["run_id"], document["status"], document["messages"]) == (
        202,
        "run1",
        "running",
        [],
    )
    assert lost == [True]
    assert later["messages"] == ["you said hi"]


def waiting(message: IncomingMessage) -> Answer:
    return Answer(run_id="", status="waiting", messages=("Which order?",))


def failing(message: IncomingMessage) -> Answer:
    return Answer(run_id="", status="error", messages=("Sorry.",), error="tool `x` broke")


def ignoring(message: IncomingMessage) -> Answer:
    return Answer(run_id="", status="ignored", reason="not allowed")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (waiting, (202, "waiting", ["Which order?"], None)),
        (failing, (200, "error", ["Sorry."], None)),
        (ignoring, (200, "ignored", [], "not allowed")),
    ],
)
def test_the_status_says_what_became_of_a_message(
    reply: Callable[[IncomingMessage], Answer], expected: tuple[object, ...]
) -> None:
    async def story(desk: Desk, client: httpx.AsyncClient) -> Any:
        response = await post(client)
        document = response.json()
        return response.status_code, document["status"], document["messages"], document.get("reason")

    assert told(story, lambda: Desk(reply)) == expected


@pytest.mark.parametrize("late", [False, True])
def test_messages_of_an_answer_count_as_sent_whenever_the_outbox_hands_them_over(late: bool) -> None:
    async def story(desk: Desk, client: httpx.AsyncClient) -> Any:
        desk.late = asyncio.Event() if late else None
        response = await post(client)
        if desk.late is not None:
            desk.late.set()
        await desk.settle()
        return response.json()["response"], len(desk.sent), desk.lost, len(desk.connection._open)  # type: ignore[union-attr]

    assert told(story, lambda: Desk(two)) == ("one\n\ntwo", 2, [], 0)


def test_a_message_that_answers_no_open_request_is_a_dead_letter_without_a_callback() -> None:
    async def story(desk: Desk, client: httpx.AsyncClient) -> Any:
        await post(client)
        answered = desk.accepted[0].reply
        await desk.send(outgoing("after all", reply=answered))
        await desk.send(outgoing("of a former life", reply={"request": "abc:1"}))
        await desk.send(outgoing("a reminder", purpose="scheduled"))
        return [(error.permanent, "callback_url" in error.message) for error in desk.lost]

    assert told(story) == [(True, True)] * 3


def test_an_answer_comes_as_events_when_they_are_asked_for() -> None:
    async def story(desk: Desk, client: httpx.AsyncClient) -> Any:
        response = await post(client, accept="text/event-stream")
        return response.status_code, response.headers["content-type"], response.text, desk.lost

    status, media_type, text, lost = told(story, lambda: Desk(two))
    blocks = [block for block in text.split("\n\n") if block.startswith("event:")]
    events = [
        (block.split("\n")[0], json.loads(block.split("\n")[2].removeprefix("data: "))) for block in blocks
    ]

    assert (status, media_type, lost) == (200, "text/event-stream", [])
    assert events[:2] == [("event: message", {"text": "one"}), ("event: message", {"text": "two"})]
    assert events[2][0] == "event: done"
    assert (events[2][1]["status"], events[2][1]["messages"]) == ("completed", ["one", "two"])


def test_a_stream_gives_signs_of_life_while_it_waits() -> None:
    async def story() -> list[bytes]:
        written: list[bytes] = []
        ready = asyncio.get_running_loop().create_future()

        async def answer() -> Answer:
            return await asyncio.shield(ready)

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                written.append(message["body"])
                if len(written) == 3:
                    ready.set_result(Answer(run_id="r", status="completed"))

        stream = EventStream(answer, lambda: Answer(run_id="r", status="running"), heartbeat=0.01)
        await stream({"type": "http"}, None, send)  # type: ignore[arg-type]
        return written

    written = asyncio.run(story())

    assert written[:3] == [b": accepted\n\n", b": still working\n\n", b": still working\n\n"]
    assert written[-1].startswith(b"event: done\n")


def test_a_request_that_waits_when_the_server_stops_is_told_202() -> None:
    async def story(desk: Desk, client: httpx.AsyncClient) -> Any:
        desk.open.clear()
        asked = asyncio.gather(post(client), post(client, accept="text/event-stream"))
        while len(desk.accepted) < 2:
            desk.arrived.clear()
            await desk.arrived.wait()
        assert desk.server is not None
        await desk.server.stop(patience=0)
        plain, stream = await asked
        return (
            plain.status_code,
            plain.json()["status"],
            json.loads(stream.text.split("data: ")[-1])["status"],
        )

    assert told(story) == (202, "running", "running")


def test_callbacks_are_posted_and_signed() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    async def whole() -> tuple[Any, ...]:
        async with CallbackServer(200) as there:
            desk = Desk()
            connection = CUSTOM.connect(CustomSettings(secret=secret, callback_url=there.url), desk.context)
            ids = await connection.send(
                outgoing("hällo", buttons=(Button(label="Yes", value="y"),), purpose="scheduled")
            )
            await connection.close()
            return ids, *there.received[0]

    ids, headers, raw = asyncio.run(whole())
    document = json.loads(raw)

    assert ids == ("out1",)
    assert (document["id"], document["channelId"], document["text"]) == ("out1", "c", "hällo")
    assert (document["buttons"], document["purpose"]) == ([{"label": "Yes", "value": "y"}], "scheduled")
    assert headers["webhook-id"] == "out1"
    from botctl.platforms.standard_webhooks import Signer

    assert Signer(secret).fault(headers, raw, NOW_MS) == ""


def test_with_a_callback_messages_go_there_and_the_response_tells_them_too() -> None:
    async def whole() -> tuple[Any, ...]:
        async with CallbackServer(204) as there:
            desk = Desk()
            async with served(desk, callback_url=there.url) as client:
                response = await post(client, body(messageId="m7"))
            posted = json.loads(there.received[0][1])
            return response.status_code, response.json()["response"], posted["text"], posted["replyTo"]

    assert asyncio.run(whole()) == (200, "you said hi", "you said hi", "m7")


@pytest.mark.parametrize(
    ("status", "permanent", "retry_after"),
    [
        (410, True, None),
        (404, True, None),
        (301, True, None),
        (429, False, 7.0),
        (408, False, 7.0),
        (503, False, 7.0),
    ],
)
def test_a_callback_that_is_not_taken_says_whether_to_try_again(
    status: int, permanent: bool, retry_after: float | None
) -> None:
    async def whole() -> Desk:
        async with CallbackServer(status, retry_after="7" if retry_after else "") as there:
            desk = Desk()
            desk.connection = CUSTOM.connect(
                CustomSettings(callback_url=there.url + "?key=s3cret"), desk.context
            )
            await desk.send(outgoing("hello"))
            await desk.connection.close()
            return desk

    (error,) = asyncio.run(whole()).lost

    assert (error.permanent, error.retry_after) == (permanent, retry_after)
    assert str(status) in error.message and "s3cret" not in error.message


def test_a_callback_that_nobody_answers_is_tried_again() -> None:
    async def whole() -> Desk:
        async with CallbackServer(200) as there:
            url = there.url
        desk = Desk()
        desk.connection = CUSTOM.connect(CustomSettings(callback_url=url), desk.context)
        await desk.send(outgoing("hello"))
        await desk.connection.close()
        return desk

    (error,) = asyncio.run(whole()).lost

    assert (error.permanent, error.message) == (False, "the callback at 127.0.0.1 broke off: ConnectError")
