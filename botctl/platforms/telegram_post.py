"""Telegram's post: a message of ours as calls of sendMessage and its sisters, made in order."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from msgspec import structs

from botctl.errors import BotctlError, UserError
from botctl.messages import Button, OutgoingMessage
from botctl.platforms.platform import Files, SendError
from botctl.platforms.telegram_client import TelegramClient
from botctl.platforms.telegram_errors import send_error
from botctl.platforms.telegram_files import send_file
from botctl.platforms.telegram_markup import html_of
from botctl.platforms.telegram_messages import texts_of, whole

Keyboard = list[list[dict[str, str]]]

_MOST_BEGUN = 1000
_NUMBER = re.compile(r"-?[0-9]{1,19}")


class TelegramPost:
    """Sends. A message that was begun goes on where it stopped, as long as this process lives."""

    def __init__(self, client: TelegramClient, *, token: str, files: Files | None, is_markdown: bool) -> None:
        self._client = client
        self._token = token
        self._files = files
        self._is_markdown = is_markdown
        self._begun: dict[str, list[str]] = {}

    async def send(self, message: OutgoingMessage, shown: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Send all parts of a message; their ids. shown: those of its first parts, which are edited."""
        from telegram.error import TelegramError

        steps = self._steps(message, shown)
        if not steps:
            raise SendError("there is nothing in this message to send", permanent=True)
        ids = self._begun.pop(message.id, [])
        try:
            for step in steps[len(ids) :]:
                ids.append(await step())
        except TelegramError as error:
            told = send_error(error, self._token)
            if not told.permanent or told.migrate_to:
                self._remember(message.id, ids)
            raise told from None
        except BotctlError as error:
            raise SendError(error.message, permanent=isinstance(error, UserError)) from None
        return tuple(ids)

    def _remember(self, id: str, ids: list[str]) -> None:
        self._begun[id] = ids
        if len(self._begun) > _MOST_BEGUN:
            del self._begun[next(iter(self._begun))]

    def _steps(self, message: OutgoingMessage, shown: tuple[str, ...]) -> list[Callable[[], Awaitable[str]]]:
        """The calls to make: texts, the last one with the buttons, then files. The first one quotes what it
        answers in a group."""
        chat = chat_of(message.channel_id)
        common: dict[str, Any] = {}
        if _NUMBER.fullmatch(message.thread_id):
            common["message_thread_id"] = int(message.thread_id)
        lines = [message.text, *(one.url for one in message.attachments if one.url and not one.path)]
        text = whole("\n".join(line for line in lines if line))
        buttons = [
            structs.replace(one, label=whole(one.label), value=whole(one.value)) for one in message.buttons
        ]
        if any(one.value != kept.value for one, kept in zip(message.buttons, buttons, strict=True)):
            buttons = [
                Button(label=one.label, value="") for one in buttons
            ]  # what comes back would be another
        parts, keyboard = texts_of(text, buttons)
        files = [one for one in message.attachments if one.path]
        quoted = message.reply.get("message_id") if message.purpose == "reply" else None
        first = {**common, **_quoting(quoted)} if isinstance(quoted, int) else common
        places = [first, *[common] * (len(parts) + len(files))]
        steps: list[Callable[[], Awaitable[str]]] = []
        for index, part in enumerate(parts):
            below = keyboard if index == len(parts) - 1 else []
            if index < len(shown):
                place: dict[str, Any] = {"chat_id": chat, "message_id": int(shown[index])}
                steps.append(partial(self._text, part, below, place, is_edit=True))
            else:
                steps.append(partial(self._text, part, below, {"chat_id": chat, **places[len(steps)]}))
        for one in files:
            steps.append(partial(send_file, self._client, self._files, chat, one, places[len(steps)]))
        return steps

    async def _text(
        self, text: str, keyboard: Keyboard, common: dict[str, Any], *, is_edit: bool = False
    ) -> str:
        from telegram import LinkPreviewOptions
        from telegram.error import BadRequest

        bot = await self._client.bot()
        # No previews: what a preview fetches could carry what a model was talked into telling.
        common = {**common, "link_preview_options": LinkPreviewOptions(is_disabled=True)}
        if keyboard:
            common["reply_markup"] = _markup(keyboard)
        call: Callable[..., Awaitable[Any]] = bot.edit_message_text if is_edit else bot.send_message
        html = html_of(text) if self._is_markdown else ""
        try:
            if html:
                try:
                    return str((await call(text=html, parse_mode="HTML", **common)).message_id)
                except BadRequest as error:
                    if "parse entities" not in str(error).lower():
                        raise
            return str((await call(text=text, **common)).message_id)
        except BadRequest as error:
            if not is_edit or "not modified" not in str(error).lower():
                raise
            return str(common["message_id"])  # it says that already


def chat_of(channel_id: str) -> int | str:
    """A chat as Telegram names it: a number, or `@name` of a public one."""
    return int(channel_id) if _NUMBER.fullmatch(channel_id) else channel_id


def _quoting(message_id: int) -> dict[str, Any]:
    from telegram import ReplyParameters

    # What it answers may be deleted by now, or in the chat that a group was before it grew.
    return {"reply_parameters": ReplyParameters(message_id, allow_sending_without_reply=True)}


def _markup(keyboard: Keyboard) -> Any:
    from telegram import InlineKeyboardButton, InlineKeyboardMarkup

    rows = [
        [InlineKeyboardButton(button["text"], callback_data=button["callback_data"]) for button in row]
        for row in keyboard
    ]
    return InlineKeyboardMarkup(rows)
