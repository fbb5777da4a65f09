"""Slack's other end over loopback: the Web API, Socket Mode, files and response URLs, as strict as Slack is.

From docs.slack.dev, read 2026-11. It checks tokens, shapes and limits; an address of a socket is good for one
connection; what is sent that Slack would not understand is in `odd`.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from typing import Any, Self

from aiohttp import WSMsgType, web

BOT_TOKEN = "xoxb-1-secret"
APP_TOKEN = "xapp-1-secret"
BOT_USER = "UBOT"
SCOPES = "chat:write,im:history,app_mentions:read,channels:history,groups:history,files:read,files:write"


class SlackServer:
    """A workspace with one app. calls: (method, arguments) of the Web API, in order."""

    def __init__(self, *, scopes: str = SCOPES) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.faults: defaultdict[str, list[tuple[int, dict[str, Any], dict[str, str]]]] = defaultdict(list)
        self.channels = {"C1", "D1"}
        self.files: dict[str, tuple[str, bytes]] = {}
        self.uploads: dict[str, bytes] = {}
        self.responses: list[dict[str, Any]] = []
        self.acknowledged: set[str] = set()
        self.odd: list[str] = []
        self.sockets: list[web.WebSocketResponse] = []
        self._transports: list[Any] = []
        self._scopes = scopes
        self._tickets: set[str] = set()
        self._count = 0
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/api/{method}", self._api)
        app.router.add_get("/socket", self._socket)
        app.router.add_get("/files/{name}", self._file)
        app.router.add_post("/upload/{id}", self._upload)
        app.router.add_post("/commands/1", self._respond)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.origin = f"127.0.0.1:{self._runner.addresses[0][1]}"
        self.base_url = f"http://{self.origin}/api/"
        return self

    async def __aexit__(self, *_: object) -> None:
        for socket in self.sockets:
            await socket.close()
        await self._runner.cleanup()

    def fail(self, method: str, error: str, status: int = 200, **headers: str) -> None:
        """Answer the next call of a method with an error."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.faults[method].append((status, {"ok": False, "error": error}, named))

    def posted(self, method: str = "chat.postMessage") -> list[dict[str, Any]]:
        """The arguments of the calls of one method."""
        return [arguments for name, arguments in self.calls if name == method]

    async def open_sockets(self, count: int) -> None:
        """Wait until so many sockets have been opened, counted from the start."""
        await self._until(lambda: len(self.sockets) >= count)

    async def push(self, payload: Any, kind: str = "events_api") -> str:
        """Send an envelope down the newest socket; its id."""
        self._count += 1
        await self.sockets[-1].send_json({"envelope_id": f"e{self._count}", "type": kind, "payload": payload})
        return f"e{self._count}"

    async def acknowledgement(self, envelope_id: str) -> None:
        """Wait until an envelope is acknowledged."""
        await self._until(lambda: envelope_id in self.acknowledged)

    async def deliver(self, payload: Any, kind: str = "events_api") -> None:
        """Send an envelope and wait for its acknowledgement."""
        await self.acknowledgement(await self.push(payload, kind))

    def cut(self) -> None:
        """Break the newest connection off, without a word."""
        self._transports[-1].abort()

    async def announce_end(self) -> None:
        """Tell that the newest socket is about to be closed."""
        await self.sockets[-1].send_json({"type": "disconnect", "reason": "warning"})

    async def _until(self, condition: Any) -> None:
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(condition)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        is_json = request.content_type == "application/json"
        arguments = await request.json() if is_json else dict(await request.post()) | dict(request.query)
        self.calls.append((method, arguments))
        await self._notify()
        if "token" in arguments:
            self.odd.append("a token in the arguments")
        headers = {"x-oauth-scopes": self._scopes}
        if self.faults[method]:
            status, answer, more = self.faults[method].pop(0)
            return web.json_response(answer, status=status, headers=headers | more)
        expected = APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN
        if request.headers.get("authorization") != f"Bearer {expected}":
            return web.json_response({"ok": False, "error": "invalid_auth"}, headers=headers)
        answer = getattr(self, "_" + method.replace(".", "_"))(arguments)
        return web.json_response({"ok": "error" not in answer, **answer}, headers=headers)

    def _auth_test(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"user_id": BOT_USER, "user": "support", "bot_id": "B1", "team_id": "T1", "team": "Acme"}

    def _apps_connections_open(self, _: dict[str, Any]) -> dict[str, Any]:
        self._count += 1
        self._tickets.add(f"t{self._count}")
        return {"url": f"ws://{self.origin}/socket?ticket=t{self._count}"}

    def _conversations_open(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"channel": {"id": "D" + str(arguments["users"]).removeprefix("U")}}

    def _chat_postMessage(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if arguments["channel"] not in self.channels:
            return {"error": "channel_not_found"}
        if not 0 < len(arguments.get("text", "")) <= 40_000:
            return {"error": "msg_too_long" if arguments.get("text") else "no_text"}
        if not all(_fits(block) for block in arguments.get("blocks", [])[:50]):
            return {"error": "invalid_blocks"}
        return {"channel": arguments["channel"], "ts": f"1700000000.{len(self.calls):06}"}

    def _chat_update(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if arguments["ts"] != "1700000000.000001":
            return {"error": "message_not_found"}
        return {"channel": arguments["channel"], "ts": arguments["ts"], "text": arguments["text"]}

    def _files_getUploadURLExternal(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self._count += 1
        url = f"http://{self.origin}/upload/F{self._count}?length={arguments['length']}"
        return {"upload_url": url, "file_id": f"F{self._count}"}

    def _files_completeUploadExternal(self, arguments: dict[str, Any]) -> dict[str, Any]:
        files = json.loads(arguments["files"])
        if not all(file["id"] in self.uploads for file in files):
            return {"error": "file_not_found"}
        return {"files": [{"id": file["id"]} for file in files]}

    async def _upload(self, request: web.Request) -> web.Response:
        content = await request.read()
        if "authorization" in request.headers or len(content) != int(request.query["length"]):
            self.odd.append("an upload that is not as announced, or shows a token")
        self.uploads[request.match_info["id"]] = content
        return web.Response(text=f"OK - {len(content)}")

    async def _file(self, request: web.Request) -> web.Response:
        if request.headers.get("authorization") != f"Bearer {BOT_TOKEN}":
            return web.Response(status=302, headers={"location": "/login"})
        media_type, content = self.files[request.match_info["name"]]
        return web.Response(body=content, content_type=media_type)

    async def _respond(self, request: web.Request) -> web.Response:
        self.responses.append(await request.json())
        return web.Response(text="ok")

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=404)
        self._tickets.remove(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}})
        self._transports.append(request.transport)
        self.sockets.append(socket)
        await self._notify()
        async for message in socket:
            document = json.loads(message.data) if message.type == WSMsgType.TEXT else {}
            if list(document) != ["envelope_id"] or document["envelope_id"] in self.acknowledged:
                self.odd.append(f"not an acknowledgement: {document}")
            self.acknowledged.add(document.get("envelope_id", ""))
            await self._notify()
        return socket


def _fits(block: dict[str, Any]) -> bool:
    if block["type"] == "section":
        return 1 <= len(block["text"]["text"]) <= 3000
    elements = block["elements"]
    names = {element["action_id"] for element in elements}
    short = [
        1 <= len(one["text"]["text"]) <= 75 and 1 <= len(one.get("value", "x")) <= 2000 for one in elements
    ]
    return 1 <= len(elements) == len(names) <= 25 and all(short)
