"""Discord's signatures: the official vectors, Discord's own verifier as a second opinion, and tamperings."""

from __future__ import annotations

import random

import pytest
from discord_interactions import verify_key
from nacl.signing import SigningKey, VerifyKey

from botctl.platforms.discord_signature import Verifier

# discord_ping: generated with the seed 00..1f and accepted by discord-interactions 0.4.0.
PUBLIC_KEY = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
BODY = b'{"type":1,"id":"787053080478613555","token":"t","application_id":"1","version":1}'
TIMESTAMP = "1674087231"
SIGNATURE = (
    "8a1bbfd4fd207c11fb4df95aa745d3326226a5b940a5ec7707f414653c7169f5"
    "b598f7b85da76e8b42bdbb6962cc90db132ccf2b552dc1a4aeaf253934f0f90c"
)
NOW_MS = int(TIMESTAMP) * 1000

VERIFIER = Verifier(PUBLIC_KEY)


def headers(signature: str = SIGNATURE, timestamp: str = TIMESTAMP) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", b"application/json"),
        (b"x-signature-ed25519", signature.encode("latin-1")),
        (b"x-signature-timestamp", timestamp.encode("latin-1")),
    ]


def test_the_vector_is_trusted_by_us_and_by_discords_own_verifier() -> None:
    ours = VERIFIER.fault(headers(), BODY, NOW_MS)

    assert (ours, verify_key(BODY, SIGNATURE, TIMESTAMP, PUBLIC_KEY)) == ("", True)


def test_the_vector_with_a_wrong_signature_is_refused() -> None:
    assert VERIFIER.fault(headers("0" * 128), BODY, NOW_MS) == "its signature does not fit"


def test_the_official_vector_of_ed25519_is_met() -> None:
    seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"  # RFC 8032, 7.1, TEST 1
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    signature = (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )

    signed = SigningKey(bytes.fromhex(seed)).sign(b"").signature

    assert signed.hex() == signature
    assert VerifyKey(bytes.fromhex(public)).verify(b"", signed) == b""


def test_a_key_may_be_written_in_capitals() -> None:
    assert Verifier(PUBLIC_KEY.upper()).fault(headers(), BODY, NOW_MS) == ""


def test_a_thousand_tamperings_are_all_refused() -> None:
    chance = random.Random(4)
    trusted = []
    for number in range(1000):
        body, signature, timestamp, now = BODY, SIGNATURE, TIMESTAMP, NOW_MS
        match number % 4:
            case 0:
                body = changed(chance, body)
            case 1:
                signature = changed(chance, signature.encode()).decode("latin-1")
            case 2:
                timestamp = changed(chance, timestamp.encode()).decode("latin-1")
            case 3:
                now += chance.choice((-1, 1)) * chance.randint(300_001, 10**10)
        if not VERIFIER.fault(headers(signature, timestamp), body, now):
            trusted.append((body, signature, timestamp, now))

    assert trusted == []


def changed(chance: random.Random, text: bytes) -> bytes:
    """One byte replaced by another one, put in, or taken out."""
    at = chance.randrange(len(text))
    other = bytes([chance.choice([byte for byte in range(1, 256) if byte != text[at]])])
    return chance.choice(
        [text[:at] + other + text[at + 1 :], text[:at] + other + text[at:], text[:at] + text[at + 1 :]]
    )


@pytest.mark.parametrize("off", [-300, 0, 300])
def test_a_time_within_five_minutes_is_taken(off: int) -> None:
    assert VERIFIER.fault(headers(), BODY, NOW_MS + off * 1000) == ""


@pytest.mark.parametrize(
    "given",
    [
        [],
        headers()[:2],
        [*headers()[:1], *headers()[2:]],
        headers() + headers()[1:2],
        headers(""),
        headers("zz" * 64),
        headers(SIGNATURE.upper()),
        headers(SIGNATURE + "00"),
        headers(SIGNATURE[:64] + " " + SIGNATURE[64:]),
        headers("\xe9" * 128),
        headers(timestamp=""),
        headers(timestamp="+" + TIMESTAMP),
        headers(timestamp=TIMESTAMP + ".0"),
        headers(timestamp="\xb9" * 10),
    ],
)
def test_headers_that_are_none_are_refused_without_a_crash(given: list[tuple[bytes, bytes]]) -> None:
    assert VERIFIER.fault(given, BODY, NOW_MS) != ""
