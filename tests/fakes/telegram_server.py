"""Telegram's other end over loopback: the Bot API, as strict as the real one about what one bot does.

From tdlib/telegram-bot-api (2026-05): an offset confirms everything below it; what is not confirmed comes
again; of two pollers the older is told of the conflict; a webhook and getUpdates exclude each other;
callbacks can be answered once. What is no argument of a method is refused here; the real one ignores it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Self

from aiohttp import web

from tests.fakes.telegram_rules import ARGUMENTS, AS_JSON, RefusedError, fault_of_keyboard, plain_of

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
    """One bot's server. calls: (method, arguments) in order; faults: answers given once instead, JSON or
    not. moved: groups that have grown, old id to new. broken: files whose bytes cannot be had."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.sent: list[dict[str, Any]] = []
        self.faults: defaultdict[str, list[tuple[int, dict[str, Any] | str]]] = defaultdict(list)
        self.files: dict[str, bytes] = {}
        self.broken: set[str] = set()
        self.moved: dict[int, int] = {}
        self.webhook: dict[str, Any] = {}
        self.confirmed = 0
        self.me = dict(ME)
        self._updates: list[Any] = []
        self._callbacks: set[str] = set()
        self._changed = asyncio.Condition()
        self._over = asyncio.Event()
        self._poll = 0
        self._emptied = 0

    async def __aenter__(self) -> Self:
        self.loop = asyncio.get_running_loop()
        app = web.Application(client_max_size=60_000_000)
        app.router.add_route("*", "/bot{token}/{method}", self._call)
        app.router.add_get("/file/bot{token}/{path:.*}", self._file)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        await self._tell()
        await self._runner.cleanup()

    async def push(self, *updates: Any) -> None:
        """Something happens at Telegram."""
        self._updates += updates
        presses = [
            one["callback_query"] for one in updates if isinstance(one, dict) and "callback_query" in one
        ]
        self._callbacks |= {str(one.get("id")) for one in presses if isinstance(one, dict)}
        await self._tell()

    def forget_press(self, id: str) -> None:
        """A press gets too old to be answered."""
        self._callbacks.discard(id)

    async def set_webhook(self, url: str) -> None:
        """Somebody sets a webhook; whoever polls is told."""
        self.webhook = {"url": url}
        await self._tell()

    async def empty_polls(self) -> None:
        """The time of a poll is up: it is answered with nothing."""
        self._emptied += 1
        await self._tell()

    async def wait_until(self, holds: Callable[[], Any]) -> None:
        """Wait until something holds of this server."""
        async with self._changed:
            await self._changed.wait_for(holds)

    def called(self, method: str) -> list[dict[str, Any]]:
        """The arguments of every call of a method."""
        return [arguments for name, arguments in self.calls if name == method]

    def offsets(self) -> list[int | None]:
        """What was asked for, poll by poll."""
        return [int(one["offset"]) if "offset" in one else None for one in self.called("getUpdates")]

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _call(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != TOKEN:
            return _refused(401, "Unauthorized")
        method = {"getupdates": "getUpdates"}.get(request.match_info["method"], request.match_info["method"])
        if method not in ARGUMENTS:
            return _refused(404, "Not Found")
        arguments: dict[str, Any] = dict(request.query)
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                arguments[name] = value.file.read()
            else:
                arguments[name] = json.loads(value) if name in AS_JSON else value
        self.calls.append((method, arguments))
        await self._tell()
        if self.faults[method]:
            status, document = self.faults[method].pop(0)
            if isinstance(document, str):
                return web.Response(text=document, status=status)
            return web.json_response(document, status=status)
        try:
            unknown = arguments.keys() - ARGUMENTS[method]
            if unknown:
                raise RefusedError(400, f"Bad Request: {method} knows no {', '.join(sorted(unknown))}")
            answer = await getattr(self, f"_{method}")(arguments)
        except RefusedError as error:
            return _refused(error.status, error.description, **error.parameters)
        await self._tell()
        return web.json_response({"ok": True, "result": answer})

    async def _getMe(self, arguments: dict[str, Any]) -> Any:
        return self.me

    async def _getUpdates(self, arguments: dict[str, Any]) -> Any:
        self._refuse_beside_webhook()
        self._poll += 1
        poll, emptied = self._poll, self._emptied
        await self._tell()
        offset = int(arguments.get("offset") or 0)
        self.confirmed = max(self.confirmed, offset)
        self._updates = [one for one in self._updates if _number(one, offset) >= offset]

        def is_over() -> bool:
            return bool(
                self._updates
                or self._over.is_set()
                or self.webhook.get("url")
                or self._poll != poll
                or self._emptied != emptied
            )

        if int(arguments.get("timeout") or 0):
            async with self._changed:
                await self._changed.wait_for(is_over)
        self._refuse_beside_webhook()
        if self._poll != poll:
            raise RefusedError(
                409,
                "Conflict: terminated by other getUpdates request; make sure that only one bot instance is"
                " running",
            )
        return self._updates[:100]

    def _refuse_beside_webhook(self) -> None:
        if self.webhook.get("url"):
            told = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook first"
            raise RefusedError(409, told)

    async def _sendMessage(self, arguments: dict[str, Any]) -> Any:
        text = plain_of(str(arguments["text"]), arguments.get("parse_mode"))
        if not text.strip():
            raise RefusedError(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > LONGEST:
            raise RefusedError(400, "Bad Request: message is too long")
        fault = fault_of_keyboard(arguments.get("reply_markup"))
        if fault:
            raise RefusedError(400, f"Bad Request: {fault}")
        return self._posted(arguments, text=text)

    async def _editMessageText(self, arguments: dict[str, Any]) -> Any:
        number = int(arguments["message_id"]) - 1001
        if not 0 <= number < len(self.sent):
            raise RefusedError(400, "Bad Request: message to edit not found")
        text = plain_of(str(arguments["text"]), arguments.get("parse_mode"))
        if text == self.sent[number]["text"]:
            raise RefusedError(400, "Bad Request: message is not modified: specified new message content")
        self.sent[number] = {**self.sent[number], "text": text}
        chat = {"id": int(arguments["chat_id"]), "type": "private"}
        return {"message_id": 1001 + number, "date": 1, "chat": chat, "text": text}

    async def _sendPhoto(self, arguments: dict[str, Any]) -> Any:
        if len(arguments["photo"]) > 10_000_000:
            raise RefusedError(413, "Request Entity Too Large")
        if arguments["photo"].startswith(b"<svg"):
            raise RefusedError(400, "Bad Request: IMAGE_PROCESS_FAILED")
        return self._posted(arguments)

    async def _sendDocument(self, arguments: dict[str, Any]) -> Any:
        return self._posted(arguments)

    def _posted(self, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
        if not re.fullmatch(r"-?[0-9]+", str(arguments["chat_id"])):
            raise RefusedError(400, "Bad Request: chat not found")
        chat = int(arguments["chat_id"])
        if chat in self.moved:
            told = "Bad Request: group chat was upgraded to a supergroup chat"
            raise RefusedError(400, told, migrate_to_chat_id=self.moved[chat])
        if "message_thread_id" in arguments and not str(arguments["message_thread_id"]).isdecimal():
            raise RefusedError(400, "Bad Request: message thread not found")
        quoted = arguments.get("reply_parameters")
        if quoted is not None and not quoted.get("allow_sending_without_reply"):
            raise RefusedError(400, "Bad Request: message to be replied not found")
        self.sent.append(arguments)
        return {"message_id": 1000 + len(self.sent), "date": 1, "chat": {"id": chat, "type": "group"}, **more}

    async def _sendChatAction(self, arguments: dict[str, Any]) -> Any:
        return True

    async def _answerCallbackQuery(self, arguments: dict[str, Any]) -> Any:
        if arguments["callback_query_id"] not in self._callbacks:
            told = "Bad Request: query is too old and response timeout expired or query ID is invalid"
            raise RefusedError(400, told)
        self._callbacks.discard(arguments["callback_query_id"])
        return True

    async def _setWebhook(self, arguments: dict[str, Any]) -> Any:
        if not arguments["url"].startswith("https://"):
            raise RefusedError(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", arguments.get("secret_token", "")):
            raise RefusedError(400, "Bad Request: secret token contains unallowed characters")
        self.webhook = arguments
        return True

    async def _deleteWebhook(self, arguments: dict[str, Any]) -> Any:
        self.webhook = {}
        return True

    async def _getWebhookInfo(self, arguments: dict[str, Any]) -> Any:
        url = self.webhook.get("url", "")
        more = {"last_error_message": self.webhook["error"]} if "error" in self.webhook else {}
        pending = len(self._updates)
        return {"url": url, "has_custom_certificate": False, "pending_update_count": pending, **more}

    async def _getFile(self, arguments: dict[str, Any]) -> Any:
        id = arguments["file_id"]
        if id not in self.files:
            raise RefusedError(400, "Bad Request: invalid file_id")
        if len(self.files[id]) > 20_000_000:
            raise RefusedError(400, "Bad Request: file is too big")
        size = len(self.files[id])
        return {"file_id": id, "file_unique_id": id, "file_size": size, "file_path": f"docs/{id}"}

    async def _file(self, request: web.Request) -> web.Response:
        id = request.match_info["path"].removeprefix("docs/")
        if request.match_info["token"] != TOKEN or id in self.broken:
            return web.Response(status=404)
        return web.Response(body=self.files[id])


def _number(update: Any, otherwise: int) -> int:
    number = update.get("update_id") if isinstance(update, dict) else None
    return number if isinstance(number, int) else otherwise


def _refused(status: int, description: str, **parameters: Any) -> web.Response:
    document: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if parameters:
        document["parameters"] = parameters
    return web.json_response(document, status=status)
