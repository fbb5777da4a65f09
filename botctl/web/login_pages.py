"""The login: by a token, or by a link that works once; and its end."""

from __future__ import annotations

import re
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from botctl.runtime.server import BoundedRequest
from botctl.store import logins
from botctl.web.access import SESSION_MS, Reviewer
from botctl.web.door import Door
from botctl.web.office import Fault, sentence

HOME = "/handoffs"
_LOCAL = re.compile(r"/(?![/\\])[!-~]*")
_USED_UP = Fault(
    "This link does not log in (any more)",
    "It works once, for ten minutes. `botctl dashboard` makes a new one.",
)


class LoginPages:
    """GET shows, POST logs in; a link in a chat or a terminal that somebody's program looks at logs in
    nobody."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._office = door.office

    def routes(self) -> tuple[BaseRoute, ...]:
        """For `HttpServer`."""
        return (
            Route("/login", _Guarded(self._door, self._login)),
            Route("/login/{link}", _Guarded(self._door, self._by_link)),
            Route("/logout", _Guarded(self._door, self._logout)),
        )

    async def _login(self, request: Request) -> Response:
        if request.method == "POST":
            form = await self._door.form_of(request)
            return await self._by_token(request, form.get("token", "").strip(), _local(form.get("next", "")))
        where = _local(request.query_params.get("next", ""))
        if self._door.reviewer_of(request) is not None:
            return self._door.redirect(request, where)
        return await self._form(request, where, "")

    async def _by_token(self, request: Request, token: str, where: str) -> Response:
        reviewer = self._office.access.by_token(token)
        if reviewer is not None:
            return self._let_in(request, reviewer, where)
        address = request.client.host if request.client else ""
        wait = self._office.tries.wait(address)
        if wait:
            fault = f"Too many wrong tokens. Try again in {wait} seconds."
            return await self._form(request, where, fault, 429, wait)
        self._office.tries.failed(address)
        return await self._form(request, where, "Nobody has this token.", 401)

    async def _by_link(self, request: Request) -> Response:
        link = self._office.access.by_link(request.path_params["link"])
        if link is None:
            return await self._turned_away(request)
        read, now_ms = self._office.desk.database.read, self._office.desk.clock.now_ms()
        if request.method != "POST":
            if read(lambda connection: logins.is_used(connection, link.mark)):
                return await self._turned_away(request)
            return await self._door.page(request, "link.html", None, {"name": link.reviewer.name})
        is_first = await self._office.desk.database.write(
            lambda connection: logins.use(connection, link.mark, link.expires_at, now_ms)
        )
        if not is_first:
            return await self._turned_away(request)
        return self._let_in(request, link.reviewer, HOME)

    async def _logout(self, request: Request) -> Response:
        if request.method != "POST":
            return self._door.redirect(request, HOME)
        form, cookie = await self._door.form_of(request), self._door.cookie_of(request)
        session, now_ms = self._office.access.session(cookie), self._office.desk.clock.now_ms()
        if session is not None:
            if not self._office.access.csrf_fits(cookie, form.get("csrf", "")):
                raise HTTPException(403, "this form is not from a page of this session")
            await self._office.desk.database.write(
                lambda connection: logins.use(connection, session.mark, session.expires_at, now_ms)
            )
        response = self._door.redirect(request, "/login")
        response.delete_cookie(
            self._door.cookie_name, secure=self._office.is_encrypted, httponly=True, samesite="strict"
        )
        return response

    def _let_in(self, request: Request, reviewer: Reviewer, where: str) -> Response:
        response = self._door.redirect(request, where)
        response.set_cookie(
            self._door.cookie_name,
            self._office.access.session_cookie(reviewer),
            max_age=SESSION_MS // 1000,
            secure=self._office.is_encrypted,
            httponly=True,
            samesite="strict",
        )
        return response

    async def _form(
        self, request: Request, where: str, fault: str, status: int = 200, wait: int = 0
    ) -> Response:
        values = {"next": where, "fault": fault}
        response = await self._door.page(request, "login.html", None, values, status)
        if wait:
            response.headers["retry-after"] = str(wait)
        return response

    async def _turned_away(self, request: Request) -> Response:
        return await self._door.problem(request, None, 410, _USED_UP)


class _Guarded:
    """An endpoint that only our own names and forms reach."""

    def __init__(self, door: Door, answer: Any) -> None:
        self._door = door
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever came."""
        request = BoundedRequest(scope, receive)
        try:
            if request.method not in ("GET", "HEAD", "POST"):
                raise HTTPException(405, f"this page does not know {request.method}")
            self._door.check_place(request)
            response = await self._answer(request)
        except ClientDisconnect:
            return
        except HTTPException as error:
            fault = Fault(sentence(error.detail), "")
            response = await self._door.problem(request, None, error.status_code, fault)
        await response(scope, receive, send)


def _local(where: str) -> str:
    """A path of ours; the first page for anything else."""
    return where if _LOCAL.fullmatch(where) else HOME
