"""Telegram's updates as messages, and messages as Telegram's calls; no network, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from botctl.messages import AttachmentKind, Button, IncomingMessage, MessageKind
from botctl.platforms.split import split_text, utf16_length

LONGEST_TEXT = 4096
"""UTF-16 units of one message (Bot API 10.1, 2026-06)."""
LONGEST_DATA = 64
"""Bytes of a button's callback_data."""
UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")

_FILES: tuple[tuple[str, AttachmentKind, str], ...] = (
    ("document", "document", "application/octet-stream"),
    ("audio", "audio", "audio/mpeg"),
    ("voice", "audio", "audio/ogg"),
    ("video", "video", "video/mp4"),
    ("video_note", "video", "video/mp4"),
    ("animation", "video", "video/mp4"),
    ("sticker", "image", "image/webp"),
)


class Me(Struct, frozen=True):
    """The bot itself: its id, and its name without the @."""

    id: int
    username: str


class FileRef(Struct, frozen=True, kw_only=True):
    """A file that came with a message and is still at Telegram."""

    kind: AttachmentKind
    file_id: str
    name: str
    media_type: str


class Update(Struct, frozen=True, kw_only=True):
    """What an update came to. message None: `reason` says why it is not one. callback: to be answered."""

    message: IncomingMessage | None = None
    files: tuple[FileRef, ...] = ()
    callback: str = ""
    reason: str = ""


def read_update(update: Mapping[str, Any], me: Me, bot: str, now_ms: int) -> Update:
    """An update as a message; KeyError, TypeError or ValueError when it is not shaped as Telegram's are."""
    if "callback_query" in update:
        return _pressed(update["callback_query"], bot, now_ms)
    edited = "edited_message" in update
    raw = update.get("edited_message") or update.get("message")
    if raw is None:
        return Update(reason="not a message")
    who, chat = raw.get("from"), raw["chat"]
    if who is None or "sender_chat" in raw or chat["type"] == "channel":
        return Update(reason="it is from a channel")
    if who.get("is_bot") or "via_bot" in raw:
        return Update(reason="it is from a bot")
    text = str(raw.get("text") or raw.get("caption") or "")
    entities = raw.get("entities") or raw.get("caption_entities") or ()
    kind: MessageKind = "text"
    command, command_is_ours = _command(text, entities, me)
    if chat["type"] != "private":
        mention = _mention(text, entities, me)
        replied = (raw.get("reply_to_message") or {}).get("from", {}).get("id") == me.id
        if not (command_is_ours or mention or replied):
            return Update(reason="it is not meant for this bot")
        if mention:
            text = _cut(text, *mention)
    if command:
        if not command_is_ours:
            return Update(reason="it is a command for another bot")
        text, kind = command, "command"
    files = _files(raw)
    location = raw.get("location")
    if location and not text:
        text = f"{location['latitude']}, {location['longitude']}"
    if not text and not files:
        return Update(reason="it holds nothing that a bot could answer")
    chat_id, message_id = str(chat["id"]), raw["message_id"]
    key = f"e:{chat_id}:{message_id}:{raw['edit_date']}" if edited else f"m:{chat_id}:{message_id}"
    message = IncomingMessage(
        bot=bot,
        platform="telegram",
        dedupe_key=key,
        channel_id=chat_id,
        user_id=str(who["id"]),
        user_name=_name(who),
        thread_id=_thread(raw),
        text=text,
        kind=kind,
        received_at=now_ms,
        reply={"message_id": message_id} if chat["type"] != "private" else {},
    )
    return Update(message=message, files=files)


