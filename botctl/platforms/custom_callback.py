"""The callback: messages of the custom platform, posted to an address of the user's."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import httpx

from botctl.messages import OutgoingMessage
from botctl.platforms.platform import SendError
from botctl.platforms.standard_webhooks import Signer

TIMEOUT = 15.0
"""Seconds that a callback may take; Standard Webhooks recommend 15 to 30."""

_LONGEST_PAUSE = 3600.0
_PASSING = frozenset((408, 409, 421, 423, 425, 429))


class Callback:
    """One address. A message keeps its webhook-id over all attempts: the other side can tell repeats."""

    def __init__(self, url: str, signer: Signer | None) -> None:
        self._url = url
        self._host = urlsplit(url).hostname or "?"  # never the whole address: its query may hold a key
        self._signer = signer
        self._client = httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False)

    async def send(self, message: OutgoingMessage, now_ms: int) -> tuple[str, ...]:
        """Post one message. 2xx: it has arrived; 410 and most others of 3xx and 4xx: it never will."""
        body = json.dumps(_document(message), ensure_ascii=False)
        headers = {"content-type": "application/json", "webhook-id": message.id}
        if self._signer is not None:
            headers |= self._signer.headers(message.id, body, now_ms)
        try:
            response = await self._client.post(self._url, content=body.encode(), headers=headers)
        except httpx.InvalidURL as error:
            raise SendError("`callback_url` is not an address", permanent=True) from error
        except httpx.HTTPError as error:
            raise SendError(f"the callback at {self._host} broke off: {type(error).__name__}") from error
        if response.is_success:
            return (message.id,)
        status = response.status_code
        raise SendError(
            f"the callback at {self._host} answered {status}",
            permanent=300 <= status < 500 and status not in _PASSING,
            retry_after=_retry_after(response),
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()


def _document(message: OutgoingMessage) -> dict[str, object]:
    document: dict[str, object] = {
        "id": message.id,
        "bot": message.bot,
        "channelId": message.channel_id,
        "userId": message.user_id,
        "text": message.text,
        "purpose": message.purpose,
        "buttons": [{"label": button.label, "value": button.value} for button in message.buttons],
    }
    if message.reply.get("message_id"):
        document["replyTo"] = message.reply["message_id"]
    if message.attachments:
        document["attachments"] = [
            {"kind": one.kind, "name": one.name, "mediaType": one.media_type, "url": one.url}
            for one in message.attachments
        ]
    return document


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds the other side asked for, an hour at most; a date or anything odd counts as nothing."""
    written = response.headers.get("retry-after", "")
    return min(float(written), _LONGEST_PAUSE) if written.isascii() and written.isdecimal() else None
