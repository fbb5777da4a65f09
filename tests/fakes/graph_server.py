"""The Graph API as WhatsApp has it: takes calls over loopback, to the letter, and misbehaves on demand."""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import Any, Self

import httpx
from aiohttp import web

TOKEN = "EAA-the-token"
NUMBER = "106540352242922"
VERSION = "v25.0"
PERSON = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]+\Z")

Answer = tuple[int, dict[str, Any], dict[str, str]]


def error(status: int, code: int, message: str = "said no", **more: Any) -> Answer:
    """An error as Meta writes it."""
    told = {"message": f"(#{code}) {message}", "type": "OAuthException", "code": code, "fbtrace_id": "A1"}
    return status, {"error": {**told, **more}}, {}


class GraphServer:
    """A server on a free loopback port.

    sent: bodies of messages in order; typed: of read marks; files: what can be fetched, (type, bytes) by id;
    uploads: (name, type, bytes) by id. `answers` are given to the next calls instead of the right ones, and
    `drops` connections are cut after a call was taken; both count only calls to paths that end with `only`.
    asked_once: set with the first call.
    """

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.typed: list[dict[str, Any]] = []
        self.files: dict[str, tuple[str, bytes]] = {}
        self.addresses: dict[str, str] = {}
        self.uploads: dict[str, tuple[str, str, bytes]] = {}
        self.asked: list[tuple[str, str]] = []
        self.webhook = {"application": "https://old.example.com/hook"}
        self.asked_once = asyncio.Event()
        self.answers: list[Answer] = []
        self.only = ""
        self.drops = 0
        self.is_rated = "GREEN"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        self.asked_once.set()
        self.asked.append((request.method, path))
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _json(error(401, 190, f"Malformed access token {request.headers.get('authorization')}"))
        if path.startswith("/attachments/"):
            media_type, content = self.files[path.rpartition("/")[2]]
            return web.Response(body=content, content_type=media_type)
        if not path.startswith(f"/{VERSION}/"):
            return _json(error(404, 2500, "unknown path components"))
        answer = await self._answer(request, path.removeprefix(f"/{VERSION}/"))
        if path.endswith(self.only) and self.drops:
            self.drops -= 1
            assert request.transport is not None
            request.transport.close()
        return _json(answer)

    async def _answer(self, request: web.Request, path: str) -> Answer:
        if self.answers and path.endswith(self.only):
            return self.answers.pop(0)
        match request.method, path:
            case "POST", p if p == f"{NUMBER}/messages":
                return self._message(await request.json())
            case "POST", p if p == f"{NUMBER}/media":
                return await self._upload(request)
            case "POST", p if p == NUMBER:
                return await self._configure(await request.json())
            case "GET", p if p == NUMBER:
                return self._number(request.query["fields"].split(","))
            case "GET", "me/permissions":
                names = ("whatsapp_business_messaging", "whatsapp_business_management")
                return 200, {"data": [{"permission": name, "status": "granted"} for name in names]}, {}
            case "GET", id if id in self.files:
                return self._media(id, request.query.get("phone_number_id", ""))
        return error(400, 100, f"Unsupported {request.method} request. Object '{path}' does not exist")

    def _message(self, body: dict[str, Any]) -> Answer:
        if body.get("messaging_product") != "whatsapp":
            return error(400, 100, "The parameter messaging_product is required.")
        if body.get("status") == "read":
            if not str(body.get("message_id", "")).startswith("wamid."):
                return error(400, 100, "Invalid parameter")
            self.typed.append(body)
            return 200, {"success": True}, {}
        fault = _message_fault(body, set(self.uploads))
        if fault:
            return error(400, 131009, "Parameter value is not valid", error_data={"details": fault})
        self.sent.append(body)
        to = body.get("to") or body["recipient"]
        who = {"user_id": to} if body.get("recipient") else {"wa_id": to}
        message = {"id": f"wamid.sent{len(self.sent)}"}
        return (
            200,
            {"messaging_product": "whatsapp", "contacts": [{"input": to} | who], "messages": [message]},
            {},
        )

    async def _upload(self, request: web.Request) -> Answer:
        form = await request.post()
        file = form["file"]
        if form["messaging_product"] != "whatsapp" or not isinstance(file, web.FileField):
            return error(400, 100, "The parameter messaging_product is required.")
        if form["type"] != file.content_type or file.content_type == "application/octet-stream":
            return error(
                400, 100, "Param file must be a file with one of the following types: image/jpeg, ..."
            )
        id = f"media{len(self.uploads) + 1}"
        self.uploads[id] = (file.filename, file.content_type, file.file.read())
        return 200, {"id": id}, {}

    def _media(self, id: str, number: str) -> Answer:
        if number != NUMBER:
            return error(400, 100, "Invalid parameter")
        media_type, content = self.files[id]
        told = {
            "url": self.addresses.get(id, f"{self.url}/attachments/{id}"),
            "mime_type": media_type,
            "sha256": hashlib.sha256(content).hexdigest(),
            "file_size": len(content),
            "id": id,
            "messaging_product": "whatsapp",
        }
        return 200, told, {}

    def _number(self, fields: list[str]) -> Answer:
        number = {
            "display_phone_number": "+1 555-078-3881",
            "verified_name": "Lucky Shrub",
            "quality_rating": self.is_rated,
            "webhook_configuration": self.webhook,
        }
        return 200, {**{field: number[field] for field in fields}, "id": NUMBER}, {}

    async def _configure(self, body: dict[str, Any]) -> Answer:
        """Meta asks the new address before it believes in it."""
        wanted = body["webhook_configuration"]
        url = wanted["override_callback_uri"]
        self.webhook.pop("phone_number", None)
        if url:
            asked = {
                "hub.mode": "subscribe",
                "hub.verify_token": wanted["verify_token"],
                "hub.challenge": "77",
            }
            async with httpx.AsyncClient(trust_env=False) as client:
                response = await client.get(url, params=asked)
            if (response.status_code, response.text) != (200, "77"):
                return error(400, 2200, "Callback verification failed")
            self.webhook["phone_number"] = url
        return 200, {"success": True}, {}


