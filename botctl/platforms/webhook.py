"""A webhook's request: its raw bytes, bounded while they are read, and answers in JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

LARGEST_BODY = 256 * 1024


class BodyTooLarge(Exception):
    """More bytes came than a webhook may have."""


async def read_body(request: Request, limit: int = LARGEST_BODY) -> bytes:
    """The raw body. BodyTooLarge as soon as it is clear, without reading the rest."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLarge
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise BodyTooLarge
        parts.append(part)
    return b"".join(parts)


def json_response(status: int, value: Any) -> Response:
    """`value` as a JSON response."""
    from starlette.responses import Response

    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(body, status, media_type="application/json")


def refusal(status: int, error: str, help: str = "") -> Response:
    """A refusal that says what is wrong and what would be right."""
    return json_response(status, {"error": error, "help": help} if help else {"error": error})