def _pressed(query: Mapping[str, Any], bot: str, now_ms: int) -> Update:
    """A pressed button; the message below may be too old to be told (then it has no date)."""
    below = query.get("message")
    if below is None or "data" not in query or query["from"].get("is_bot"):
        return Update(callback=str(query["id"]), reason="a button without a chat")
    labels = {
        button.get("callback_data"): button["text"]
        for row in (below.get("reply_markup") or {}).get("inline_keyboard", ())
        for button in row
    }
    value, who = str(query["data"]), query["from"]
    message = IncomingMessage(
        bot=bot,
        platform="telegram",
        dedupe_key=f"cb:{query['id']}",
        channel_id=str(below["chat"]["id"]),
        user_id=str(who["id"]),
        user_name=_name(who),
        thread_id=_thread(below),
        text=str(labels.get(value, value)),
        kind="button",
        button_value=value,
        received_at=now_ms,
    )
    return Update(message=message, callback=str(query["id"]))


def _name(who: Mapping[str, Any]) -> str:
    full = " ".join(str(who[part]) for part in ("first_name", "last_name") if who.get(part))
    return full or str(who.get("username", ""))


def _thread(raw: Mapping[str, Any]) -> str:
    return str(raw["message_thread_id"]) if raw.get("is_topic_message") else ""


def _units(text: str) -> bytes:
    """Telegram counts offsets in UTF-16 units, two bytes each."""
    return text.encode("utf-16-le", "surrogatepass")


def _slice(text: str, entity: Mapping[str, Any]) -> str:
    start = 2 * int(entity["offset"])
    return _units(text)[start : start + 2 * int(entity["length"])].decode("utf-16-le", "replace")


def _command(text: str, entities: Sequence[Mapping[str, Any]], me: Me) -> tuple[str, bool]:
    """(the command with what follows, without @us; whether it is ours), ("", False) if it is none."""
    first = next((one for one in entities if one["type"] == "bot_command" and one["offset"] == 0), None)
    if first is None:
        return "", False
    word = _slice(text, first)
    name, _, to = word.partition("@")
    return name + text[len(word) :], not to or to.casefold() == me.username.casefold()


def _mention(text: str, entities: Sequence[Mapping[str, Any]], me: Me) -> tuple[int, int] | None:
    """(offset, length) in UTF-16 units of the first mention of the bot."""
    for entity in entities:
        named = (
            entity["type"] == "mention" and _slice(text, entity).casefold() == f"@{me.username}".casefold()
        )
        if named or (entity["type"] == "text_mention" and entity["user"]["id"] == me.id):
            return int(entity["offset"]), int(entity["length"])
    return None


def _cut(text: str, offset: int, length: int) -> str:
    units = _units(text)
    rest = units[: 2 * offset] + units[2 * (offset + length) :]
    return rest.decode("utf-16-le", "replace").strip()


def _files(raw: Mapping[str, Any]) -> tuple[FileRef, ...]:
    if raw.get("photo"):
        largest = max(raw["photo"], key=lambda size: size.get("file_size", 0) or size.get("width", 0))
        ref = FileRef(kind="image", file_id=largest["file_id"], name="photo.jpg", media_type="image/jpeg")
        return (ref,)
    for field, kind, usual in _FILES:
        if field in raw:
            file = raw[field]
            name = str(file.get("file_name") or f"{field}{_ending(usual)}")
            media_type = str(file.get("mime_type") or usual)
            return (FileRef(kind=kind, file_id=file["file_id"], name=name, media_type=media_type),)
    return ()


def _ending(media_type: str) -> str:
    return {"audio/ogg": ".ogg", "audio/mpeg": ".mp3", "video/mp4": ".mp4", "image/webp": ".webp"}.get(
        media_type, ""
    )


def texts_of(text: str, buttons: Sequence[Button]) -> tuple[list[str], list[list[dict[str, str]]]]:
    """A message's parts, and the keyboard of the last one; buttons it cannot carry are numbered."""
    fits = all(1 <= len(button.value.encode()) <= LONGEST_DATA and button.label for button in buttons)
    if buttons and not fits:
        lines = [f"{number}. {button.label}" for number, button in enumerate(buttons, start=1)]
        return split_text("\n".join([text, *lines]), LONGEST_TEXT, utf16_length), []
    keyboard = [[{"text": button.label, "callback_data": button.value}] for button in buttons]
    return split_text(text, LONGEST_TEXT, utf16_length), keyboard
