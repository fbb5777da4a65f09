"""Nowhere: every address at which nothing is, told to browsers by a page. Programs are told in JSON."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from botctl.web.door import Door
from botctl.web.office import Fault

_OF_PROGRAMS = ("api", "webhooks", "hooks")
_NOTHING = Fault("There is nothing at this address", "Perhaps it was cut when it was copied.")


class Nowhere(BaseRoute):
    """The last route: it takes what a browser asks for and no route before it had."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a browser asks; other ways to ask and other places have answers of their own."""
        is_browser = (
            scope["type"] == "http"
            and scope["method"] in ("GET", "HEAD")
            and "text/html" in Headers(scope=scope).get("accept", "")
            and scope["path"].lstrip("/").partition("/")[0] not in _OF_PROGRAMS
        )
        return (Match.FULL if is_browser else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        reviewer = self._door.reviewer_of(request)
        visit = self._door.visit(request, reviewer) if reviewer is not None else None
        response = await self._door.problem(request, visit, 404, _NOTHING, back="/")
        await response(scope, receive, send)
