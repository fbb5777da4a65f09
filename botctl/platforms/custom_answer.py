"""The answers of the custom platform: JSON in one piece, or server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from botctl.messages import Answer
from botctl.platforms.webhook import JsonResponse

HEARTBEAT = 15.0
"""Seconds between two signs of life on a stream that waits for its answer."""

_UNFINISHED = frozenset(("running", "waiting", "pending"))


def answered(answer: Answer) -> JsonResponse:
    """What became of a message. 202: more is to come; 503: it is stored, but could not be worked on."""
    if answer.status in _UNFINISHED:
        return JsonResponse(202, answer_json(answer))
    is_broken = answer.status == "error" and not answer.run_id
    return JsonResponse(503 if is_broken else 200, answer_json(answer))


def answer_json(answer: Answer) -> dict[str, Any]:
    """An answer as callers get it. A run that failed is still an answer: its status says so."""
    told: dict[str, Any] = {
        "response": "\n\n".join(answer.messages),
        "messages": answer.messages,
        "run_id": answer.run_id,
        "status": answer.status,
        "tool_calls": answer.tool_calls,
        "tokens": answer.tokens,
        "cost_cents": answer.cost_cents,
        "latency_ms": answer.latency_ms,
    }
    if answer.reason:
        told["reason"] = answer.reason
    return told


class EventStream(Response):
    """An answer as events: one `message` each, then `done` with the whole."""

    def __init__(
        self,
        answer: Callable[[], Awaitable[Answer]],
        given_up: Callable[[], Answer],
        heartbeat: float = HEARTBEAT,
    ) -> None:
        """given_up makes the answer when the server stops first."""
        self.status_code = 200
        self.background = None
        self.raw_headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        self._answer = answer
        self._given_up = given_up
        self._heartbeat = heartbeat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, and write. That a client went away is not noticed, and costs nothing."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            answer = await self._wait(send)
        except asyncio.CancelledError:  # the server stops; the message is stored and the run will go on
            answer = self._given_up()
        events = [_event("message", {"text": text}, number) for number, text in enumerate(answer.messages)]
        events.append(_event("done", answer_json(answer), len(answer.messages)))
        await send({"type": "http.response.body", "body": b"".join(events)})

    async def _wait(self, send: Send) -> Answer:
        said = b": accepted\n\n"
        while True:
            await send({"type": "http.response.body", "body": said, "more_body": True})
            try:
                async with asyncio.timeout(self._heartbeat):
                    return await self._answer()
            except TimeoutError:
                said = b": still working\n\n"


def _event(name: str, value: Any, number: int) -> bytes:
    text = f"event: {name}\nid: {number}\ndata: {json.dumps(value, ensure_ascii=False)}\n\n"
    return text.encode(errors="replace")
