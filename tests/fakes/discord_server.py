"""Discord's other end: REST, gateway websocket and signed interactions over loopback, from its documents.

Strict where Discord is: tokens, form, sizes, expired interactions. An unmodified discord.py connects to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Self

from aiohttp import web

from tests.fakes.discord_forms import APPLICATION, HELPER, OURS, body_of, form_fault, json_response, push

TOKEN, SESSION = "T0ken.Se.cret", "s1"
CONTENT_INTENT, CONTENT_FLAG = 1 << 15, 1 << 18
_STATES = {4: "told", 5: "thinking", 6: "noticed", 8: "told"}


class DiscordServer:
    """One application. requests: (method, path, body) as they came; sent: messages of channels and followups;
    faults: what the next requests to a (method, end of path) are answered with instead."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, Any]] = []
        self.sent: list[dict[str, Any]] = []
        self.faults: dict[tuple[str, str], list[tuple[int, dict[str, Any]]]] = {}
        self.application: dict[str, Any] = {**OURS, "flags": 0, "interactions_endpoint_url": None}
        self.commands: list[dict[str, Any]] = []
        self.channels: dict[str, list[dict[str, Any]]] = {}
        self.direct: set[str] = set()
        self.tokens: dict[str, str] = {"tok": "new"}
        self.files: dict[str, bytes] = {}
        self.intents: list[int] = []
        self.resumed: list[int] = []
        self.events: list[tuple[str, Any]] = []
        self.sessions_left = 1000
        self._by_nonce: dict[str, dict[str, Any]] = {}
        self._sockets: set[web.WebSocketResponse] = set()
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/gw", self._gateway)
        app.router.add_route("*", "/api/v10/{path:.*}", self._rest)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.host = f"127.0.0.1:{self._runner.addresses[0][1]}"
        self.url = f"http://{self.host}/api/v10"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.drop(1001)
        await self._runner.cleanup()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for something to be so; looked at after whatever comes in."""
        async with asyncio.timeout(10):
            while not is_so():
                self._changed.clear()
                await self._changed.wait()

    def fail(self, method: str, path: str, status: int, **body: Any) -> None:
        self.faults.setdefault((method, path), []).append((status, body))

    def calls(self, method: str, path: str) -> list[Any]:
        return [body for verb, place, body in self.requests if verb == method and place.endswith(path)]

    async def dispatch(self, event: str, payload: Any) -> None:
        """An event to whoever is connected; it is kept for those that resume."""
        self.events.append((event, payload))
        for socket in self._sockets:
            await socket.send_json({"op": 0, "s": len(self.events), "t": event, "d": payload})

    async def drop(self, code: int) -> None:
        for socket in list(self._sockets):
            await socket.close(code=code)

    async def interact(self, url: str, payload: Any) -> tuple[int, Any]:
        """Send an interaction to an endpoint; what it answers acknowledges it."""
        status, told = await push(url, payload, at=self.now)
        if status == 200:
            self.tokens[payload["token"]] = _STATES[told["type"]]
        return status, told

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert (request.query["v"], request.query["encoding"]) == ("10", "json")
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": 41250}})
        async for frame in socket:
            message = frame.json()
            op, told = message["op"], message.get("d")
            if op == 1:
                await socket.send_json({"op": 11})
            elif op in (2, 6) and told["token"] != TOKEN:
                await socket.close(code=4004)
            elif op == 2 and told["intents"] & CONTENT_INTENT > self.application["flags"] & CONTENT_FLAG:
                await socket.close(code=4014)
            elif op == 2:
                self.intents.append(told["intents"])
                self._sockets = {socket}
                ready = {"v": 10, "user": HELPER, "guilds": [], "session_id": SESSION}
                ready |= {"resume_gateway_url": f"ws://{self.host}/gw"}
                await self.dispatch("READY", ready | {"application": {"id": APPLICATION, "flags": 0}})
            elif op == 6 and told["session_id"] == SESSION:
                self.resumed.append(told["seq"])
                self._sockets = {socket}
                for number, (event, payload) in enumerate(self.events[told["seq"] :], told["seq"] + 1):
                    await socket.send_json({"op": 0, "s": number, "t": event, "d": payload})
                await self.dispatch("RESUMED", {"_trace": []})
            elif op == 6:
                await socket.send_json({"op": 9, "d": False})
            self._changed.set()
        self._sockets.discard(socket)
        return socket

    async def _rest(self, request: web.Request) -> web.Response:
        method, path = request.method, "/" + request.match_info["path"]
        body = await body_of(request)
        self.requests.append((method, path, body))
        self._changed.set()
        for (verb, end), planned in self.faults.items():
            if verb == method and path.endswith(end) and planned:
                status, told = planned.pop(0)
                return json_response(told, status)
        needs_token = not path.startswith(("/webhooks/", "/interactions/", "/cdn/"))
        if needs_token and request.headers.get("Authorization") != f"Bot {TOKEN}":
            return json_response({"message": "401: Unauthorized", "code": 0}, 401)
        if fault := form_fault(method, body):
            return json_response({"message": f"Invalid Form Body: {fault}", "code": 50035}, 400)
        match [method, *path.strip("/").split("/")]:
            case ["GET", "cdn", name]:
                return web.Response(body=self.files[name])
            case ["GET", "users", "@me"]:
                return json_response(HELPER)
            case ["GET", "applications", "@me"] | ["GET", "oauth2", "applications", "@me"]:
                return json_response(self.application)
            case ["PATCH", "applications", "@me"]:
                return await self._set_endpoint(body["interactions_endpoint_url"])
            case ["GET", "gateway", "bot"]:
                limit = {"total": 1000, "remaining": self.sessions_left, "reset_after": 9000}
                return json_response(
                    {"url": f"ws://{self.host}/gw", "shards": 1, "session_start_limit": limit}
                )
            case [_, "applications", application, "commands"] if application == APPLICATION:
                if method == "PUT":
                    self.commands = [{**one, "id": str(n), "version": "1"} for n, one in enumerate(body, 1)]
                return json_response(self.commands)
            case ["GET", "channels", channel, "messages"] if channel in self.channels:
                after = int(request.query["after"])
                found = [one for one in self.channels[channel] if int(one["id"]) > after]
                return json_response(
                    sorted(found, key=lambda one: int(one["id"]))[: int(request.query["limit"])][::-1]
                )
            case ["GET", "channels", channel] if channel in self.channels:
                return json_response({"id": channel, "type": 1 if channel in self.direct else 0})
            case ["POST", "channels", channel, "messages"] if channel in self.channels:
                nonce = body.get("nonce", "") if body.get("enforce_nonce") else ""
                return json_response(self._by_nonce.get(nonce) or self._create(channel, body))
            case ["PATCH", "channels", channel, "messages", id] if int(id) - 5000 in range(len(self.sent)):
                shown = self.sent[int(id) - 5000] = {**self.sent[int(id) - 5000], **body}
                return json_response(shown)
            case ["POST", "channels", channel, "typing"] if channel in self.channels:
                return web.Response(status=204)
            case ["POST", "interactions", _, token, "callback"] if token in self.tokens:
                if self.tokens[token] != "new":
                    return json_response({"message": "already acknowledged", "code": 40060}, 400)
                self.tokens[token] = _STATES[body["type"]]
                return web.Response(status=204)
            case ["POST", "webhooks", application, token] if self._is_open(application, token):
                return json_response(self._create(f"@{token}", body))
            case ["DELETE", "webhooks", _, token, "messages", "@original"] if token in self.tokens:
                self.tokens[token] = "deleted"
                return web.Response(status=204)
        code = {"channels": 10003, "webhooks": 10015, "interactions": 10062}.get(path.split("/")[1], 0)
        return json_response({"message": "Unknown", "code": code}, 404)

    def _is_open(self, application: str, token: str) -> bool:
        return application == APPLICATION and self.tokens.get(token, "new") not in ("new", "over")

    def _create(self, channel: str, body: dict[str, Any]) -> dict[str, Any]:
        message = {**body, "id": str(5000 + len(self.sent)), "channel_id": channel}
        self.sent.append(message)
        self._by_nonce[body.get("nonce", "?")] = message
        return message

    async def _set_endpoint(self, url: str | None) -> web.Response:
        """Like Discord: an endpoint must answer a PING, and refuse one that is not ours."""
        if url is not None:
            ping = {"type": 1, "id": "1", "token": "t", "application_id": APPLICATION, "version": 1}
            good = await push(url, ping, at=self.now)
            bad = await push(url, ping, at=self.now, signature="0" * 128)
            if good != (200, {"type": 1}) or bad[0] != 401:
                return json_response({"message": "Invalid Form Body", "code": 50035}, 400)
        self.application["interactions_endpoint_url"] = url
        return json_response(self.application)

    now = 0
    """Seconds since 1970 by the clock of who is tested."""
