"""Codes and link tokens: made at random, kept only as keyed hashes, and masked in what is stored.

Each hash is HMAC-SHA256 (hexadecimal) over a purpose and the parts it is bound to, with the key of
`.botctl/secret.key`: a hash of one purpose, conversation or user never fits another.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from unicodedata import digit

from botctl.messages import ConversationKey

DIGITS = 6
"""How many digits a code has."""
BULLET = "•"
"""What stands for a digit that must not be stored."""
_TOKEN_BYTES = 32


def new_code() -> str:
    """Six digits nobody can foresee."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"


def new_token() -> str:
    """The secret part of a link, safe in a URL."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def digits_of(text: str) -> str:
    """The digits of a text in their order, of whatever script, as 0 to 9."""
    return "".join(str(digit(one)) for one in text if _is_digit(one))


def masked(text: str) -> str:
    """The text with a bullet for each digit."""
    return "".join(BULLET if _is_digit(one) else one for one in text)


def looks_like_code(text: str) -> bool:
    """Whether there is a digit in it, or was before it was masked."""
    return any(one == BULLET or _is_digit(one) for one in text)


def code_hash(key: bytes, conversation: ConversationKey, digits: str) -> str:
    """Of a code, or of what was typed as one, in a conversation."""
    return _hash(key, "code", *conversation, digits)


def token_hash(key: bytes, token: str) -> str:
    """Of a link's token."""
    return _hash(key, "link", token)


def contact_hash(key: bytes, contact_type: str, contact: str) -> str:
    """Of an email address or phone number, upper and lower case alike."""
    return _hash(key, "contact", contact_type, contact.casefold())


def user_hash(key: bytes, conversation: ConversationKey) -> str:
    """Of a user on a platform; where it has no users, of the channel."""
    who = conversation.user_id or f"channel {conversation.channel_id}"
    return _hash(key, "user", conversation.platform, who)


def fits(typed: str, expected: str) -> bool:
    """Whether two hashes are one, in a time that tells nothing; nothing fits what does not exist."""
    return bool(typed) and bool(expected) and hmac.compare_digest(typed, expected)


def _is_digit(one: str) -> bool:
    return digit(one, None) is not None


def _hash(key: bytes, purpose: str, *parts: str) -> str:
    text = json.dumps([purpose, *parts])  # a list, so that no two splits of a text are one
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
