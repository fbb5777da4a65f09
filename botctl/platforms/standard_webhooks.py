"""Standard Webhooks: a body signed with a shared secret, verified on its raw bytes.

Headers webhook-id, webhook-timestamp (seconds) and webhook-signature (`v1,<base64>`, several separated by
spaces); the signed text is `{id}.{timestamp}.{body}`, tolerance five minutes. Source: the specification at
github.com/standard-webhooks, read 2026-08. The `standardwebhooks` package makes the signatures; it reads
headers leniently (junk in base64, fractions of seconds), so they are compared here, to the letter.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

from standardwebhooks import Webhook

TOLERANCE = 300
"""Seconds that a request's time may be off, either way."""

_MOST_SIGNATURES = 16


class Signer:
    """Signs and verifies with one secret, `whsec_` and base64, or base64 alone."""

    def __init__(self, secret: str) -> None:
        self._webhook = Webhook(secret)

    def sign(self, id: str, timestamp: int, body: str) -> str:
        """The value of webhook-signature."""
        return self._webhook.sign(id, datetime.fromtimestamp(timestamp, UTC), body)

    def headers(self, id: str, body: str, now_ms: int) -> dict[str, str]:
        """The three headers of a request of ours."""
        timestamp = now_ms // 1000
        return {
            "webhook-id": id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": self.sign(id, timestamp, body),
        }

    def fault(self, headers: Mapping[str, str], body: bytes, now_ms: int) -> str:
        """Why a request is not to be trusted; "" if it is. headers: by lower-case name."""
        id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        given = headers.get("webhook-signature", "")
        if not (id and timestamp and given):
            return "it is not signed"
        if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
            return "webhook-timestamp is not a number of seconds"
        if timestamp != str(int(timestamp)) or "." in id:
            return "webhook-id or webhook-timestamp is not as it should be written"
        if abs(now_ms / 1000 - int(timestamp)) > TOLERANCE:
            return "its timestamp is more than five minutes off"
        try:
            expected = self.sign(id, int(timestamp), body.decode()).encode()
        except UnicodeDecodeError:
            return "its body is not UTF-8"
        fitting = False
        for one in given.split(" ", _MOST_SIGNATURES)[
            :_MOST_SIGNATURES
        ]:  # always all: the time tells nothing
            fitting |= hmac.compare_digest(expected, one.encode())
        return "" if fitting else "its signature does not fit"


def secret_fault(secret: str) -> str:
    """Why a secret cannot be used; "" if it can. It is read as the `standardwebhooks` package reads it."""
    try:
        raw = base64.b64decode(secret.removeprefix("whsec_") + "==")
    except (binascii.Error, ValueError):  # ValueError: it is not ASCII
        return "is not base64"
    return "" if len(raw) >= 16 else "is too short"
