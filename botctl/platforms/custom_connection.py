"""A bot on the custom platform: requests in, answers out, callbacks where they are wanted."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botctl.errors import UserError
from botctl.ids import new_id
from botctl.messages import Answer, IncomingMessage, OutgoingMessage
from botctl.platforms.platform import ConnectionContext, Receipt, SendError
from botctl.platforms.standard_webhooks import Signer, secret_fault
from botctl.platforms.webhook import BodyTooLarge, json_response, read_body, refusal

if TYPE_CHECKING:
    from httpx import AsyncClient
    from starlette.requests import Request
    from starlette.responses import Response

LONGEST_TEXT = 32 * 1024
LONGEST_ID = 256
_HEARTBEAT = 15.0
_LATE_REMEMBERED = 10_000


class FieldFault(Exception):
    """A field of the request is not as it should be."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What a request says."""

    text: str
    user_id: str
    channel_id: str
    user_name: str
    message_id: str


class CustomConnection:
    """See `custom.py`. refused counts requests that were not to be trusted."""

    def __init__(
        self, *, secret: str, callback_url: str, answer_timeout: float, context: ConnectionContext
    ) -> None:
        if secret and (fault := secret_fault(secret)):
            raise UserError(
                f"the secret of platform `custom` of bot `{context.bot}` {fault}",
                help="it is whsec_ and 24 to 64 random bytes in base64",
            )
        self.refused = 0
        self._signer = Signer(secret) if secret else None
        self._callback_url = callback_url
        self._answer_timeout = answer_timeout
        self._context = context
        self._life = new_id()
        self._requests = 0
        self._late: dict[str, None] = {}
        self._client: AsyncClient | None = None

    @property
    def is_verified(self) -> bool:
        """Whether requests must be signed; if not, only this machine may make any."""
        return self._signer is not None

    async def run(self) -> None:
        """There is nothing to poll."""

    async def close(self) -> None:
        """Let go of the connection to the callback."""
        if self._client is not None:
            await self._client.aclose()

    async def webhook(self, request: Request) -> Response:
        """Verify, store, and answer when there is an answer."""
        if request.method != "POST":
            return refusal(405, "messages are POSTed here")
        try:
            body = await read_body(request)
        except BodyTooLarge:
            return refusal(413, "the body is larger than 256 KiB")
        headers = request.headers
        if self._signer is not None:
            fault = self._signer.fault(headers, body, self._context.now_ms())
            if fault:
                self.refused += 1
                return refusal(401, f"this request is refused: {fault}", "sign it with Standard Webhooks")
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return refusal(415, "the body is not declared as JSON", "send content-type: application/json")
        try:
            fields = read_fields(body)
        except FieldFault as fault_:
            return refusal(422, str(fault_), 'send {"text": "...", "userId": "...", "channelId": "..."}')
        token = self._token()
        message = self._message(fields, headers.get("webhook-id", "") or fields.message_id, token)
        receipt = await self._context.accept(message)
        if "text/event-stream" in headers.get("accept", ""):
            return self._stream(receipt, token)
        return await self._answer(receipt, token)

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        """POST to the callback; without one, the response of the request carries the message."""
        if self._callback_url:
            return await self._call_back(message)
        token = str(message.reply.get("request", ""))
        if message.purpose == "reply" and token.startswith(self._life) and token not in self._late:
            return (f"http:{token}",)
        raise SendError(
            "nobody is connected to take it (set `callback_url`, or repeat the request with its id)",
            permanent=True,
        )

    def _token(self) -> str:
        self._requests += 1
        return f"{self._life}:{self._requests}"

    def _message(self, fields: Fields, id: str, token: str) -> IncomingMessage:
        return IncomingMessage(
            bot=self._context.bot,
            platform="custom",
            dedupe_key=id,
            channel_id=fields.channel_id,
            user_id=fields.user_id,
            user_name=fields.user_name,
            text=fields.text,
            received_at=self._context.now_ms(),
            reply={"request": token},
        )

    async def _answer(self, receipt: Receipt, token: str) -> Response:
        import asyncio

        try:
            answer = await asyncio.wait_for(receipt.answer(), self._answer_timeout)
        except TimeoutError:
            self._give_up(token)
            return json_response(202, {"run_id": receipt.run_id, "status": "running"})
        return json_response(202 if answer.status in ("waiting", "running") else 200, answer_json(answer))

    def _give_up(self, token: str) -> None:
        """The response has gone: what is said later cannot be in it."""
        self._late[token] = None
        if len(self._late) > _LATE_REMEMBERED:
            del self._late[next(iter(self._late))]

    def _stream(self, receipt: Receipt, token: str) -> Response:
        import asyncio

        from starlette.responses import StreamingResponse

        async def events() -> AsyncIterator[bytes]:
            waiting = asyncio.ensure_future(receipt.answer())
            try:
                while not waiting.done():
                    await asyncio.wait([waiting], timeout=_HEARTBEAT)
                    if not waiting.done():
                        yield b": still working\n\n"
                answer = waiting.result()
                for number, text in enumerate(answer.messages):
                    yield _event("message", {"text": text}, number)
                yield _event("done", answer_json(answer), len(answer.messages))
            finally:
                if not waiting.done():
                    waiting.cancel()
                    self._give_up(token)

        return StreamingResponse(
            events(), media_type="text/event-stream", headers={"cache-control": "no-store"}
        )

    async def _call_back(self, message: OutgoingMessage) -> tuple[str, ...]:
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(timeout=15, follow_redirects=False)
        body = json.dumps(
            {
                "id": message.id,
                "bot": message.bot,
                "channelId": message.channel_id,
                "userId": message.user_id,
                "text": message.text,
                "buttons": [{"label": button.label, "value": button.value} for button in message.buttons],
            },
            ensure_ascii=False,
        )
        headers = {"content-type": "application/json", "webhook-id": message.id}
        if self._signer is not None:
            timestamp = self._context.now_ms() // 1000
            headers["webhook-timestamp"] = str(timestamp)
            headers["webhook-signature"] = self._signer.sign(message.id, timestamp, body)
        try:
            response = await self._client.post(self._callback_url, content=body.encode(), headers=headers)
        except httpx.HTTPError as error:
            raise SendError(f"the callback could not be reached: {type(error).__name__}") from error
        if response.is_success:
            return (message.id,)
        after = response.headers.get("retry-after", "")
        raise SendError(
            f"the callback answered {response.status_code}",
            permanent=400 <= response.status_code < 500 and response.status_code not in (408, 425, 429),
            retry_after=float(after) if after.isdecimal() else None,
        )


