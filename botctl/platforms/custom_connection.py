"""A bot on the custom platform: requests in, answers out, callbacks where they are wanted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from botctl.errors import UserError
from botctl.ids import new_id
from botctl.messages import Answer, IncomingMessage, OutgoingMessage
from botctl.platforms.custom_answer import EventStream, answered
from botctl.platforms.custom_request import Fields, Refusal, read_fields, read_headers
from botctl.platforms.platform import ConnectionContext, Receipt, SendError
from botctl.platforms.standard_webhooks import Signer, secret_fault
from botctl.platforms.webhook import refusal

if TYPE_CHECKING:
    from botctl.platforms.custom_callback import Callback

_MOST_OPEN = 50_000


@dataclass(slots=True)
class _OpenRequest:
    """A request that carries its own answer.

    said: what the outbox handed over so far. owed: None until the answer is written; then how many of the
    messages in it the outbox has yet to hand over.
    """

    said: list[str] = field(default_factory=list)
    owed: int | None = None


class CustomConnection:
    """See `custom.py`. refused counts requests that were not to be trusted."""

    def __init__(
        self, *, secret: str, callback_url: str, answer_timeout: float, context: ConnectionContext
    ) -> None:
        if secret and (fault := secret_fault(secret)):
            raise UserError(
                f"the secret of platform `custom` of bot `{context.bot}` {fault}",
                help="it is whsec_ and 24 to 64 random bytes in base64, as `openssl rand -base64 32` prints",
            )
        self.refused = 0
        self._signer = Signer(secret) if secret else None
        self._callback = _callback(callback_url, self._signer) if callback_url else None
        self._answer_timeout = answer_timeout
        self._context = context
        self._life = new_id()  # no token of a former life of this process may be taken for one of ours
        self._count = 0
        self._open: dict[str, _OpenRequest] = {}

    @property
    def is_verified(self) -> bool:
        """Whether requests must be signed; if not, only this machine may make any."""
        return self._signer is not None

    @property
    def sends_in_memory(self) -> bool:
        """Without a callback a message waits for the response that carries it."""
        return self._callback is None

    async def run(self) -> None:
        """There is nothing to poll."""

    async def close(self) -> None:
        """Let go of the connections to the callback."""
        if self._callback is not None:
            await self._callback.close()

    async def webhook(self, request: Request) -> Response:
        """Verify, store, and answer when there is an answer."""
        if request.method != "POST":
            return refusal(405, f"a message is not sent with {request.method}", "use POST")
        body = await request.body()
        headers = read_headers(request.scope["headers"])
        if self._signer is not None:
            fault = self._signer.fault(headers, body, self._context.now_ms())
            if fault:
                self.refused += 1
                return refusal(401, f"this request is refused: {fault}", "sign it with Standard Webhooks")
        try:
            fields = read_fields(headers, body)
        except Refusal as error:
            return refusal(error.status, error.error, error.help)
        token = self._token()
        receipt = await self._context.accept(self._message(fields, token))
        if "text/event-stream" in headers.get("accept", ""):
            return EventStream(lambda: self._carried(token, receipt), lambda: self._given_up(token, receipt))
        return await self._in_time(token, receipt)

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        """POST to the callback; without one, the response of the request carries the message."""
        if self._callback is not None:
            return await self._callback.send(message, self._context.now_ms())
        if message.purpose == "reply" and self._takes(message):
            return (f"http:{message.id}",)
        raise SendError(
            "nobody is connected to take it (set `callback_url`, or repeat the request with its id)",
            permanent=True,
        )

    def _message(self, fields: Fields, token: str) -> IncomingMessage:
        return IncomingMessage(
            bot=self._context.bot,
            platform="custom",
            dedupe_key=fields.message_id,
            channel_id=fields.channel_id,
            user_id=fields.user_id,
            user_name=fields.user_name,
            text=fields.text,
            received_at=self._context.now_ms(),
            reply={"message_id": fields.message_id} if self._callback is not None else {"request": token},
        )

    async def _in_time(self, token: str, receipt: Receipt) -> Response:
        """The answer; or 202 when time is up or the server stops: the message is stored, the run goes on."""
        try:
            async with asyncio.timeout(self._answer_timeout):
                answer = await self._carried(token, receipt)
        except (TimeoutError, asyncio.CancelledError):
            answer = self._given_up(token, receipt)
        return answered(answer)

    def _token(self) -> str:
        """Names a request, so that messages which answer it are known to be in its response."""
        self._count += 1
        token = f"{self._life}:{self._count}"
        if self._callback is None:
            self._open[token] = _OpenRequest()
            if len(self._open) > _MOST_OPEN:
                del self._open[next(iter(self._open))]
        return token

    def _takes(self, message: OutgoingMessage) -> bool:
        """Whether a response carries this message, or has just carried it."""
        token = str(message.reply.get("request", ""))
        request = self._open.get(token)
        if request is None:
            return False
        if request.owed is None:
            request.said.append(message.text)
            return True
        request.owed -= 1
        if request.owed <= 0:
            del self._open[token]
        return True

    async def _carried(self, token: str, receipt: Receipt) -> Answer:
        """The answer. Its messages count as sent, whether the outbox hands them over before or after."""
        answer = await receipt.answer()
        request = self._open.get(token)
        if request is not None:
            request.owed = 0 if receipt.duplicate else len(answer.messages) - len(request.said)
            if request.owed <= 0:
                del self._open[token]
        return answer

    def _given_up(self, token: str, receipt: Receipt) -> Answer:
        """What is known so far. What is said from now on cannot be in the response any more."""
        request = self._open.pop(token, None)
        said = tuple(request.said) if request else ()
        return Answer(run_id=receipt.run_id, status="running", messages=said)


def _callback(url: str, signer: Signer | None) -> Callback:
    from botctl.platforms.custom_callback import Callback  # it brings an HTTP client, which few bots need

    return Callback(url, signer)
