"""Slack's signature: `v0=` and the HMAC-SHA256 of `v0:{timestamp}:{raw body}`, as hexadecimal digits.

Source: docs.slack.dev/authentication/verifying-requests-from-slack, read 2026-11: headers
X-Slack-Request-Timestamp (seconds) and X-Slack-Signature, tolerance five minutes. slack_sdk's own verifier
raises on a timestamp or a body that it cannot read, so the comparing is done here, to the letter.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

TOLERANCE = 300
"""Seconds that a request's time may be off, either way."""

_TIMESTAMP = b"x-slack-request-timestamp"
_SIGNATURE = b"x-slack-signature"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The value of X-Slack-Signature."""
    signed = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def fault(secret: str, headers: Iterable[tuple[bytes, bytes]], body: bytes, now_ms: int) -> str:
    """Why a request is not to be trusted; "" if it is. headers: by lower-case name; one that is given twice
    says nothing."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in (_TIMESTAMP, _SIGNATURE):
            found[name] = b"" if name in found else value
    timestamp, given = found.get(_TIMESTAMP, b""), found.get(_SIGNATURE, b"")
    if not (timestamp and given):
        return "it is not signed"
    if not (timestamp.isdigit() and len(timestamp) <= 12):
        return "x-slack-request-timestamp is not a number of seconds"
    if abs(now_ms / 1000 - int(timestamp)) > TOLERANCE:
        return "its timestamp is more than five minutes off"
    expected = signature(secret, timestamp.decode(), body)
    return "" if hmac.compare_digest(expected.encode(), given) else "its signature does not fit"
