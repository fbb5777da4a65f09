"""The API: what the dashboard shows and decides, as JSON under /api."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from botctl.errors import BotctlError
from botctl.runtime.server import BoundedRequest
from botctl.store.handoffs import StrangerError
from botctl.web import (
    api_bots,
    api_conversations,
    api_handoffs,
    api_letters,
    api_runs,
    api_schedules,
    api_usage,
)
from botctl.web.api_document import document
from botctl.web.api_gate import Doorman, Gate, Tries
from botctl.web.api_operation import Asked, Desk, ErrorShape, Operation, Refusal, Reviewer
from botctl.web.api_request import read_body, read_query

logger = logging.getLogger(__name__)

OPERATIONS: tuple[Operation, ...] = (
    *api_handoffs.OPERATIONS,
    *api_runs.OPERATIONS,
    *api_conversations.OPERATIONS,
    *api_schedules.OPERATIONS,
    *api_usage.OPERATIONS,
    *api_bots.OPERATIONS,
    *api_letters.OPERATIONS,
)
"""All that can be asked. Reading, rights and the document are made from these records."""


def api_routes(
    desk: Desk,
    doorman: Doorman,
    session: Callable[[Request], Reviewer | None] = lambda request: None,
    tries: Tries | None = None,
) -> Sequence[BaseRoute]:
    """The routes of the API. session: whose session a request belongs to; it may read, and nothing else."""
    gate = Gate(doorman, session, tries or Tries(desk.clock))
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    places = [Route(f"/api{path}", _Place(desk, gate, known)) for path, known in by_path.items()]
    return (
        Route("/api/openapi.json", _Document()),
        *places,
        Route("/api", _Nothing()),
        Route("/api/{rest:path}", _Nothing()),
    )


class _Place:
    """One path: its operations by method."""

    def __init__(self, desk: Desk, gate: Gate, operations: Mapping[str, Operation]) -> None:
        self._desk = desk
        self._gate = gate
        self._operations = operations
        names = {*operations, "OPTIONS", *(["HEAD"] if "GET" in operations else [])}
        self._allow = {"allow": ", ".join(sorted(names))}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever came."""
        request = BoundedRequest(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=self._allow)
        operation = self._operations.get("GET" if request.method == "HEAD" else request.method)
        try:
            if operation is None:
                raise Refusal(405, f"this path does not know {request.method}", headers=self._allow)
            told = msgspec.to_builtins(await self._perform(operation, request))
            return _json(200, _masked(told, self._desk.mask))
        except HTTPException as error:
            return _refused(error.status_code, error.detail, headers={"connection": "close"})
        except StrangerError as error:
            return _refused(403, error.message, error.help)
        except BotctlError as error:
            status, headers = (error.status, error.headers) if isinstance(error, Refusal) else (409, {})
            return _refused(status, error.message, error.help, headers)
        except sqlite3.Error as error:
            return _refused(503, f"the state cannot be used now: {error}", "try again")

    async def _perform(self, operation: Operation, request: Request) -> msgspec.Struct:
        reviewer = self._gate.let_in(request, operation)
        asked = Asked(
            reviewer=reviewer,
            id=request.path_params.get("id", ""),
            query=read_query(request, operation.query),
            body=await read_body(request, operation.body) if operation.method == "POST" else operation.body(),
        )
        told = await operation.perform(self._desk, asked)
        if operation.method == "POST":
            logger.info("%s of %s by %s", operation.id, asked.id, reviewer.name)
        return told


class _Document:
    """/api/openapi.json: it tells nothing that is secret, so that anybody may read it."""

    def __init__(self) -> None:
        self._made = _json(200, document(OPERATIONS, version("botctl")))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the document."""
        allow = {"allow": "GET, HEAD, OPTIONS"}
        response = self._made
        if scope["method"] == "OPTIONS":
            response = Response(status_code=204, headers=allow)
        elif scope["method"] not in ("GET", "HEAD"):
            response = _refused(405, f"this path does not know {scope['method']}", headers=allow)
        await response(scope, receive, send)


class _Nothing:
    """All other paths below /api."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer that nothing is there."""
        response = _refused(404, "nothing is at this path", "see /api/openapi.json")
        await response(scope, receive, send)


def _refused(
    status: int, fact: str, help: str | None = "", headers: Mapping[str, str] | None = None
) -> Response:
    return _json(status, msgspec.to_builtins(ErrorShape(error=fact, help=help or "")), headers)


def _masked(told: Any, mask: Callable[[str], str]) -> Any:
    if isinstance(told, str):
        return mask(told)
    if isinstance(told, dict):
        return {name: _masked(part, mask) for name, part in told.items()}
    if isinstance(told, list | tuple):
        return [_masked(part, mask) for part in told]
    return told


def _json(status: int, told: Any, headers: Mapping[str, str] | None = None) -> Response:
    headers = {"cache-control": "no-store", **(headers or {})}
    return Response(_encoded(told), status, headers, media_type="application/json")


def _encoded(told: Any) -> bytes:
    try:
        return msgspec.json.encode(told)
    except UnicodeEncodeError:  # half of a surrogate pair, which the store keeps as an escape
        return json.dumps(told).encode()
