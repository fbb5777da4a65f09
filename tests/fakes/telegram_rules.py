"""Telegram's rules: the arguments of its methods, its HTML and its keyboards (Bot API 10.1, 2026-06)."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

_POST = {"chat_id", "message_thread_id", "reply_parameters", "reply_markup", "parse_mode"}
ARGUMENTS: dict[str, set[str]] = {
    "getMe": set(),
    "getUpdates": {"offset", "limit", "timeout", "allowed_updates"},
    "sendMessage": {*_POST, "text", "link_preview_options", "disable_notification"},
    "editMessageText": {
        "chat_id",
        "message_id",
        "text",
        "parse_mode",
        "reply_markup",
        "link_preview_options",
    },
    "sendPhoto": {*_POST, "photo", "caption"},
    "sendDocument": {*_POST, "document", "caption"},
    "sendChatAction": {"chat_id", "message_thread_id", "action"},
    "answerCallbackQuery": {"callback_query_id", "text", "show_alert"},
    "setWebhook": {"url", "secret_token", "allowed_updates", "max_connections", "drop_pending_updates"},
    "deleteWebhook": {"drop_pending_updates"},
    "getWebhookInfo": set(),
    "getFile": {"file_id"},
}
AS_JSON = {"allowed_updates", "reply_parameters", "reply_markup", "link_preview_options"}
"""Arguments that a form holds as JSON."""
_TAGS = {"b", "i", "u", "s", "code", "pre", "a"}


class RefusedError(Exception):
    """A call that is refused: HTTP status, what is told, and the envelope's parameters."""

    def __init__(self, status: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters


class _Entities(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            raise RefusedError(400, f'Bad Request: can\'t parse entities: Unsupported start tag "{tag}"')
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise RefusedError(400, f'Bad Request: can\'t parse entities: Unmatched end tag "{tag}"')

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def plain_of(text: str, parse_mode: str | None) -> str:
    """A text as people see it; a RefusedError for HTML that is none."""
    if parse_mode is None:
        return text
    if parse_mode != "HTML":
        raise RefusedError(400, "Bad Request: unsupported parse_mode")
    entities = _Entities()
    entities.feed(text)
    entities.close()
    if entities.open:
        told = f"Bad Request: can't parse entities: Can't find end tag for \"{entities.open[-1]}\""
        raise RefusedError(400, told)
    return "".join(entities.text)


def fault_of_keyboard(markup: Any) -> str:
    """What is wrong with an inline keyboard; "" if nothing."""
    rows = (markup or {}).get("inline_keyboard", ())
    buttons = [button for row in rows for button in row]
    if len(buttons) > 100:
        return "REPLY_MARKUP_TOO_LONG"
    if not all(button["text"].strip() for button in buttons):
        return "inline keyboard button text must be non-empty"
    if not all(1 <= len(button["callback_data"].encode()) <= 64 for button in buttons):
        return "BUTTON_DATA_INVALID"
    return ""
