"""Discord's signatures: Ed25519 over the time and the raw body, by the application's key.

Headers X-Signature-Ed25519 (hex) and X-Signature-Timestamp (seconds). Discord itself keeps sending wrong
signatures and takes the endpoint away if they are not refused with 401. It says nothing of how old a request
may be; here it is five minutes. Source: discord-api-docs, Interactions Overview, read 2026-08.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

TOLERANCE = 300
"""Seconds that a request's time may be off, either way."""

_KEY = re.compile(r"[0-9a-fA-F]{64}")
_SIGNATURE = re.compile(rb"[0-9a-f]{128}")  # bytes.fromhex is more lenient: it skips white space
_TIMESTAMP = re.compile(rb"[1-9][0-9]{0,11}")


def is_public_key(written: str) -> bool:
    """Whether a public key may be one."""
    return _KEY.fullmatch(written) is not None


class Verifier:
    """Tells Discord's requests from others."""

    def __init__(self, public_key: str) -> None:
        """public_key: 64 hex digits."""
        self._key = VerifyKey(bytes.fromhex(public_key))

    def fault(self, headers: Iterable[tuple[bytes, bytes]], body: bytes, now_ms: int) -> str:
        """Why a request is not to be trusted; "" if it is. headers: raw, by lower-case name."""
        found: dict[bytes, bytes] = {}
        for name, value in headers:
            if name in (b"x-signature-ed25519", b"x-signature-timestamp"):
                if name in found:
                    return "it is signed twice"
                found[name] = value
        signature = found.get(b"x-signature-ed25519", b"")
        timestamp = found.get(b"x-signature-timestamp", b"")
        if not (signature and timestamp):
            return "it is not signed"
        if not _SIGNATURE.fullmatch(signature):
            return "x-signature-ed25519 is not 128 hex digits"
        if not _TIMESTAMP.fullmatch(timestamp):
            return "x-signature-timestamp is not a number of seconds"
        try:
            self._key.verify(timestamp + body, bytes.fromhex(signature.decode()))
        except BadSignatureError:
            return "its signature does not fit"
        if abs(now_ms / 1000 - int(timestamp)) > TOLERANCE:
            return "its timestamp is more than five minutes off"
        return ""
