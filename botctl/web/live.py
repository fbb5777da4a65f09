"""Liveness: a stream of server-sent events that says when the state has changed, and nothing of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from botctl.store.database import Changes
from botctl.web.door import Door

INTERVAL = 0.25
"""Seconds between two looks; one costs some microseconds."""
MOST_STREAMS = 200
_BREATHS = round(20 / INTERVAL)
"""Looks between two signs of life, which proxies want and which show who has gone."""
_CHECKS = round(1 / INTERVAL)
"""Looks for which a session is not asked for again."""


class Lookout:
    """Looks whether the state has changed, for all streams of a process: one look at a time, however many
    watch. looks, changes: how often it looked, and how often that was news. It is over when the server is
    about to stop, and when it can look no more."""

    def __init__(self, path: Path, closing_time: asyncio.Event, interval: float) -> None:
        self.looks = 0
        self.changes = 0
        self.is_over = False
        self.watchers = 0
        self._changes = Changes(path)
        self._closing_time = closing_time
        self._interval = interval
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._look(), name="lookout")

    async def news(self) -> None:
        """Wait for a change, a sign of life or the end."""
        await self._news.wait()

    async def close(self) -> None:
        """Look no more."""
        self._task.cancel()
        self._changes.close()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self) -> None:
        try:
            while not await is_set(self._closing_time, self._interval):
                self.looks += 1
                has_changed = self._changes.look()
                self.changes += has_changed
                if has_changed or self.looks % _BREATHS == 0:
                    self._wake()
        finally:
            self.is_over = True
            self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


class LiveStream:
    """GET /live: `changed` whenever anybody has written the state, in this process or another."""

    def __init__(self, door: Door, interval: float = INTERVAL) -> None:
        """interval: seconds between two looks."""
        self._door = door
        self._interval = interval
        self._lookout: Lookout | None = None
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
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(self._events(request), media_type="text/event-stream", headers=headers)

    async def _events(self, request: Request) -> AsyncIterator[str]:
        async with self._watching() as lookout:
            told, checked = lookout.changes, lookout.looks
            yield "retry: 2000\n\n"
            while not lookout.is_over:
                if lookout.changes == told:
                    await lookout.news()
                if lookout.is_over:
                    break
                if lookout.looks - checked >= _CHECKS:
                    if self._door.reviewer_of(request) is None:
                        break
                    checked = lookout.looks
                yield "event: changed\ndata: \n\n" if lookout.changes > told else ": here\n\n"
                told = lookout.changes
            yield "event: bye\ndata: \n\n"

    @asynccontextmanager
    async def _watching(self) -> AsyncIterator[Lookout]:
        """The lookout, from the first stream to the last."""
        lookout = self._lookout
        if lookout is None or lookout.is_over:
            office = self._door.office
            lookout = self._lookout = Lookout(office.desk.database.path, office.closing, self._interval)
        lookout.watchers += 1
        self.streams += 1
        try:
            yield lookout
        finally:
            self.streams -= 1
            lookout.watchers -= 1
            if not lookout.watchers:
                self._lookout = None if self._lookout is lookout else self._lookout
                await lookout.close()


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
