"""The pages: every path of the dashboard and of its API, for the one HTTP server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from botctl.clock import SystemClock
from botctl.project.load import Project
from botctl.runtime.app import App
from botctl.runtime.secret_key import secret_key
from botctl.runtime.server import is_this_machine
from botctl.runtime.standing import BotShape, bot_shape
from botctl.secrets import Environment
from botctl.store.database import Database
from botctl.web import (
    bot_pages,
    conversation_pages,
    handoff_pages,
    letter_pages,
    run_pages,
    schedule_pages,
    usage_pages,
)
from botctl.web.access import Access
from botctl.web.api import api_routes
from botctl.web.api_desk import desk_of
from botctl.web.api_gate import Tries
from botctl.web.api_operation import Desk
from botctl.web.door import Door, places
from botctl.web.live import LiveStream
from botctl.web.login_pages import HOME, LoginPages
from botctl.web.nowhere import Nowhere
from botctl.web.office import Office
from botctl.web.rendering import STATIC, Rendering

PAGES = (
    *handoff_pages.PAGES,
    *run_pages.PAGES,
    *conversation_pages.PAGES,
    *schedule_pages.PAGES,
    *letter_pages.PAGES,
    *usage_pages.PAGES,
    *bot_pages.PAGES,
)
ACTS = (
    *handoff_pages.ACTS,
    *run_pages.ACTS,
    *conversation_pages.ACTS,
    *schedule_pages.ACTS,
    *letter_pages.ACTS,
)
_FOREVER = "public, max-age=31536000, immutable"


def pages(app: App) -> Sequence[BaseRoute]:
    """The dashboard of a running app."""
    desk, spec = desk_of(app), app.project.spec
    access = Access(spec.dashboard, app.environment, secret_key(app.state_folder), app.clock)
    app.notes += [
        *access.notes,
        *_open_ways(spec.server.host, app.environment.resolve(spec.server.public_url)),
    ]
    office = Office(
        desk=desk,
        access=access,
        tries=Tries(app.clock),
        public_url=app.environment.resolve(spec.server.public_url),
        host=spec.server.host,
        bots=lambda: sorted({*app.project.bot_names(), *app.bots}),
        mask=app.environment.mask,
        closing=app.closing,
    )
    return routes(office)


def standalone(
    project: Project, environment: Environment, database: Database, closing: asyncio.Event
) -> tuple[Sequence[BaseRoute], Sequence[str]]:
    """The dashboard over the state alone, and what is to be said about its reviewers. What is done there
    waits on disk for whoever runs the bots, in another process or later."""
    spec, clock = project.spec, SystemClock()
    access = Access(spec.dashboard, environment, secret_key(project.state_folder), clock)

    async def standing() -> Sequence[BotShape]:
        names = project.bot_names()
        return await asyncio.to_thread(
            lambda: [bot_shape(project, environment, name, stdin="closed") for name in names]
        )

    desk = Desk(
        database=database,
        clock=clock,
        state_folder=project.state_folder,
        look=lambda: None,
        standing=standing,
        faults=dict,
        mask=environment.mask,
    )
    office = Office(
        desk=desk,
        access=access,
        tries=Tries(clock),
        public_url=environment.resolve(spec.server.public_url),
        host=spec.server.host,
        bots=project.bot_names,
        mask=environment.mask,
        closing=closing,
    )
    return routes(office), [*access.notes, *_open_ways(office.host, office.public_url)]


def _open_ways(host: str, public_url: str) -> Sequence[str]:
    """A warning, when others reach the dashboard by a way on which tokens can be read; lint's SC303."""
    if is_this_machine(host) or public_url.lower().startswith("https://"):
        return ()
    return (
        f"the tokens of the dashboard travel unencrypted: it listens on {host or 'all addresses'}, without an"
        " https address; put a proxy with https before it, and write `server.public_url: https://...`",
    )


def routes(office: Office) -> Sequence[BaseRoute]:
    """The dashboard, whoever serves it."""
    rendering = Rendering(office.mask)
    door = Door(office, rendering)
    return (
        Route("/", partial(_home, door)),
        *LoginPages(door).routes(),
        *(Route(path, place) for path, place in places(door, PAGES, ACTS).items()),
        Route("/live", LiveStream(door)),
        Route("/static/{name}", _Static(rendering).answer),
        *api_routes(office.desk, office.access, door.reviewer_of, office.tries),
        Nowhere(door),
    )


async def _home(door: Door, request: Request) -> Response:
    return door.redirect(request, HOME)


class _Static:
    """What pages want beside themselves. Their addresses change when they do, so they are kept for ever."""

    def __init__(self, rendering: Rendering) -> None:
        self._rendering = rendering

    async def answer(self, request: Request) -> Response:
        """One file."""
        name = request.path_params["name"]
        if name not in STATIC:
            return Response(status_code=404)
        headers = {"cache-control": _FOREVER}
        return Response(self._rendering.static[name], headers=headers, media_type=STATIC[name])
