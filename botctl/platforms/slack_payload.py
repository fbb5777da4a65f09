"""The payload of a request of Slack: JSON of the Events API, or a form of a button or a slash command."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from botctl.platforms.slack_messages import MalformedError

_MOST_FIELDS = 100


def read_payload(content_type: str, body: bytes) -> dict[str, Any]:
    """The payload; a MalformedError when there is none. Buttons have it as JSON in the form's `payload`."""
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return _object(body)
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, errors="replace", max_num_fields=_MOST_FIELDS
        )
    except ValueError:  # not UTF-8, or too many fields
        raise MalformedError("the body is not a form") from None
    fields: dict[str, Any] = dict(pairs)
    return _object(fields["payload"]) if "payload" in fields else fields


def _object(text: str | bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise MalformedError("the body is not JSON") from None
    if not isinstance(found, dict):
        raise MalformedError("the body is not a JSON object")
    return found
