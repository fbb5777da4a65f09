"""Standard Webhooks: a body signed with a shared secret, verified on its raw bytes.

Headers webhook-id, webhook-timestamp (seconds) and webhook-signature (`v1,<base64>`, several separated by
spaces); the signed text is `{id}.{timestamp}.{body}`, tolerance five minutes. Source: the specification at
github.com/standard-webhooks, read 2026-08. The `standardwebhooks` package makes the signatures; it reads
headers leniently (junk in base64, fractions of seconds), so they are compared here, to the letter.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

TOLERANCE = 300


class Signer:
    """Signs and verifies with one secret, `whsec_` and base64, or base64 alone."""

    def __init__(self, secret: str) -> None:
        from standardwebhooks import Webhook

        self._webhook: Any = Webhook(secret)

    def sign(self, id: str, timestamp: int, body: str) -> str:
        """The value of webhook-signature."""
        return str(self._webhook.sign(id, datetime.fromtimestamp(timestamp, UTC), body))

    def fault(self, headers: Mapping[str, str], body: bytes, now_ms: int) -> str:
        """Why a request is not to be trusted; "" if it is."""
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
        for one in given.split(" "):  # all of them, always: the time taken tells nothing
            fitting |= hmac.compare_digest(expected, one.encode("utf-8", "surrogateescape"))
        return "" if fitting else "its signature does not fit"


def secret_fault(secret: str) -> str:
    """Why a secret cannot be used; "" if it can."""
    import base64
    import binascii

    try:
        raw = base64.b64decode(secret.removeprefix("whsec_") + "==", validate=False)
    except binascii.Error:
        return "is not base64"
    return "" if len(raw) >= 16 else "is too short: 24 to 64 random bytes, in base64"
