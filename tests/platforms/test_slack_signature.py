"""Slack's signatures: the official vector, tampering, and the SDK's verifier as a second opinion."""

from __future__ import annotations

import random
from urllib.parse import parse_qsl, urlencode

import pytest
from slack_sdk.signature import Clock, SignatureVerifier

from botctl.platforms.slack_signature import fault, signature

# docs.slack.dev/authentication/verifying-requests-from-slack; also in python-slack-sdk's own tests.
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TIMESTAMP = "1531420618"
BODY = urlencode(
    parse_qsl(
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        "&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
        "%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
        keep_blank_values=True,
    )
).encode()
SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
NOW_MS = int(TIMESTAMP) * 1000


def refused(body: bytes, timestamp: bytes, given: bytes, *, now_ms: int = NOW_MS) -> str:
    headers = [(b"host", b"x"), (b"x-slack-request-timestamp", timestamp), (b"x-slack-signature", given)]
    return fault(SECRET, headers, body, now_ms)


def test_the_official_vector_passes() -> None:
    assert refused(BODY, TIMESTAMP.encode(), SIGNATURE.encode()) == ""
    assert signature(SECRET, TIMESTAMP, BODY) == SIGNATURE


def test_a_thousand_tampered_requests_are_refused_and_the_sdk_agrees() -> None:
    class Standing(Clock):
        def now(self) -> float:
            return NOW_MS / 1000

    oracle = SignatureVerifier(SECRET, Standing())
    chance = random.Random(4)
    verdicts = []
    for _ in range(1000):
        parts = [bytearray(BODY), bytearray(TIMESTAMP.encode()), bytearray(SIGNATURE.encode())]
        part = parts[chance.randrange(3)]
        place = chance.randrange(len(part))
        change = chance.choice(("flip", "drop", "add"))
        if change == "drop":
            # of a run of equal bytes it is the same whichever one goes
            del part[place]
        elif change == "add":
            part.insert(place, chance.randrange(1, 256))
        else:
            part[place] ^= chance.randrange(1, 256)
        body, timestamp, given = (bytes(one) for one in parts)
        try:
            accepted = oracle.is_valid(body, timestamp.decode("latin-1"), given.decode("latin-1"))
        except (ValueError, TypeError):  # it raises on what it cannot read
            accepted = False
        verdicts.append((refused(body, timestamp, given) != "", accepted))

    assert verdicts == [(True, False)] * 1000


@pytest.mark.parametrize(("seconds", "is_taken"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_a_request_is_good_for_five_minutes(seconds: int, is_taken: bool) -> None:
    found = refused(BODY, TIMESTAMP.encode(), SIGNATURE.encode(), now_ms=NOW_MS + seconds * 1000)

    assert (found == "") is is_taken


@pytest.mark.parametrize(
    ("timestamp", "given"),
    [
        (b"", SIGNATURE.encode()),
        (TIMESTAMP.encode(), b""),
        (b"soon", SIGNATURE.encode()),
        (b"\xd9\xa1\xd9\xa2", SIGNATURE.encode()),
        (b"+" + TIMESTAMP.encode(), SIGNATURE.encode()),
        (b"9" * 5000, SIGNATURE.encode()),
        (TIMESTAMP.encode(), SIGNATURE.upper().encode()),
        (TIMESTAMP.encode(), SIGNATURE.removeprefix("v0=").encode()),
        (TIMESTAMP.encode(), b"v0=zz"),
        (TIMESTAMP.encode(), "v0=ü".encode()),
        (TIMESTAMP.encode(), b"v0=" + b"\xff" * 64),
    ],
)
def test_malformed_headers_are_refused(timestamp: bytes, given: bytes) -> None:
    assert refused(BODY, timestamp, given) != ""


def test_a_header_that_is_given_twice_says_nothing() -> None:
    headers = [(b"x-slack-request-timestamp", TIMESTAMP.encode())]
    headers += [(b"x-slack-signature", SIGNATURE.encode())] * 2

    assert fault(SECRET, headers, BODY, NOW_MS) == "it is not signed"


def test_a_body_that_is_not_utf_8_is_signed_like_any_other() -> None:
    body = b"\xff\x00"

    assert refused(body, TIMESTAMP.encode(), signature(SECRET, TIMESTAMP, body).encode()) == ""
