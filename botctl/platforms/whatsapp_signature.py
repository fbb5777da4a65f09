"""WhatsApp's proofs: the signature of a webhook, and the token that is asked for when one is set up.

`X-Hub-Signature-256: sha256=<hex of HMAC-SHA256(app secret, raw body)>` (Meta's webhook pages, 2026-06). The
body is never written anew: Meta escapes characters in a way of its own.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

_HEADER = b"x-hub-signature-256"


def signature_fault(secret: str, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> str:
    """Why a webhook is not to be trusted; "" if it is. headers: as they came, names in lower case."""
    given = [value for name, value in headers if name == _HEADER]
    if len(given) != 1:
        return "it has no single X-Hub-Signature-256"
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return "" if hmac.compare_digest(expected.encode(), given[0]) else "its signature does not fit"


def is_same(secret: str, given: str) -> bool:
    """Whether a secret was given, compared so that the time it takes tells nothing of it."""
    return hmac.compare_digest(secret.encode(), given.encode(errors="replace"))
