"""A world for tests of the API: an app that runs, its API on loopback, and a client for each reviewer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
from msgspec.structs import replace
from starlette.requests import Request

from botctl.clock import Clock
from botctl.runtime.app import App
from botctl.runtime.server import HttpServer
from botctl.secrets import Environment
from botctl.spec.project import DashboardSection, ReviewerSection
from botctl.web.access import Access, Reviewer
from botctl.web.api import api_routes
from botctl.web.api_desk import desk_of
from botctl.web.api_gate import Tries
from tests.runtime.world import HeldClock, Mailbag, app_of

ADA = Reviewer(name="ada")


def token_of(name: str) -> str:
    """The token of a reviewer; of nobody if there is none of this name."""
    return f"token-of-{name}-0123456789"


def access_of(*reviewers: Reviewer, clock: Clock) -> Access:
    """What knows these reviewers, as if botctl.yaml named them."""
    sections = [
        ReviewerSection(name=one.name, token=token_of(one.name), rights=sorted(one.rights), bots=[*one.bots])  # type: ignore[arg-type]
        for one in reviewers
    ]
    return Access(DashboardSection(reviewers=sections), Environment({}), b"k" * 32, clock)


class Api:
    """The API of a running app. Calls are ada's unless `who` names somebody else ("" : nobody)."""

    def __init__(self, app: App, client: httpx.AsyncClient, access: Access) -> None:
        self.app = app
        self.access = access
        self.client = client

    async def get(self, path: str, who: str = "ada", **query: Any) -> httpx.Response:
        return await self.call("GET", path, who, params=query)

    async def post(self, path: str, body: Any = None, who: str = "ada") -> httpx.Response:
        return await self.call("POST", path, who, **({} if body is None else {"json": body}))

    async def call(self, method: str, path: str, who: str = "ada", **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {token_of(who)}"} if who else {}
        return await self.client.request(
            method, f"/api{path}", headers={**headers, **more.pop("headers", {})}, **more
        )


def over_the_api(
    folder: Path,
    story: Callable[[Api], Awaitable[Any]],
    *,
    mailbag: Mailbag | None = None,
    clock: Clock | None = None,
    reviewers: Sequence[Reviewer] = (ADA,),
    tries: int = 10,
    mask: Callable[[str], str] = str,
) -> Any:
    """Switch on the bot of `write_bot` with its API, let a story happen; what the story returned."""

    async def whole() -> Any:
        async with app_of(folder, mailbag or Mailbag(), clock or HeldClock()) as app:
            access = access_of(*reviewers, clock=app.clock)

            def session(request: Request) -> Reviewer | None:
                return access.by_cookie(request.cookies.get("session", ""))

            routes = api_routes(replace(desk_of(app), mask=mask), access, session, Tries(app.clock, tries))
            server = HttpServer(host="127.0.0.1", port=0, connections={}, health=dict, routes=routes)
            await server.start()
            try:
                async with httpx.AsyncClient(base_url=server.url) as client:
                    return await story(Api(app, client, access))
            finally:
                await server.stop()

    return asyncio.run(whole())
