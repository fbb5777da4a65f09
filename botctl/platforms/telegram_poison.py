"""Poison: an update that cannot be read, kept as it came, so that it is not lost and holds nothing up."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from botctl.messages import Attachment, IncomingMessage
from botctl.platforms.telegram_messages import PoisonError, number_of, whole

_LONGEST_RAW = 16_384
_DEEPEST = 40
_UNREADABLE = "it came in a form that this bot does not know"
_DIGIT = re.compile(r"\d")
_NUMBERS = frozenset(("update_id", "message_id", "id", "date", "edit_date", "offset", "length"))
"""Fields whose numbers are kept: they say which update it was, and no code stands there."""


def poison(update: Mapping[str, Any], error: PoisonError, bot: str, now_ms: int) -> IncomingMessage:
    """An update that cannot be read, as a message that starts nothing: stored as it came. Who wrote it in a
    private chat is told. No digits of texts are kept: they could be a code that is waited for."""
    chat, user = _sender(update)
    note = Attachment(kind="other", name="this message", refused=_UNREADABLE)
    raw = json.dumps(_without_digits(update), ensure_ascii=False, separators=(",", ":"))
    return IncomingMessage(
        bot=bot,
        platform="telegram",
        dedupe_key=f"u:{number_of(update)}",
        channel_id=chat or "unknown",
        user_id=user,
        text="",
        received_at=now_ms,
        attachments=(note,) if chat and chat == user else (),
        reply={"poison": str(error), "update": whole(raw[:_LONGEST_RAW])},
    )


def _sender(update: Mapping[str, Any]) -> tuple[str, str]:
    """(chat, user) of an update that cannot be read whole, "" for what cannot be told."""
    for name in ("message", "edited_message", "callback_query"):
        raw = update.get(name)
        if isinstance(raw, dict):
            below = raw.get("message")
            chat = (below if isinstance(below, dict) else raw).get("chat")
            ids = [one.get("id") if isinstance(one, dict) else None for one in (chat, raw.get("from"))]
            chat_id, user_id = (str(id) if type(id) is int else "" for id in ids)
            return chat_id, user_id
    return "", ""


def _without_digits(value: Any, name: str = "", depth: int = 0) -> Any:
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, dict):
        return {key: _without_digits(one, key, depth + 1) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_digits(one, name, depth + 1) for one in value]
    if isinstance(value, str):
        return _DIGIT.sub("#", value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return "#" if is_number and name not in _NUMBERS else value
