"""A bot on WhatsApp: webhooks in, calls of the Graph API out."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from msgspec import structs
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from botctl.errors import UserError
from botctl.messages import OutgoingMessage
from botctl.platforms.platform import Checked, ConnectionContext, Registration, SendError
from botctl.platforms.webhook import JsonResponse, refusal
from botctl.platforms.whatsapp_calls import (
    Part,
    digits,
    envelope,
    is_person,
    media_type_of,
    parts_of,
    template_part,
)
from botctl.platforms.whatsapp_check import check_number, registration_of
from botctl.platforms.whatsapp_graph import REENGAGEMENT, Graph, GraphError, send_error
from botctl.platforms.whatsapp_media import attachment_of
from botctl.platforms.whatsapp_messages import Heard, LeftAside, Undelivered, read_webhook
from botctl.platforms.whatsapp_people import People
from botctl.platforms.whatsapp_signature import is_same, signature_fault

if TYPE_CHECKING:
    from botctl.platforms.whatsapp import WhatsappSettings

logger = logging.getLogger(__name__)

WINDOW_MS = 24 * 3600 * 1000
"""How long after a user's last message free text is taken (Meta's customer service window, 2026-06)."""

Value = TypeVar("Value")

_TYPING_LASTS_MS = 20_000  # 25 s, or until the answer (Meta's typing page, 2026-06)
_MOST_REMEMBERED = 10_000


class WhatsappConnection:
    """See `whatsapp.py`. refused counts webhooks that were not to be trusted."""

    def __init__(self, settings: WhatsappSettings, context: ConnectionContext) -> None:
        for name in ("phone_number_id", "access_token", "verify_token", "app_secret"):
            if not getattr(settings, name):
                raise UserError(
                    f"`{name}` of platform `whatsapp` of bot `{context.bot}` is empty",
                    help="without it no webhook can be trusted, or nothing can be sent; set it in bot.yaml",
                )
        if not (settings.access_token.isascii() and settings.access_token.isprintable()):
            raise UserError(
                f"`access_token` of platform `whatsapp` of bot `{context.bot}` holds what no token does",
                help="copy it anew, without line ends",
            )
        self.refused = 0
        self._settings = settings
        self._context = context
        self._graph = Graph(settings.base_url, settings.api_version, settings.access_token)
        self._people = People()
        self._knows_people = False
        self._queues: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._heard: dict[str, None] = {}
        self._last: dict[str, str] = {}
        self._shown_at: dict[str, int] = {}
        self._begun: dict[str, list[str]] = {}

    @property
    def is_verified(self) -> bool:
        """Webhooks are always signed: without `app_secret` there is no connection."""
        return True

    async def run(self) -> None:
        """There is nothing to poll."""

    async def close(self) -> None:
        """Let go of the connections to the Graph API."""
        await self._graph.close()

    async def webhook(self, request: Request) -> Response:
        """GET: prove that the webhook is ours. POST: verify, store, acknowledge, in this order."""
        if request.method == "GET":
            return self._prove(request)
        if request.method != "POST":
            return refusal(405, f"a webhook is not sent with {request.method}", "use POST")
        body = await request.body()
        fault = signature_fault(self._settings.app_secret, request.scope["headers"], body)
        if fault:
            self.refused += 1
            return refusal(401, f"this webhook is refused: {fault}", "sign it with `app_secret`")
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            # It is signed, so it is Meta's: it would come again for a week, and never get better.
            logger.error("a webhook of WhatsApp for bot %s is not JSON; it is left aside", self._context.bot)
            return JsonResponse(200, {})
        await self._know_people()
        context = self._context
        number = self._settings.phone_number_id
        for one in read_webhook(document, bot=context.bot, phone_number_id=number, now_ms=context.now_ms()):
            match one:
                case Heard():
                    await self._take(one)
                case Undelivered():
                    await self._tell_undelivered(one)
                case LeftAside():
                    level = logging.WARNING if one.is_odd else logging.INFO
                    logger.log(level, "left aside on WhatsApp: %s %s", one.reason, one.id)
        return JsonResponse(200, {})

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        """Send one message, in parts if it is long; as a template when free text is not taken any more."""
        await self._know_people()
        if not is_person(message.channel_id) and not digits(message.channel_id):
            raise SendError(
                f"`{message.channel_id}` is neither a number nor a business-scoped id", permanent=True
            )
        template = message.template or self._settings.template
        is_open = self._is_open(message)
        parts = parts_of(message) if is_open else []
        if is_open and not parts and not message.template:
            raise SendError("there is nothing in this message to send", permanent=True)
        if not parts and not template:
            raise SendError(
                "the user's last message is more than 24 hours old, or there is none: WhatsApp takes only"
                " templates then; set `template` of platform whatsapp",
                permanent=True,
            )
        if not parts:
            return await self._send_parts(message, [template_part(template, message)])
        try:
            return await self._send_parts(message, parts)
        except SendError as error:
            if template and isinstance(error.__cause__, GraphError) and error.__cause__.code == REENGAGEMENT:
                return await self._send_parts(message, [template_part(template, message)])
            raise

    async def typing(self, channel_id: str, thread_id: str) -> None:
        """Mark the user's last message as read, and show that an answer is being written."""
        wamid, now = self._last.get(channel_id, ""), self._context.now_ms()
        if not wamid or now - self._shown_at.get(wamid, 0) < _TYPING_LASTS_MS:
            return
        _remember(self._shown_at, wamid, now)
        document = {
            "messaging_product": "whatsapp",
            "status": "read",
            "message_id": wamid,
            "typing_indicator": {"type": "text"},
        }
        try:
            await self._graph.post(f"{self._settings.phone_number_id}/messages", document)
        except GraphError as error:
            logger.debug("typing was not shown on WhatsApp: %s", error.message)

    async def check(self) -> tuple[Checked, ...]:
        """The token, the number, and where its messages go."""
        return await check_number(self._graph, self._settings.phone_number_id, self._context.webhook_url)

    async def registration(self) -> Registration:
        """Where WhatsApp sends this number's messages; a UserError when it does not tell."""
        with _told():
            return await registration_of(self._graph, self._settings.phone_number_id)

    async def register(self, url: str) -> None:
        """Give this number an address of its own. WhatsApp asks for `verify_token` there before it agrees."""
        await self._configure(override_callback_uri=url, verify_token=self._settings.verify_token)

    async def unregister(self) -> None:
        """Take it away; then the address of the app, if there is one, counts again."""
        await self._configure(override_callback_uri="")

    async def _configure(self, **configuration: str) -> None:
        with _told():
            await self._graph.post(self._settings.phone_number_id, {"webhook_configuration": configuration})

    def _prove(self, request: Request) -> Response:
        asked = request.query_params
        challenge = asked.get("hub.challenge", "")
        fits = is_same(self._settings.verify_token, asked.get("hub.verify_token", ""))
        if asked.get("hub.mode") == "subscribe" and challenge and fits:
            return PlainTextResponse(challenge, headers={"x-content-type-options": "nosniff"})
        self.refused += 1
        return refusal(403, "the verify token does not fit", "enter the `verify_token` of bot.yaml")

    async def _know_people(self) -> None:
        if not self._knows_people:
            self._people.load(await self._context.load_cursor())
            self._knows_people = True

    async def _take(self, heard: Heard) -> None:
        """Store a message, its file first. Those of one user wait for each other: no words may overtake the
        file that they are about."""
        message = heard.message
        queue = self._queues.setdefault(message.channel_id, asyncio.Lock())
        async with queue:
            if heard.media is not None and message.dedupe_key not in self._heard:
                number = self._settings.phone_number_id
                file = await attachment_of(heard.media, self._graph, self._context.files, number)
                message = structs.replace(message, attachments=(file,))
            is_news = self._people.learn(str(message.reply.get("number", "")), message.channel_id)
            receipt = await self._context.accept(message, self._people.dump() if is_news else None)
            _remember(self._heard, message.dedupe_key, None)
            if not receipt.duplicate:
                _remember(self._last, message.channel_id, message.dedupe_key)

    async def _tell_undelivered(self, one: Undelivered) -> None:
        logger.warning(
            "WhatsApp could not deliver message %s of bot %s: %s (%s)",
            one.outbox_id or "?",
            self._context.bot,
            one.reason,
            one.wamid,
        )
        if one.outbox_id:
            await self._context.undelivered(one.outbox_id, f"whatsapp could not deliver it: {one.reason}")

    def _is_open(self, message: OutgoingMessage) -> bool:
        """Whether free text is still taken: the user said something within the last 24 hours."""
        channel, since = message.channel_id, self._context.now_ms() - WINDOW_MS
        names = {channel} if is_person(channel) else {channel, digits(channel)}
        names |= {self._people.also(name) for name in names} - {""}
        last = [self._context.last_message_at(name, name) for name in names]
        return any(at is not None and at > since for at in last)

    async def _send_parts(self, message: OutgoingMessage, parts: list[Part]) -> tuple[str, ...]:
        """Send what has not been sent of it yet: an attempt goes on where the last one broke off."""
        plan = f"{message.id}:{parts[0].type == 'template'}"
        sent = self._begun.pop(plan, [])
        try:
            for part in parts[len(sent) :]:
                sent.append(await self._send_part(message, part, is_first=not sent))
        except GraphError as error:
            refused = send_error(error)
            if sent and not refused.permanent:
                _remember(self._begun, plan, sent)
            raise refused from error
        return tuple(sent)

    async def _send_part(self, message: OutgoingMessage, part: Part, *, is_first: bool) -> str:
        number, media_id = self._settings.phone_number_id, ""
        if part.upload is not None:
            if self._context.files is None:
                raise SendError("files cannot be sent here", permanent=True)
            path = self._context.files.open(part.upload)
            name = part.upload.name or path.name
            with path.open("rb") as file:
                told = await self._graph.upload(f"{number}/media", name, media_type_of(part.upload), file)
            media_id = str(told.get("id") or "")
        body = envelope(message, part, is_first=is_first, media_id=media_id)
        told = await self._graph.post(f"{number}/messages", body)
        person = _first(told, "contacts")
        self._people.learn(str(person.get("wa_id") or ""), str(person.get("user_id") or ""))
        return str(_first(told, "messages").get("id") or "?")


def _first(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = told.get(name)
    return found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}


@contextmanager
def _told() -> Iterator[None]:
    """A call that the user asked for: he is told when it is refused."""
    try:
        yield
    except GraphError as error:
        raise UserError(f"WhatsApp did not do it: {error.message}", help=_WAY_OUT) from error


_WAY_OUT = (
    "see that `access_token` may manage the number `phone_number_id`, and that the address is reachable"
)


def _remember(known: dict[str, Value], key: str, value: Value) -> None:
    """Note it as the newest, and forget the oldest of too many."""
    known.pop(key, None)
    known[key] = value
    if len(known) > _MOST_REMEMBERED:
        del known[next(iter(known))]
