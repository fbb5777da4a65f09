"""Discord's forms: what its fake server takes and tells, and interactions signed as Discord signs them."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
from aiohttp import web
from nacl.signing import SigningKey

KEY = SigningKey(bytes(range(32)))
PUBLIC_KEY = KEY.verify_key.encode().hex()
ME, APPLICATION = "900", "1000"
HELPER = {"id": ME, "username": "helper", "discriminator": "0", "avatar": None, "bot": True}
OURS = {
    "id": APPLICATION,
    "name": "Helper",
    "verify_key": PUBLIC_KEY,
    "icon": None,
    "description": "",
    "bot_public": True,
    "bot_require_code_grant": False,
    "owner": {"id": "5", "username": "boss", "discriminator": "0", "avatar": None},
}


async def push(url: str, payload: Any, *, at: int, signature: str = "") -> tuple[int, Any]:
    """Send an interaction to an endpoint, signed; the status and the body of the answer."""
    body = json.dumps(payload).encode()
    headers = {"X-Signature-Timestamp": str(at), "Content-Type": "application/json"}
    headers["X-Signature-Ed25519"] = signature or KEY.sign(str(at).encode() + body).signature.hex()
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as told:
        return told.status, await told.json()


def json_response(told: Any, status: int = 200) -> web.Response:
    headers = {"Content-Type": "application/json"}  # discord.py reads no other spelling as JSON
    if status == 429:
        headers |= {"Via": "1.1 google", "Retry-After": str(told.get("retry_after", 1))}
    return web.Response(body=json.dumps(told).encode(), status=status, headers=headers)


async def body_of(request: web.Request) -> Any:
    if not request.content_type.startswith("multipart/"):
        text = await request.text()
        return json.loads(text) if text else None
    form = await request.post()
    files = {
        name: (part.filename, part.file.read().decode())
        for name, part in form.items()
        if name != "payload_json"
    }
    return {**json.loads(form["payload_json"]), "uploaded": files}


def form_fault(method: str, body: Any) -> str:
    """What Discord would not take of a message."""
    if method != "POST" or not isinstance(body, dict) or "allowed_mentions" not in body:
        return ""
    rows = body.get("components", [])
    buttons = [button for row in rows for button in row["components"]]
    ids = [button["custom_id"] for button in buttons]
    good = len(body.get("content", "")) <= 2000 and len(rows) <= 5 and len(body.get("nonce", "")) <= 25
    good &= bool(body.get("content") or body.get("uploaded")) and body["allowed_mentions"] == {"parse": []}
    good &= all(len(row["components"]) <= 5 for row in rows) and len(set(ids)) == len(ids)
    good &= all(1 <= len(id) <= 100 for id in ids) and all(1 <= len(one["label"]) <= 80 for one in buttons)
    return "" if good else "content or components"
