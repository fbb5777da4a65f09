"""Standard Webhooks: what is taken, and that nothing else is; over a real server where it matters."""

from __future__ import annotations

import asyncio
import base64
import json
import random
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from botctl.errors import UserError
from botctl.platforms.custom import CUSTOM, CustomSettings
from botctl.platforms.standard_webhooks import Signer
from tests.platforms.world import NOW_MS, PATH, Desk, body, served

# The vector of the specification's own libraries (test_sign).
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
SIGNED_AT = 1_614_265_330
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = "Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
GOOD = {"webhook-id": ID, "webhook-timestamp": str(SIGNED_AT), "webhook-signature": SIGNATURE}


def fault(headers: dict[str, str], content: bytes = BODY, seconds_later: float = 0) -> str:
    return Signer(SECRET).fault(headers, content, round((SIGNED_AT + seconds_later) * 1000))


def test_our_signature_is_the_one_of_the_specification() -> None:
    assert Signer(SECRET).headers(ID, BODY.decode(), SIGNED_AT * 1000 + 999) == GOOD


@pytest.mark.parametrize(
    "signatures",
    [
        SIGNATURE,
        f"v1,{OTHER} v2,{OTHER} {SIGNATURE}",
        f"{SIGNATURE} v1,{OTHER}",
        f"nonsense , v1 v1,!!! {SIGNATURE}",
    ],
)
def test_any_signature_of_a_list_may_fit(signatures: str) -> None:
    assert fault(GOOD | {"webhook-signature": signatures}) == ""


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_either_way_are_tolerated(seconds: int) -> None:
    assert fault(GOOD, seconds_later=seconds) == ""


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"webhook-signature": SIGNATURE.replace("OE=", "OA=")}, "its signature does not fit"),
        ({"webhook-signature": SIGNATURE.replace("OE=", "OF=")}, "its signature does not fit"),
        ({"webhook-signature": SIGNATURE.replace("v1,", "v2,")}, "its signature does not fit"),
        ({"webhook-signature": SIGNATURE.replace("v1,", "")}, "its signature does not fit"),
        ({"webhook-signature": SIGNATURE + "\xff"}, "its signature does not fit"),
        ({"webhook-signature": f"v1,{OTHER} " * 40 + SIGNATURE}, "its signature does not fit"),
        ({"webhook-signature": ""}, "it is not signed"),
        ({"webhook-id": ""}, "it is not signed"),
        ({"webhook-timestamp": ""}, "it is not signed"),
        ({"webhook-id": ID + "x"}, "its signature does not fit"),
        ({"webhook-id": "a.b"}, "webhook-id or webhook-timestamp is not as it should be written"),
        ({"webhook-timestamp": str(SIGNED_AT + 1)}, "its signature does not fit"),
        (
            {"webhook-timestamp": f"0{SIGNED_AT}"},
            "webhook-id or webhook-timestamp is not as it should be written",
        ),
        ({"webhook-timestamp": f"{SIGNED_AT}.0"}, "webhook-timestamp is not a number of seconds"),
        ({"webhook-timestamp": "1.61426533e9"}, "webhook-timestamp is not a number of seconds"),
        ({"webhook-timestamp": "nan"}, "webhook-timestamp is not a number of seconds"),
        ({"webhook-timestamp": "²"}, "webhook-timestamp is not a number of seconds"),
        ({"webhook-timestamp": "9" * 500}, "webhook-timestamp is not a number of seconds"),
        ({"webhook-timestamp": str(SIGNED_AT - 301)}, "its timestamp is more than five minutes off"),
        ({"webhook-timestamp": str(SIGNED_AT + 301)}, "its timestamp is more than five minutes off"),
    ],
)
def test_what_is_not_signed_to_the_letter_is_refused_with_a_reason(changed: dict[str, str], why: str) -> None:
    assert fault(GOOD | changed) == why


@pytest.mark.parametrize("content", [BODY + b" ", BODY[:-1], b"", b"\xff", BODY.replace(b"4", b"5", 1)])
def test_another_body_is_refused(content: bytes) -> None:
    assert fault(GOOD, content) != ""


@pytest.mark.parametrize("name", list(GOOD))
def test_a_missing_header_is_refused(name: str) -> None:
    assert fault({other: value for other, value in GOOD.items() if other != name}) == "it is not signed"


