"""The server: the one HTTP server for webhooks, health, and whatever later floors hand it."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from botctl.errors import UserError
from botctl.platforms.platform import Connection

_DRAIN = 5


class HttpServer:
    """Serves the webhooks of `connections`. After `start`, `port` and `url` tell where."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        connections: Mapping[tuple[str, str], Connection],
        health: Callable[[], dict[str, Any]],
        routes: Sequence[BaseRoute] = (),
    ) -> None:
        self.host = host
        self.port = port
        self._connections = connections
        self._health = health
        self._pages = Starlette(routes=[Route("/healthz", self._healthz), *routes])
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The address as this machine sees it."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "") else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    async def start(self) -> None:
        """Bind and serve. UserError when the port is taken, or when strangers could talk to a bot unverified."""
        self._refuse_strangers()
        listener = self._bind()
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._respond,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=_DRAIN,
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]), name="http server")
        while not self._server.started:
            if self._serving.done():
                await self._serving
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """Take no more requests, finish those under way for a few seconds, stop."""
        if self._server is None or self._serving is None:
            return
        self._server.should_exit = True
        await self._serving

    def _refuse_strangers(self) -> None:
        if _is_loopback(self.host):
            return
        for (bot, platform), connection in self._connections.items():
            if getattr(connection, "is_verified", True) is False:
                raise UserError(
                    f"platform `{platform}` of bot `{bot}` has no secret, so anybody who reaches"
                    f" {self.host} could talk to it",
                    help="set its `secret`, or `server: {host: 127.0.0.1}` in botctl.yaml",
                )

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, self.port))
        except OSError as error:
            listener.close()
            raise UserError(
                f"port {self.port} on {self.host} cannot be listened on: {error.strerror or error}",
                help="stop what uses it, give another `--port`, or 0 for any that is free",
            ) from error
        listener.listen(2048)
        listener.setblocking(False)
        return listener

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Webhooks go straight to their connection; everything else through the routes."""
        if scope["type"] != "http":
            return
        place = scope["path"].split("/")
        if len(place) == 4 and place[1] == "webhooks":
            connection = self._connections.get((place[2], place[3]))
            response: Response
            if connection is None:
                told = {"error": f"no bot `{place[2]}` listens on `{place[3]}`"}
                response = JSONResponse(told, 404)
            else:
                response = await connection.webhook(Request(scope, receive, send))
            await response(scope, receive, send)
            return
        await self._pages(scope, receive, send)

    async def _healthz(self, request: Request) -> Response:
        body = json.dumps({"status": "ok", **self._health()}, ensure_ascii=False)
        return Response(body, media_type="application/json")


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: ^C and SIGTERM belong to the command."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