def _message_fault(body: dict[str, Any], uploads: set[str]) -> str:
    """What Meta would refuse about a message that is to be sent."""
    to, person, type = body.get("to"), body.get("recipient"), body.get("type", "")
    known = {"messaging_product", "recipient_type", "to", "recipient", "type", type, "context"}
    if set(body) - known - {"biz_opaque_callback_data"} or body.get("recipient_type") != "individual":
        return "unexpected key"
    if (to is None) == (person is None) or (to and not to.isdigit()) or (person and not PERSON.match(person)):
        return "to or recipient"
    content = body[type]
    match type:
        case "text":
            fits = 0 < len(content["body"]) <= 4096 and content["preview_url"] is False
        case "interactive":
            replies = [one["reply"] for one in content["action"]["buttons"]]
            fits = content["type"] == "button" and 0 < len(content["body"]["text"]) <= 1024
            fits = fits and 1 <= len(replies) <= 3 and len({one["id"] for one in replies}) == len(replies)
            fits = fits and all(0 < len(one["title"]) <= 20 and 0 < len(one["id"]) <= 256 for one in replies)
        case "image" | "document" | "audio" | "video":
            is_told = content.get("link", "").startswith("https://") or content.get("id") in uploads
            fits = is_told and len(content.get("caption", "")) <= 1024
            fits = fits and not ("caption" in content and type == "audio")
        case "template":
            texts = [one["text"] for part in content.get("components", ()) for one in part["parameters"]]
            fits = bool(content["name"] and content["language"]["code"])
            fits = fits and all(text and "\n" not in text and len(text) <= 1024 for text in texts)
        case "location":
            fits = isinstance(content["latitude"], float) and isinstance(content["longitude"], float)
        case _:
            fits = False
    return "" if fits else f"{type} is not as it should be"


def _json(answer: Answer) -> web.Response:
    status, document, headers = answer
    return web.json_response(document, status=status, headers=headers)
