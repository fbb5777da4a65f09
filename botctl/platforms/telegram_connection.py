"""A bot at Telegram: long polling or webhooks in, sendMessage out."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import os
import re
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import structs
from starlette.responses import Response

from botctl.errors import BotctlError, UserError
from botctl.messages import Attachment, IncomingMessage, OutgoingMessage
from botctl.platforms.platform import (
    Checked,
    ConnectionContext,
    FileRefusedError,
    Registration,
    SendError,
)
from botctl.platforms.telegram_errors import outside_error, seconds_of, send_error, without_token
from botctl.platforms.telegram_messages import UPDATES, FileRef, Me, Update, read_update, texts_of
from botctl.platforms.webhook import JsonResponse, refusal

if TYPE_CHECKING:
    from starlette.requests import Request
    from telegram import Bot

    from botctl.platforms.telegram import TelegramSettings

logger = logging.getLogger(__name__)

POLL_SECONDS = 50
"""The longest that Telegram lets one getUpdates wait (Bot API server, 2026-05)."""
FORGOTTEN_MS = 7 * 86_400_000
"""After a week without updates their numbers start anew (Bot API 10.1, 2026-06): an old offset skips some."""
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")  # what setWebhook takes (Bot API server, 2026-05)
_SLACK = 15.0
_CONFLICT_PAUSE = 5.0


class TelegramConnection:
    """See `telegram.py`. refused counts webhooks that were not Telegram's."""

    def __init__(self, settings: TelegramSettings, context: ConnectionContext) -> None:
        if settings.webhook_secret and not _SECRET.fullmatch(settings.webhook_secret):
            raise UserError(
                f"the `webhook_secret` of bot `{context.bot}` on telegram is one that Telegram does not take",
                help="use 1 to 256 of A-Z, a-z, 0-9, _ and -; or leave it out, and one is made",
            )
        self.refused = 0
        self._settings = settings
        self._context = context
        made = hmac.new(settings.token.encode(), b"botctl webhook", hashlib.sha256).hexdigest()
        self._secret = (settings.webhook_secret or made).encode()
        self._client: Bot | None = None
        self._opening = asyncio.Lock()
        self._begun: dict[str, list[str]] = {}

    @property
    def is_verified(self) -> bool:
        """Every webhook holds the secret that Telegram was given."""
        return True

    async def run(self) -> None:
        """Ask for updates until cancelled; in webhook mode there is nothing to ask."""
        if self._settings.mode == "webhook":
            return
        from telegram.error import Conflict, RetryAfter, TelegramError

        bot = await self._bot()
        await self._leave_webhook()
        offset = await self._first_offset()
        while True:
            try:
                # As it came: what the library cannot parse must not hide the updates beside it. Names of
                # methods may be in any case (Bot API 10.1); in lower case it does not plead for get_updates.
                updates: Any = await bot.do_api_request(
                    "getupdates",
                    api_kwargs={"offset": offset, "timeout": POLL_SECONDS, "allowed_updates": list(UPDATES)},
                    read_timeout=POLL_SECONDS + _SLACK,
                )
            except Conflict as error:
                logger.error(
                    "telegram: another program asks for the updates of bot %s: %s",
                    self._context.bot,
                    without_token(str(error), self._settings.token),
                )
                await asyncio.sleep(_CONFLICT_PAUSE)
                continue
            except RetryAfter as error:
                await asyncio.sleep(seconds_of(error))
                continue
            except TelegramError as error:
                raise outside_error(error, self._context.bot, self._settings.token) from None
            for update in updates:
                offset = int(update["update_id"]) + 1
                await self._take(update, offset)

    async def _first_offset(self) -> int | None:
        text = await self._context.load_cursor()
        if not text:
            return None
        cursor = json.loads(text)
        return cursor["offset"] if self._context.now_ms() - cursor["at"] < FORGOTTEN_MS else None

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

    async def _take(self, update: Mapping[str, Any], offset: int | None) -> None:
        """Store an update's message with the offset behind it; nothing else confirms it."""
        cursor = None
        if offset is not None:
            cursor = json.dumps({"offset": offset, "at": self._context.now_ms()})
        bot = await self._bot()
        me = Me(bot.id, bot.username)
        try:
            read = read_update(update, me, self._context.bot, self._context.now_ms())
        except (KeyError, TypeError, ValueError) as error:
            logger.error(
                "telegram: an update that cannot be read is left out: %s in %s", error, _short(update)
            )
            return
        if read.message is not None:
            message = await self._with_files(read.message, read.files)
            await self._context.accept(message, cursor)
        elif read.reason:
            logger.debug("telegram: update %s is left out: %s", update.get("update_id"), read.reason)
        if read.callback:
            await self._answer_callback(read)

    async def _answer_callback(self, read: Update) -> None:
        """Stop the button's clock; too late is no harm."""
        from telegram.error import TelegramError

        try:
            await (await self._bot()).answer_callback_query(read.callback)
        except TelegramError as error:
            logger.debug("telegram: %s", without_token(str(error), self._settings.token))

    async def _with_files(self, message: IncomingMessage, files: tuple[FileRef, ...]) -> IncomingMessage:
        return structs.replace(message, attachments=tuple([await self._kept(file) for file in files]))

    async def _kept(self, file: FileRef) -> Attachment:
        from telegram.error import TelegramError

        refused = "this bot takes no files"
        if self._context.files is not None:
            try:
                return await self._context.files.keep(
                    file.kind, file.name, file.media_type, self._chunks(file)
                )
            except FileRefusedError as error:
                refused = str(error)
            except TelegramError as error:
                refused = f"it could not be fetched ({without_token(str(error), self._settings.token)})"
        return Attachment(kind=file.kind, name=file.name, media_type=file.media_type, refused=refused)

    async def _chunks(self, file: FileRef) -> AsyncIterator[bytes]:
        bot = await self._bot()
        at_telegram = await bot.get_file(file.file_id)
        yield bytes(await at_telegram.download_as_bytearray())

    async def webhook(self, request: Request) -> Response:
        """One update, verified by the secret that came with it, stored, then acknowledged."""
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
        except ValueError:
            return refusal(400, "the body is not JSON", "send an update as Telegram does")
        if isinstance(update, dict):
            await self._take(update, None)
        return JsonResponse(200, {})

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        """Send all parts of a message; one that was begun goes on where it stopped."""
        from telegram import LinkPreviewOptions
        from telegram.error import TelegramError

        chat: int | str = int(message.channel_id) if _is_number(message.channel_id) else message.channel_id
        parts, keyboard = texts_of(message.text, message.buttons)
        ids = self._begun.setdefault(message.id, [])
        common: dict[str, Any] = {}
        if message.thread_id:
            common["message_thread_id"] = int(message.thread_id)
        try:
            bot = await self._bot()
            for index, part in enumerate(parts[len(ids) :], start=len(ids)):
                last = index == len(parts) - 1
                sent = await bot.send_message(
                    chat,
                    part,
                    reply_markup=_markup(keyboard) if last and keyboard else None,
                    link_preview_options=LinkPreviewOptions(is_disabled=True),
                    **common,
                )
                ids.append(str(sent.message_id))
            for attachment in message.attachments[max(0, len(ids) - len(parts)) :]:
                ids.append(await self._send_file(chat, attachment, common))
        except TelegramError as error:
            raise send_error(error, self._settings.token) from None
        except UserError as error:
            raise SendError(error.message, permanent=True) from None
        self._begun.pop(message.id, None)
        return tuple(ids)

    async def _send_file(self, chat: int | str, attachment: Attachment, common: dict[str, Any]) -> str:
        if self._context.files is None:
            raise SendError("this connection sends no files", permanent=True)
        path = self._context.files.open(attachment)
        content = await asyncio.to_thread(path.read_bytes)
        bot = await self._bot()
        if attachment.kind == "image":
            sent = await bot.send_photo(chat, content, filename=attachment.name or path.name, **common)
        else:
            sent = await bot.send_document(chat, content, filename=attachment.name or path.name, **common)
        return str(sent.message_id)

    async def typing(self, channel_id: str, thread_id: str) -> None:
        """See `Typist`."""
        from telegram.error import TelegramError

        try:
            thread = int(thread_id) if thread_id else None
            bot = await self._bot()
            await bot.send_chat_action(channel_id, "typing", message_thread_id=thread)
        except (TelegramError, UserError):
            pass

    async def registration(self) -> Registration:
        """See `Registrar`."""
        from telegram.error import TelegramError

        try:
            known = await (await self._bot()).get_webhook_info()
        except TelegramError as error:
            raise outside_error(error, self._context.bot, self._settings.token) from None
        return Registration(
            url=known.url or "", pending=known.pending_update_count, last_error=known.last_error_message or ""
        )

    async def register(self, url: str) -> None:
        """See `Registrar`."""
        from telegram.error import TelegramError

        try:
            bot = await self._bot()
            await bot.set_webhook(url, secret_token=self._secret.decode(), allowed_updates=list(UPDATES))
        except TelegramError as error:
            raise outside_error(error, self._context.bot, self._settings.token) from None

    async def unregister(self) -> None:
        """See `Registrar`. What waits at Telegram is kept for whoever asks next."""
        from telegram.error import TelegramError

        try:
            await (await self._bot()).delete_webhook()
        except TelegramError as error:
            raise outside_error(error, self._context.bot, self._settings.token) from None

    async def check(self) -> tuple[Checked, ...]:
        """See `Checkable`."""
        try:
            bot = await self._bot()
            known = await self.registration()
        except BotctlError as error:
            return (Checked(is_well=False, fact=error.message, help=error.help or ""),)
        me = await bot.get_me()
        privacy = (
            "sees all messages of its groups"
            if me.can_read_all_group_messages
            else ("sees in groups what is meant for it (privacy mode)")
        )
        checks = [Checked(is_well=True, fact=f"@{me.username}, {privacy}")]
        polling = self._settings.mode == "polling"
        if polling and known.url:
            help = "`botctl webhook delete`, or `botctl run --take-over`"
            checks.append(Checked(is_well=False, fact="a webhook is set, so polling gets nothing", help=help))
        elif not polling and not known.url:
            help = "`botctl run` sets it when `server.public_url` is given"
            checks.append(Checked(is_well=False, fact="no webhook is set", help=help))
        elif not polling:
            trouble = f", last error: {known.last_error}" if known.last_error else ""
            fact = f"webhook at {known.url}, {known.pending} updates wait{trouble}"
            checks.append(Checked(is_well=not known.last_error, fact=fact))
        return tuple(checks)

    async def close(self) -> None:
        """Let go of its connections."""
        if self._client is not None:
            await self._client.shutdown()

    async def _bot(self) -> Bot:
        """The client, which has asked Telegram who it is."""
        if self._client is not None:
            return self._client
        async with self._opening:
            if self._client is None:
                self._client = await self._opened()
        return self._client

    async def _opened(self) -> Bot:
        from telegram import Bot
        from telegram.error import TelegramError
        from telegram.request import HTTPXRequest

        os.environ.setdefault("PTB_TIMEDELTA", "true")  # else each 429 warns that a type will change
        base = self._settings.base_url.rstrip("/")
        bot = Bot(
            self._settings.token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=HTTPXRequest(connection_pool_size=64, connect_timeout=10, read_timeout=30),
            get_updates_request=HTTPXRequest(connection_pool_size=2, connect_timeout=10),
        )
        try:
            await bot.initialize()
        except TelegramError as error:
            await bot.shutdown()
            raise outside_error(error, self._context.bot, self._settings.token) from None
        return bot


def _markup(keyboard: list[list[dict[str, str]]]) -> Any:
    from telegram import InlineKeyboardButton, InlineKeyboardMarkup

    rows = [
        [InlineKeyboardButton(button["text"], callback_data=button["callback_data"]) for button in row]
        for row in keyboard
    ]
    return InlineKeyboardMarkup(rows)


def _is_number(text: str) -> bool:
    return text.lstrip("-").isdecimal()


def _short(update: Mapping[str, Any]) -> str:
    """An update for the log: enough to find it, not what people wrote."""
    return json.dumps(
        {name: list(value) if isinstance(value, dict) else value for name, value in update.items()}
    )[:300]
