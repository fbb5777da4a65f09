"""The door: every request for the dashboard comes in here, and is turned away here if it must be."""

from __future__ import annotations

import ipaddress
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from botctl.errors import BotctlError
from botctl.runtime.server import BoundedRequest
from botctl.store import handoffs, logins, outbox
from botctl.store.handoffs import StrangerError
from botctl.web.access import Reviewer
from botctl.web.office import TOLD, Act, Fault, Missing, Office, Page, Visit, fault_of, sentence
from botctl.web.rendering import HEADERS, Rendering

logger = logging.getLogger(__name__)

_MOST_FIELDS = 100
_ME = ("localhost", "localhost.localdomain")


class Door:
    """Knows who comes in. Pages and acts answer nobody whom it did not let in."""

    def __init__(self, office: Office, rendering: Rendering) -> None:
        self.office = office
        self.rendering = rendering
        self.cookie_name = ("__Host-" if office.is_encrypted else "") + f"botctl_{office.access.mark}"

    def reviewer_of(self, request: Request) -> Reviewer | None:
        """Whose session a request belongs to."""
        if not self._may_be_asked(request):
            return None
        session = self.office.access.session(request.cookies.get(self.cookie_name, ""))
        if session is None:
            return None
        is_over = self.office.desk.database.read(lambda connection: logins.is_used(connection, session.mark))
        return None if is_over else session.reviewer

    def check_place(self, request: Request) -> None:
        """Refuse what was sent here by a name that is not ours (a page elsewhere that had its name point
        here), or by a form that is not ours."""
        if not self._may_be_asked(request):
            raise HTTPException(421, "this server is not asked by that name; `server.public_url` tells one")
        if request.method == "POST" and not self._is_from_here(request):
            raise HTTPException(403, "this form was sent by another site")

    async def form_of(self, request: Request) -> dict[str, str]:
        """The fields of a form."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise HTTPException(415, f"a form is not sent as `{kind or 'nothing'}`")
        body = await request.body()
        try:
            text = body.decode()
            fields = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
        except ValueError:
            raise HTTPException(400, "this form cannot be read") from None
        return dict(fields)

    def cookie_of(self, request: Request) -> str:
        """The session's cookie as it was sent."""
        return request.cookies.get(self.cookie_name, "")

    def redirect(self, request: Request, where: str) -> RedirectResponse:
        """To a path of ours."""
        return RedirectResponse(self.root(request) + where[1:], 303, headers=HEADERS)

    def root(self, request: Request) -> str:
        """What addresses of ours begin with in the answer to a request."""
        return self.office.root(_path(request))

    async def page(
        self,
        request: Request,
        template: str,
        visit: Visit | None,
        values: Mapping[str, Any],
        status: int = 200,
    ) -> Response:
        """A template as a response; visit None: for somebody who is not logged in."""
        shown = {**values, "root": self.root(request)}
        if visit is not None:
            shown |= await self.office.read(partial(_around, visit))
            shown |= {
                "visit": visit,
                "csrf": self.office.access.csrf(visit.cookie),
                "told": TOLD.get(visit.query.get("told", ""), ""),
            }
        return HTMLResponse(self.rendering.page(template, shown), status, headers=HEADERS)

    async def problem(
        self, request: Request, visit: Visit | None, status: int, fault: Fault, back: str = ""
    ) -> Response:
        """Why nothing is shown or done. back: the path from which people go on; "" : the one above."""
        back = back or _path(request).rsplit("/", 1)[0] or "/"
        values = {"fact": fault.fact, "way_out": fault.way_out, "status": status, "back": back}
        template = "problem.html" if visit is not None else "turned_away.html"
        response = await self.page(request, template, visit, values, status)
        if status in (408, 413):
            response.headers["connection"] = "close"
        return response

    def visit(self, request: Request, reviewer: Reviewer) -> Visit:
        """The request of somebody who was let in."""
        return Visit(
            office=self.office,
            reviewer=reviewer,
            cookie=self.cookie_of(request),
            id=request.path_params.get("id", ""),
            path=request.url.path,
            query={name: value[:300] for name, value in request.query_params.items()},
        )

    def _may_be_asked(self, request: Request) -> bool:
        """Whether the name in `Host` is ours. Addresses are: no name can be made to point at those."""
        place = request.headers.get("host", "").lower()
        name = _part(f"//{place}", "hostname")
        if place == self.office.public_place or name in (*_ME, self.office.host.lower()):
            return True
        return _is_address(name)

    def _is_from_here(self, request: Request) -> bool:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        origin = request.headers.get("origin")
        if origin is None:  # not a browser of this decade; its forms still need the session's token
            return True
        places = {request.headers.get("host", "").lower(), self.office.public_place} - {""}
        return _part(origin, "netloc").lower() in places


