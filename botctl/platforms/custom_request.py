"""A request to the custom platform: what may stand in it, and the refusal of what may not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

LONGEST_TEXT = 32 * 1024
"""Bytes of a message's text in UTF-8."""
LONGEST_ID = 256
"""Characters of an id or a name."""

_EXAMPLE = 'send {"text": "Where is my order?", "userId": "u1", "channelId": "c1"}'
_READ = frozenset((b"content-type", b"webhook-id", b"webhook-timestamp", b"webhook-signature", b"accept"))


class Refusal(Exception):
    """A request that is not accepted: the HTTP status, the fact, and the way out."""

    def __init__(self, status: int, error: str, help: str = _EXAMPLE) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.help = help


class Fields(Struct, frozen=True):
    """What a request says."""

    text: str
    user_id: str
    channel_id: str
    user_name: str
    message_id: str


def read_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers that matter, by lower-case name. One that is given twice says nothing: it is empty."""
    headers: dict[str, str] = {}
    for name, value in raw:
        if name in _READ:
            key = name.decode()
            headers[key] = "" if key in headers else value.decode("latin-1")
    return headers


def read_fields(headers: Mapping[str, str], body: bytes) -> Fields:
    """The message in a request; a Refusal that names what is wrong otherwise."""
    media_type = headers.get("content-type", "")
    if (
        media_type != "application/json"
        and media_type.partition(";")[0].strip().lower() != "application/json"
    ):
        raise Refusal(415, "the body is not declared as JSON", "send content-type: application/json")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(422, "the body is not JSON") from None
    if not isinstance(document, dict):
        raise Refusal(422, "the body is not a JSON object")
    text = _text(document)
    user_id = _id(document, "userId", "user_id")
    if not user_id:
        raise Refusal(422, "`userId` is missing")
    request_id = headers.get("webhook-id", "")
    if len(request_id) > LONGEST_ID:
        raise Refusal(422, f"`webhook-id` is longer than {LONGEST_ID} characters", "send a shorter id")
    return Fields(
        text,
        user_id,
        _id(document, "channelId", "channel_id") or user_id,
        _id(document, "userName", "user_name"),
        request_id or _id(document, "messageId", "message_id"),
    )


def _text(document: Mapping[str, Any]) -> str:
    text = document.get("text")
    if text is None:
        raise Refusal(422, "`text` is missing")
    if not isinstance(text, str) or not text.strip():
        raise Refusal(422, "`text` should be a text that is not empty")
    if len(text) > LONGEST_TEXT or _size(text, "text") > LONGEST_TEXT:
        raise Refusal(413, f"`text` is longer than {LONGEST_TEXT} bytes", "send less, or send it in parts")
    return text


def _id(document: Mapping[str, Any], name: str, other_name: str) -> str:
    """A field under either of its names; "" if it is not given or null."""
    found = document.get(name)
    if found is None:
        name, found = other_name, document.get(other_name)
    if found is None:
        return ""
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise Refusal(422, f"`{name}` should be a text or a whole number")
    if isinstance(found, int):
        found = str(found)  # json.loads takes no number that is too long for str
    if len(found) > LONGEST_ID:
        raise Refusal(422, f"`{name}` is longer than {LONGEST_ID} characters")
    _size(found, name)
    return found


def _size(text: str, field: str) -> int:
    """Bytes of a text. JSON can write half a character (a lone surrogate), which no database takes."""
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise Refusal(422, f"`{field}` holds half of a surrogate pair", "send valid Unicode") from None
