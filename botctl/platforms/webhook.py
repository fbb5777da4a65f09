"""A webhook's answers: JSON, and refusals that say what would be right."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response


class JsonResponse(Response):
    """A JSON document. Made for speed: Starlette's own constructor costs more than a short answer."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        self.status_code = status
        self.background = None
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        self.body = text.encode(errors="replace")  # a lone surrogate in an answer must not cost the answer
        self.raw_headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(self.body)),
        ]


def refusal(status: int, error: str, help: str) -> JsonResponse:
    """What is wrong with a request, and what would be right."""
    return JsonResponse(status, {"error": error, "help": help})