def _path(request: Request) -> str:
    """What is asked for. `request.url` cannot be read where `Host` is none."""
    return str(request.scope["path"])


def _part(address: str, name: str) -> str:
    """A part of an address that anybody may have written; "" of what is none."""
    try:
        return getattr(urlsplit(address), name) or ""
    except ValueError:
        return ""


class Place:
    """One path of the dashboard: what it shows, what its form does."""

    def __init__(self, door: Door, page: Page | None, act: Act | None) -> None:
        self._door = door
        self._page = page
        self._act = act

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever came."""
        request = BoundedRequest(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        visit, problem = None, partial(self._door.problem, request)
        # A form that was refused was sent from the page of its path, if that has one.
        back = _path(request) if request.method == "POST" and self._page is not None else ""
        try:
            self._door.check_place(request)
            reviewer = self._door.reviewer_of(request)
            if reviewer is None:
                return await self._to_login(request)
            visit = self._door.visit(request, reviewer)
            if request.method in ("GET", "HEAD") and self._page is not None:
                return await self._show(request, self._page, visit)
            if request.method == "POST" and self._act is not None:
                return await self._perform(request, self._act, visit)
            raise HTTPException(405, f"this page does not know {request.method}")
        except Missing:
            return await problem(visit, 404, Fault("There is nothing here", "Or it is not for you to see."))
        except HTTPException as error:
            return await problem(visit, error.status_code, Fault(sentence(error.detail), ""), back)
        except BotctlError as error:
            return await problem(visit, _status(error), fault_of(error), back)
        except sqlite3.Error as error:
            return await problem(None, 503, Fault(f"The state cannot be used now: {error}", "Try again."))

    async def _show(self, request: Request, page: Page, visit: Visit, status: int = 200) -> Response:
        if page.gather is not None:
            visit = _with(visit, found=await page.gather(visit))
        values = await self._door.office.read(partial(page.show, visit))
        return await self._door.page(request, page.template, visit, values, status)

    async def _perform(self, request: Request, act: Act, visit: Visit) -> Response:
        form = await self._door.form_of(request)
        if not self._door.office.access.csrf_fits(visit.cookie, form.get("csrf", "")):
            raise HTTPException(
                403, "this form is not from a page of this session; go back and load it again"
            )
        if not visit.may(act.right):
            raise HTTPException(403, f"you have no right to `{act.right}`")
        visit = _with(visit, form=form)
        try:
            where = await act.act(visit)
        except BotctlError as error:
            if act.page is None:
                raise
            return await self._show(request, act.page, _with(visit, fault=fault_of(error)), _status(error))
        logger.info("%s sent the form %s of the dashboard", visit.reviewer.name, visit.path)
        return self._door.redirect(request, where)

    async def _to_login(self, request: Request) -> Response:
        """A link in a mail comes without the session's cookie (SameSite=Strict), whether there is one or not:
        then the browser is asked to come again, from here."""
        if request.method not in ("GET", "HEAD"):
            return await self._door.problem(
                request, None, 401, Fault("You are not logged in", "Log in and try again.")
            )
        where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if request.headers.get("sec-fetch-site") == "cross-site":
            return await self._door.page(request, "again.html", None, {"next": where})
        return self._door.redirect(
            request, f"/login?{urlencode({'next': where})}" if where != "/" else "/login"
        )


def _status(error: BotctlError) -> int:
    return 403 if isinstance(error, StrangerError) else 409


def _with(visit: Visit, **changes: Any) -> Visit:
    from msgspec.structs import replace

    return replace(visit, **changes)


def _around(visit: Visit, connection: sqlite3.Connection) -> dict[str, Any]:
    """What every page shows around itself."""
    names = visit.names()
    return {
        "bots": names,
        "to_decide": sum(handoffs.counts(connection, name) for name in names),
        "dead": sum(outbox.counts(connection, name)["dead"] for name in names),
    }


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def places(door: Door, pages: Sequence[Page], acts: Sequence[Act]) -> dict[str, Place]:
    """The paths of the dashboard."""
    shown = {page.path: page for page in pages}
    done = {act.path: act for act in acts}
    return {path: Place(door, shown.get(path), done.get(path)) for path in {**shown, **done}}
