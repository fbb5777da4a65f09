"""The HTTP server: one for all webhooks, health, and whatever routes are handed in."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

from botctl.errors import UserError
from botctl.platforms.platform import Connection, Doorkeeper

LARGEST_BODY = 4 * 1024 * 1024
"""Bytes of a webhook's body. Meta puts many changes into one, up to some 3 MB."""
LARGEST_DRAIN = 16 * 1024 * 1024
"""Bytes of a body that is too large that are still read (and dropped), so that its sender hears why."""
BODY_TIME = 30.0
"""Seconds that a body may take to arrive."""
GRACE = 5.0
"""Seconds that requests may still take when the server stops; then they are answered as they stand."""

_ALWAYS = (
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
)
"""What every answer says to browsers, unless it says something of its own."""
_LAST_RESORT = 15
_BACKLOG = 2048


class BoundedRequest(Request):
    """A request that stops reading its body where it gets too large or too slow."""

    async def body(self) -> bytes:
        """The body, raw; an HTTPException that says why not."""
        if not hasattr(self, "_body"):
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body: bytes = message.get("body", b"")
            if message.get("more_body"):
                try:
                    async with asyncio.timeout(BODY_TIME):
                        body = await self._rest(body)
                except TimeoutError:
                    raise HTTPException(408, f"the body took longer than {BODY_TIME:g} seconds") from None
            if len(body) > LARGEST_BODY:
                raise HTTPException(413, f"the body is longer than {LARGEST_BODY} bytes")
            self._body = body
        return self._body

    async def _rest(self, first: bytes) -> bytes:
        """The whole body; of one that is too large only so much that it can be told."""
        chunks, size, more = [first], len(first), True
        while more and size <= LARGEST_DRAIN:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunk, more = message.get("body", b""), message.get("more_body", False)
            size += len(chunk)
            if size <= LARGEST_BODY + len(chunk):
                chunks.append(chunk)
        return b"".join(chunks)


class HttpServer:
    """Listens from `start` to `stop`. port is the real one once it listens."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        connections: Mapping[tuple[str, str], Connection],
        health: Callable[[], Mapping[str, Any]],
        routes: Sequence[BaseRoute] = (),
    ) -> None:
        """connections by (bot, platform), looked up with every request; health: what /healthz tells more."""
        self.host = host
        self.port = port
        self._connections = connections
        self._health = health
        self._pages = Starlette(
            routes=[Route("/healthz", self._healthz), *routes],
            exception_handlers={HTTPException: _told},
        )
        self._pages.router.redirect_slashes = False  # it would send people to whatever `Host` says
        self._answered = ServerErrorMiddleware(self._found)
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where this machine finds it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    async def start(self) -> None:
        """Listen; a UserError when that cannot be, or must not be because anybody could talk to a bot."""
        self._refuse_strangers()
        listening = _listen(self.host, self.port)
        self.port = listening.getsockname()[1]
        config = uvicorn.Config(
            self._serve,
            interface="asgi3",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_LAST_RESORT,
        )
        config.load()
        server = uvicorn.Server(config)
        # The steps of `Server.serve`, without its signal handlers: signals belong to the command line.
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listening])
        self._server = server
        self._task = asyncio.create_task(server.main_loop(), name="http server")

    async def stop(self, patience: float = GRACE) -> None:
        """Take no more requests. Those that are there have `patience` seconds, then they are answered as they
        stand."""
        if self._server is None or self._task is None:
            return
        server, self._server = self._server, None
        self._task.cancel()
        await asyncio.wait([self._task])

        def hurry() -> None:
            for task in server.server_state.tasks:
                task.cancel()

        timer = asyncio.get_running_loop().call_later(patience, hurry)
        await server.shutdown(sockets=[])
        timer.cancel()

    def _refuse_strangers(self) -> None:
        if is_this_machine(self.host):
            return
        for (bot, platform), connection in self._connections.items():
            if isinstance(connection, Doorkeeper) and not connection.is_verified:
                raise UserError(
                    f"platform `{platform}` of bot `{bot}` has no secret, so anybody who reaches"
                    f" {self.host or 'this machine'} could talk to it",
                    help="set its `secret`, or `server: {host: 127.0.0.1}` in botctl.yaml",
                )

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Every answer leaves through here, also that to what broke."""
        await self._answered(scope, receive, _guarded(send))

    async def _found(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Webhooks by the short way; everything else through Starlette's routes."""
        parts = scope["path"].split("/")
        connection = None
        if len(parts) == 4 and parts[1] == "webhooks":
            connection = self._connections.get((parts[2], parts[3]))
        if connection is None:
            await self._pages(scope, receive, send)
            return
        request = BoundedRequest(scope, receive)
        try:
            response = await _answer(connection, request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _healthz(self, request: Request) -> Response:
        refused = {
            "/".join(place): connection.refused
            for place, connection in self._connections.items()
            if isinstance(connection, Doorkeeper) and connection.refused
        }
        return JSONResponse({"status": "ok", **self._health(), "refused": refused})


def _guarded(send: Send) -> Send:
    """With the headers that no answer lacks, whoever gives it."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ())]
            said = {name.lower() for name, _ in headers}
            message = {**message, "headers": headers + [one for one in _ALWAYS if one[0] not in said]}
        await send(message)

    return sent


async def _answer(connection: Connection, request: Request) -> Response:
    if request.method not in ("POST", "GET"):
        return await _told(request, HTTPException(405, f"a webhook does not know {request.method}"))
    try:
        return await connection.webhook(request)
    except HTTPException as error:
        return await _told(request, error)


async def _told(request: Request, error: Exception) -> Response:
    """A refusal as JSON: the fact, and the way out."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    fact = error.detail if isinstance(error, HTTPException) else "something broke"
    help = ""
    if status == 404:
        fact = f"nothing is at {request.url.path}"
        help = "webhooks are at /webhooks/<bot>/<platform>, for the bots and platforms that are switched on"
    headers = {"connection": "close"} if status in (408, 413) else None
    return JSONResponse({"error": fact, "help": help}, status, headers=headers)


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket that says it speaks TCP.

    asyncio (3.11) sends small answers without delay (TCP_NODELAY) only on sockets that say so. Those of
    `socket.create_server` do not, which costs 40 ms per answer.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if os.name == "posix":  # elsewhere it would let two programs listen on one port
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(_BACKLOG)
        except OSError:
            listening.close()
            raise
        return listening
    except socket.gaierror:
        raise UserError(
            f"there is no address `{host}` to listen on", help="set `server.host` in botctl.yaml"
        ) from None
    except OSError as error:
        reason = {
            errno.EADDRINUSE: f"port {port} on {host} is taken by another program",
            errno.EACCES: f"port {port} may not be listened on by this user",
            errno.EADDRNOTAVAIL: f"this machine has no address `{host}`",
        }.get(error.errno or 0, f"{host} port {port} cannot be listened on: {error.strerror}")
        raise UserError(
            reason,
            help="choose another with `--port` or `server:` in botctl.yaml (port 0 takes any free one)",
        ) from None


def is_this_machine(host: str) -> bool:
    """Whether only programs on this machine can reach what listens on `host`."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM) if host else []
    except socket.gaierror:
        return True  # nobody will listen there
    addresses = [str(one[4][0]).partition("%")[0] for one in found]
    return bool(addresses) and all(ipaddress.ip_address(address).is_loopback for address in addresses)