def test_what_we_take_the_reference_library_takes_too() -> None:
    now = datetime.now(UTC)
    signer, reference = Signer(SECRET), Webhook(SECRET)
    headers = signer.headers("msg_1", BODY.decode(), round(now.timestamp() * 1000))

    assert reference.verify(BODY, headers) == json.loads(BODY)
    assert signer.fault(headers, BODY, round(now.timestamp() * 1000)) == ""
    with pytest.raises(WebhookVerificationError):
        reference.verify(BODY + b" ", headers)


@pytest.mark.parametrize(
    ("secret", "fault"),
    [("whsec_a", "is not base64"), ("schlüssel", "is not base64"), ("whsec_c2VjcmV0", "is too short")],
)
def test_a_secret_that_is_none_is_refused_and_not_repeated(secret: str, fault: str) -> None:
    with pytest.raises(UserError) as caught:
        CUSTOM.connect(CustomSettings(secret=secret), Desk().context)

    assert caught.value.message == f"the secret of platform `custom` of bot `support-bot` {fault}"


async def send(client: httpx.AsyncClient, headers: list[tuple[bytes, bytes]], content: bytes) -> int:
    plain = [(b"content-type", b"application/json"), *headers]
    return (await client.post(PATH, content=content, headers=plain)).status_code


def signed(content: bytes, id: str = "msg_1") -> list[tuple[bytes, bytes]]:
    headers = Signer(SECRET).headers(id, content.decode(), NOW_MS)
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def test_a_signed_message_is_accepted_and_its_id_tells_repeats() -> None:
    content = json.dumps(body(messageId="not this one")).encode()

    async def whole() -> tuple[list[int], list[str]]:
        desk = Desk()
        async with served(desk, secret=SECRET) as client:
            statuses = [await send(client, signed(content), content) for _ in range(2)]
        return statuses, [message.dedupe_key for message in desk.accepted]

    assert asyncio.run(whole()) == ([200, 200], ["msg_1"])


def test_of_300_tampered_requests_none_is_accepted_and_all_are_counted() -> None:
    content = json.dumps(body()).encode()
    chance = random.Random(20261121)

    def tampered() -> tuple[list[tuple[bytes, bytes]], bytes]:
        headers = signed(content)
        part = chance.randrange(5)
        if part == 3:
            return headers, _flipped(content, chance)
        if part == 4:
            del headers[chance.randrange(3)]
            return headers, content
        name, value = headers[part]
        headers[part] = (name, _flipped(value, chance))
        return headers, content

    async def whole() -> tuple[set[int], int, list[str]]:
        desk = Desk()
        async with served(desk, secret=SECRET) as client:
            statuses = {await send(client, *tampered()) for _ in range(300)}
            health = (await client.get("/healthz")).json()
        return statuses, health["refused"]["support-bot/custom"], desk.texts

    assert asyncio.run(whole()) == ({401}, 300, [])


def _flipped(text: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(text))
    letters = [letter for letter in range(0x21, 0x7F) if letter != text[place]]
    return text[:place] + bytes([chance.choice(letters)]) + text[place + 1 :]


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"webhook-signature", b"v1")],
        [(b"webhook-id", b"\xe9"), (b"webhook-timestamp", b"\xb2"), (b"webhook-signature", b"\xff\xfe")],
        [*signed(b"{}"), (b"webhook-signature", b"v1,x")],
        [*signed(b"{}"), (b"webhook-id", b"msg_2")],
        [(name, value) for name, value in signed(b"{}") if name != b"webhook-id"],
    ],
    ids=["none", "one", "not ascii", "two signatures", "two ids", "no id"],
)
def test_malformed_headers_are_refused_with_401(headers: list[tuple[bytes, bytes]]) -> None:
    async def whole() -> tuple[int, int]:
        desk = Desk()
        async with served(desk, secret=SECRET) as client:
            return await send(client, headers, b"{}"), desk.connection.refused  # type: ignore[union-attr]

    assert asyncio.run(whole()) == (401, 1)


def test_a_stranger_is_not_told_what_else_is_wrong_with_his_request() -> None:
    async def whole() -> Any:
        async with served(Desk(), secret=SECRET) as client:
            response = await client.post(PATH, content=b"{", headers={"content-type": "text/plain"})
        return response.status_code, response.json()

    assert asyncio.run(whole()) == (
        401,
        {"error": "this request is refused: it is not signed", "help": "sign it with Standard Webhooks"},
    )


def test_a_secret_without_prefix_is_the_same_secret() -> None:
    bare = SECRET.removeprefix("whsec_")

    assert base64.b64decode(bare)
    assert Signer(bare).headers(ID, BODY.decode(), SIGNED_AT * 1000) == GOOD
