"""Liveness: a stream of server-sent events that says when the state has changed, and nothing of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from botctl.store.database import Changes
from botctl.web.door import Door

INTERVAL = 0.25
"""Seconds between two looks of a stream; one costs some microseconds."""
MOST_STREAMS = 200
_BREATHS = round(20 / INTERVAL)
"""Looks between two signs of life, which proxies want and which show who has gone."""


class LiveStream:
    """GET /live: `changed` whenever anybody has written the state, in this process or another."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self.streams = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the browser goes, the session ends or the server stops."""
        request = Request(scope, receive)
        await self._response(request)(scope, receive, send)

    def _response(self, request: Request) -> Response:
        if request.method != "GET":
            return Response(status_code=405, headers={"allow": "GET"})
        if self._door.reviewer_of(request) is None:
            return Response("You are not logged in.", 401, media_type="text/plain")
        if self.streams >= MOST_STREAMS:
            return Response("Too many are watching.", 503, {"retry-after": "30"}, media_type="text/plain")
        headers = {
            "cache-control": "no-store",
            "x-accel-buffering": "no",
            "x-content-type-options": "nosniff",
        }
        return StreamingResponse(self._events(request), media_type="text/event-stream", headers=headers)

    async def _events(self, request: Request) -> AsyncIterator[str]:
        office = self._door.office
        self.streams += 1
        try:
            with closing(Changes(office.desk.database.path)) as changes:
                yield "retry: 2000\n\n"
                breath = 0
                while not await is_set(office.closing, INTERVAL):
                    breath += 1
                    if changes.look():
                        yield "event: changed\ndata: \n\n"
                    elif breath % _BREATHS == 0:
                        if self._door.reviewer_of(request) is None:
                            break
                        yield ": here\n\n"
                yield "event: bye\ndata: \n\n"
        finally:
            self.streams -= 1


async def is_set(event: asyncio.Event, seconds: float) -> bool:
    """Whether an event is set within so many seconds."""
    if event.is_set():
        return True
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
