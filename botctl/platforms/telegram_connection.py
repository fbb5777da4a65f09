"""A bot at Telegram: long polling or webhooks in, sendMessage out."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import structs
from starlette.responses import Response

from botctl.errors import BotctlError, OutsideError, UserError
from botctl.messages import IncomingMessage, OutgoingMessage
from botctl.platforms.platform import Checked, ConnectionContext, Registration
from botctl.platforms.telegram_check import check_telegram
from botctl.platforms.telegram_client import TelegramClient
from botctl.platforms.telegram_files import keep
from botctl.platforms.telegram_messages import UPDATES, FileRef, PoisonError, number_of, read_update
from botctl.platforms.telegram_poison import poison
from botctl.platforms.telegram_polling import Position, poll
from botctl.platforms.telegram_post import TelegramPost, chat_of
from botctl.platforms.webhook import JsonResponse, refusal

if TYPE_CHECKING:
    from starlette.requests import Request

    from botctl.platforms.telegram import TelegramSettings

logger = logging.getLogger(__name__)

_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")  # what setWebhook takes (Bot API server, 2026-05)
_TOKEN = re.compile(r"[A-Za-z0-9:_-]+")
_CALLBACK_TIME = 5.0


class TelegramConnection:
    """See `telegram.py`. refused counts webhooks that were not Telegram's."""

    def __init__(
        self,
        settings: TelegramSettings,
        context: ConnectionContext,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """sleep: waits while Telegram is not to be asked."""
        if not _TOKEN.fullmatch(settings.token):
            raise UserError(
                f"the token of bot `{context.bot}` on telegram is none that Telegram gives",
                help="set it to the value that BotFather gave, without spaces or line ends",
            )
        if settings.webhook_secret and not _SECRET.fullmatch(settings.webhook_secret):
            raise UserError(
                f"the `webhook_secret` of bot `{context.bot}` on telegram is one that Telegram does not take",
                help="use 1 to 256 of A-Z, a-z, 0-9, _ and -; or leave it out, and one is made",
            )
        self.refused = 0
        self._settings = settings
        self._context = context
        self._sleep = sleep
        made = hmac.new(settings.token.encode(), b"botctl webhook", hashlib.sha256).hexdigest()
        self._secret = (settings.webhook_secret or made).encode()
        self._client = TelegramClient(token=settings.token, base_url=settings.base_url, name=context.bot)
        is_markdown = settings.format == "markdown"
        self._post = TelegramPost(
            self._client, token=settings.token, files=context.files, is_markdown=is_markdown
        )

    @property
    def is_verified(self) -> bool:
        """Every webhook holds the secret that Telegram was given."""
        return True

    async def run(self) -> None:
        """Ask for updates until cancelled; in webhook mode there is nothing to ask but whether the token is
        taken."""
        await self._client.bot()
        if self._settings.mode == "webhook":
            return
        await self._leave_webhook()
        await poll(
            self._client,
            Position(await self._context.load_cursor()),
            bot=self._context.bot,
            now_ms=self._context.now_ms,
            take=self._take_polled,
            leave_webhook=self._leave_webhook,
            sleep=self._sleep,
        )

    async def close(self) -> None:
        """Let go of its connections."""
        await self._client.close()

    async def webhook(self, request: Request) -> Response:
        """One update, verified by the secret that came with it, stored, then acknowledged. What cannot be
        read is acknowledged too: Telegram would hold its chat back and bring it again for a day."""
        if request.method != "POST":
            return refusal(405, f"an update is not sent with {request.method}", "use POST")
        given = request.headers.get("x-telegram-bot-api-secret-token", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._secret):
            self.refused += 1
            return refusal(
                401, "this request is refused: it is not Telegram's", "`botctl webhook set` renews it"
            )
        try:
            update = json.loads(await request.body())
        except (ValueError, RecursionError):
            update = None
        if number_of(update) is None:
            logger.error(
                "telegram: something that is no update came to bot %s; it is left out", self._context.bot
            )
            return JsonResponse(200, {})
        try:
            callback = await self._take(update, None)
        except BotctlError as error:  # who the bot is could not be asked, or the token is refused
            return refusal(503, error.message, "send it again")
        # A method may be called in the answer; what becomes of it is not told, and does not matter here.
        called = {"method": "answerCallbackQuery", "callback_query_id": callback}
        return JsonResponse(200, called if callback else {})

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        """Send all parts of a message; one that was begun goes on where it stopped."""
        return await self._post.send(message)

    def can_edit(self, message: IncomingMessage) -> bool:
        """See `Editor`."""
        return True

    async def edit(self, message: OutgoingMessage, ids: tuple[str, ...]) -> tuple[str, ...]:
        """See `Editor`."""
        return await self._post.send(message, ids)

    async def typing(self, channel_id: str, thread_id: str) -> None:
        """See `Typist`."""
        from telegram.error import TelegramError

        thread = int(thread_id) if thread_id.isdecimal() else None
        try:
            bot = await self._client.bot()
            await bot.send_chat_action(chat_of(channel_id), "typing", message_thread_id=thread)
        except (TelegramError, UserError, OutsideError) as error:
            logger.debug("typing was not shown on telegram: %s", type(error).__name__)

    async def registration(self) -> Registration:
        """See `Registrar`."""
        from telegram.error import TelegramError

        try:
            known = await (await self._client.bot()).get_webhook_info()
        except TelegramError as error:
            raise self._client.outside_error(error) from None
        return Registration(
            url=known.url or "", pending=known.pending_update_count, last_error=known.last_error_message or ""
        )

    async def register(self, url: str) -> None:
        """See `Registrar`."""
        from telegram.error import TelegramError

        try:
            bot = await self._client.bot()
            await bot.set_webhook(url, secret_token=self._secret.decode(), allowed_updates=list(UPDATES))
        except TelegramError as error:
            raise self._client.outside_error(error) from None

    async def unregister(self) -> None:
        """See `Registrar`. What waits at Telegram is kept for whoever asks next."""
        from telegram.error import TelegramError

        try:
            await (await self._client.bot()).delete_webhook()
        except TelegramError as error:
            raise self._client.outside_error(error) from None

    async def check(self) -> tuple[Checked, ...]:
        """See `Checkable`."""
        return await check_telegram(
            self._client, self.registration, self._settings.mode, self._context.webhook_url
        )

    async def _leave_webhook(self) -> None:
        """Polling and a webhook exclude each other; one that is somebody's is not taken away unasked."""
        known = await self.registration()
        if not known.url:
            return
        if not self._context.may_take_over:
            raise UserError(
                f"telegram brings the messages of bot `{self._context.bot}` to a webhook now",
                help="`--take-over` (or `botctl webhook delete`) takes it away; or use `mode: webhook`",
            )
        await self.unregister()

    async def _take_polled(self, update: Mapping[str, Any], cursor: str) -> None:
        callback = await self._take(update, cursor)
        if callback:
            await self._stop_clock(callback)

    async def _take(self, update: Mapping[str, Any], cursor: str | None) -> str:
        """Store what an update says, and the cursor with it; nothing else confirms it. The press that is to
        be answered, "" if there was none."""
        context, now_ms = self._context, self._context.now_ms()
        try:
            read = read_update(update, await self._client.me(), context.bot, now_ms)
        except PoisonError as error:
            logger.error("telegram: update %s cannot be read: %s", number_of(update), error)
            await context.accept(poison(update, error, context.bot, now_ms), cursor)
            return ""
        if read.moved is not None:
            await context.channel_moved(*read.moved)
        if read.message is not None:
            await context.accept(await self._with_files(read.message, read.files), cursor)
        elif read.reason:
            logger.debug("telegram: update %s is left out: %s", number_of(update), read.reason)
        return read.callback

    async def _stop_clock(self, callback: str) -> None:
        """Of the button that was pressed; too late is no harm."""
        from telegram.error import TelegramError

        try:
            bot = await self._client.bot()
            await bot.answer_callback_query(callback, read_timeout=_CALLBACK_TIME)
        except TelegramError as error:
            logger.debug("telegram: %s", self._client.told(error))

    async def _with_files(self, message: IncomingMessage, files: tuple[FileRef, ...]) -> IncomingMessage:
        kept = [await keep(file, self._client, self._context.files) for file in files]
        return structs.replace(message, attachments=(*message.attachments, *kept)) if kept else message