def read_fields(body: bytes) -> Fields:
    """The fields of a request's body; FieldFault says what is wrong with them."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise FieldFault("the body is not JSON") from None
    if not isinstance(value, dict):
        raise FieldFault("the body is not a JSON object")
    text = value.get("text")
    if not isinstance(text, str) or not text.strip():
        raise FieldFault("`text` should be a text that is not empty")
    if len(text) > LONGEST_TEXT:
        raise FieldFault(f"`text` is longer than {LONGEST_TEXT} characters")
    user_id = _id(value, "userId", "user_id")
    if not user_id:
        raise FieldFault("`userId` is missing")
    return Fields(
        text,
        user_id,
        _id(value, "channelId", "channel_id") or user_id,
        _id(value, "userName", "user_name"),
        _id(value, "messageId", "message_id"),
    )


def _id(value: Mapping[str, Any], name: str, other: str) -> str:
    found = value.get(name)
    if found is None:
        found = value.get(other)
    if found is None:
        return ""
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise FieldFault(f"`{name}` should be a text or a number")
    if len(text := str(found)) > LONGEST_ID:
        raise FieldFault(f"`{name}` is longer than {LONGEST_ID} characters")
    return text


def answer_json(answer: Answer) -> dict[str, Any]:
    """An answer as callers get it. A run that failed is still 200: its status says so."""
    told: dict[str, Any] = {
        "response": "\n\n".join(answer.messages),
        "messages": list(answer.messages),
        "run_id": answer.run_id,
        "status": answer.status,
        "tool_calls": answer.tool_calls,
        "tokens": answer.tokens,
        "cost_cents": answer.cost_cents,
        "latency_ms": answer.latency_ms,
    }
    if answer.reason:
        told["reason"] = answer.reason
    return told


def _event(name: str, value: Any, number: int) -> bytes:
    return f"event: {name}\nid: {number}\ndata: {json.dumps(value, ensure_ascii=False)}\n\n".encode()
