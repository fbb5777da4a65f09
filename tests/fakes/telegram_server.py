"""Telegram's other end over loopback: the Bot API, as strict as it needs to be for one bot.

From tdlib/telegram-bot-api (2026-05): an offset confirms everything below it; what is not confirmed comes
again; a webhook and getUpdates exclude each other; callbacks can be answered once.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from typing import Any, Self

from aiohttp import web

TOKEN = "123456:AAtest-token"
ME = {
    "id": 99,
    "is_bot": True,
    "first_name": "Support",
    "username": "SupportBot",
    "can_read_all_group_messages": False,
}
LONGEST = 4096


class TelegramServer:
    """One bot's server. calls: (method, arguments) in order; faults: answers given once instead."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.sent: list[dict[str, Any]] = []
        self.faults: defaultdict[str, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
        self.files: dict[str, bytes] = {}
        self.webhook: dict[str, Any] = {}
        self.confirmed = 0
        self._updates: list[dict[str, Any]] = []
        self._callbacks: set[str] = set()
        self._changed = asyncio.Condition()
        self._over = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=30_000_000)
        app.router.add_route("*", "/bot{token}/{method}", self._call)
        app.router.add_get("/file/bot{token}/{path:.*}", self._file)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        async with self._changed:
            self._changed.notify_all()
        await self._runner.cleanup()

    async def push(self, *updates: dict[str, Any]) -> None:
        """Something happens at Telegram."""
        self._updates += updates
        self._callbacks |= {one["callback_query"]["id"] for one in updates if "callback_query" in one}
        async with self._changed:
            self._changed.notify_all()

    async def wait_until(self, holds: Any) -> None:
        """Wait until something holds of this server."""
        async with self._changed:
            await self._changed.wait_for(holds)

    async def _call(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != TOKEN:
            return _refused(401, "Unauthorized")
        method = {"getupdates": "getUpdates"}.get(request.match_info["method"], request.match_info["method"])
        arguments: dict[str, Any] = dict(request.query)
        for name, value in (await request.post()).items():
            arguments[name] = value.file.read() if isinstance(value, web.FileField) else _plain(value)
        self.calls.append((method, arguments))
        if self.faults[method]:
            status, document = self.faults[method].pop(0)
            return web.json_response(document, status=status)
        answer = await getattr(self, f"_{method}")(arguments)
        async with self._changed:
            self._changed.notify_all()
        if isinstance(answer, web.Response):
            return answer
        return web.json_response({"ok": True, "result": answer})

    async def _getMe(self, arguments: dict[str, Any]) -> Any:
        return ME

    async def _getUpdates(self, arguments: dict[str, Any]) -> Any:
        if self.webhook.get("url"):
            return _refused(409, "Conflict: can't use getUpdates method while webhook is active")
        offset = int(arguments.get("offset") or 0)
        self.confirmed = max(self.confirmed, offset)
        self._updates = [one for one in self._updates if one["update_id"] >= offset]
        if not self._updates and int(arguments.get("timeout") or 0):
            async with self._changed:
                await self._changed.wait_for(lambda: self._updates or self._over.is_set())
        return self._updates[:100]

    async def _sendMessage(self, arguments: dict[str, Any]) -> Any:
        text = str(arguments["text"])
        if not text.strip():
            return _refused(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > LONGEST:
            return _refused(400, "Bad Request: message is too long")
        for row in (arguments.get("reply_markup") or {}).get("inline_keyboard", ()):
            for button in row:
                if not 1 <= len(button["callback_data"].encode()) <= 64:
                    return _refused(400, "Bad Request: BUTTON_DATA_INVALID")
        return self._posted(arguments, text=text)

    async def _sendPhoto(self, arguments: dict[str, Any]) -> Any:
        return self._posted(arguments)

    _sendDocument = _sendPhoto

    def _posted(self, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
        self.sent.append(arguments)
        chat = {"id": int(arguments["chat_id"]), "type": "private", "first_name": "Ada"}
        return {"message_id": 1000 + len(self.sent), "date": 1, "chat": chat, **more}

    async def _sendChatAction(self, arguments: dict[str, Any]) -> Any:
        return True

    async def _answerCallbackQuery(self, arguments: dict[str, Any]) -> Any:
        if arguments["callback_query_id"] not in self._callbacks:
            return _refused(
                400, "Bad Request: query is too old and response timeout expired or query ID is invalid"
            )
        self._callbacks.discard(arguments["callback_query_id"])
        return True

    async def _setWebhook(self, arguments: dict[str, Any]) -> Any:
        self.webhook = arguments
        return True

    async def _deleteWebhook(self, arguments: dict[str, Any]) -> Any:
        self.webhook = {}
        return True

    async def _getWebhookInfo(self, arguments: dict[str, Any]) -> Any:
        url = self.webhook.get("url", "")
        return {"url": url, "has_custom_certificate": False, "pending_update_count": len(self._updates)}

    async def _getFile(self, arguments: dict[str, Any]) -> Any:
        id = arguments["file_id"]
        return {
            "file_id": id,
            "file_unique_id": id,
            "file_size": len(self.files[id]),
            "file_path": f"docs/{id}",
        }

    async def _file(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != TOKEN:
            return web.Response(status=401)
        return web.Response(body=self.files[request.match_info["path"].removeprefix("docs/")])


def _plain(value: Any) -> Any:
    """Lists and objects come as JSON in a form."""
    if isinstance(value, str) and value[:1] in "[{":
        return json.loads(value)
    return value


def _refused(status: int, description: str, **parameters: Any) -> web.Response:
    document: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if parameters:
        document["parameters"] = parameters
    return web.json_response(document, status=status)
