"""Telegram's updates as messages, and messages as Telegram's calls; no network, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from botctl.messages import Attachment, AttachmentKind, Button, IncomingMessage, MessageKind
from botctl.platforms.split import split_text, utf16_length

LONGEST_TEXT = 4096
"""UTF-16 units of one message (Bot API 10.1, 2026-06)."""
LONGEST_DATA = 64
"""Bytes of a button's callback_data."""
MOST_BUTTONS = 100
"""Buttons below one message (Bot API server, 2026-05)."""
UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")

_FILES: tuple[tuple[str, AttachmentKind, str], ...] = (
    ("animation", "video", "video/mp4"),  # before `document`, which is told beside it for old programs
    ("document", "document", "application/octet-stream"),
    ("audio", "audio", "audio/mpeg"),
    ("voice", "audio", "audio/ogg"),
    ("video", "video", "video/mp4"),
    ("video_note", "video", "video/mp4"),
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
    """What an update came to. message None: `reason` says why it is not one. callback: to be answered.
    moved: a group's old and new id, when it has grown into a supergroup."""

    message: IncomingMessage | None = None
    files: tuple[FileRef, ...] = ()
    callback: str = ""
    reason: str = ""
    moved: tuple[str, str] | None = None


class PoisonError(ValueError):
    """An update that is not shaped as Telegram documents it; says where, without what stands in it."""


def number_of(update: Any) -> int | None:
    """An update's number; None of what is no update."""
    number = update.get("update_id") if isinstance(update, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def read_update(update: Mapping[str, Any], me: Me, bot: str, now_ms: int) -> Update:
    """An update as a message; a PoisonError when it cannot be told what it says."""
    try:
        return _read(update, me, bot, now_ms)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        place = f" {error}" if isinstance(error, KeyError) else ""
        raise PoisonError(f"{type(error).__name__}{place}") from None


def whole(text: str) -> str:
    """`text` without halves of surrogate pairs: JSON can write them, and no database takes them."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def _id(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _text(value: Any) -> str:
    """A text that may be left out; `str` would make words of whatever else stands in its place."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError
    return value


def _read(update: Mapping[str, Any], me: Me, bot: str, now_ms: int) -> Update:
    if "callback_query" in update:
        return _pressed(update["callback_query"], bot, now_ms)
    edited = "edited_message" in update
    raw = update.get("edited_message") or update.get("message")
    if raw is None:
        return Update(reason="not a message")
    who, chat = raw.get("from"), raw["chat"]
    if "migrate_to_chat_id" in raw or "migrate_from_chat_id" in raw:
        old, new = raw.get("migrate_from_chat_id", chat["id"]), raw.get("migrate_to_chat_id", chat["id"])
        return Update(reason="its group has grown", moved=(str(_id(old)), str(_id(new))))
    if chat["type"] == "channel" or who is None or "sender_chat" in raw:
        return Update(reason="it is from a channel")
    if who.get("is_bot") or "via_bot" in raw:
        return Update(reason="it is from a bot")
    if edited and "location" in raw:
        return Update(reason="it is a step of somebody who shares where they are")
    said = _said(raw, me)
    if isinstance(said, Update):
        return said
    text, kind = said
    files = _files(raw)
    places = _places(raw)
    if places and not text:
        name, where = places[0].name, places[0].url.removeprefix("geo:")
        text = f"{name} ({where})" if name else f"({where})"
    if not text and not files:
        return Update(reason="it holds nothing that a bot could answer")
    chat_id, message_id = str(_id(chat["id"])), _id(raw["message_id"])
    edit = f":{_id(raw['edit_date'])}" if edited else ""
    key = f"{'e' if edited else 'm'}:{chat_id}:{message_id}{edit}"
    message = IncomingMessage(
        bot=bot,
        platform="telegram",
        dedupe_key=key,
        channel_id=chat_id,
        user_id=str(_id(who["id"])),
        user_name=_name(who),
        thread_id=_thread(raw),
        text=whole(text),
        kind=kind,
        attachments=places,
        received_at=now_ms,
        reply={"message_id": message_id} if chat["type"] != "private" else {},
    )
    return Update(message=message, files=files)


def _said(raw: Mapping[str, Any], me: Me) -> tuple[str, MessageKind] | Update:
    """(what a message says to the bot, of which kind); or why it says nothing to it."""
    text = _text(raw.get("text")) or _text(raw.get("caption"))
    entities = raw.get("entities") or raw.get("caption_entities") or ()
    command, command_is_ours = _command(text, entities, me)
    if raw["chat"]["type"] != "private":
        mention = _mention(text, entities, me)
        quoted = raw.get("reply_to_message") or {}  # in topics all reply to the message that opened it
        replied = quoted.get("from", {}).get("id") == me.id and "forum_topic_created" not in quoted
        if not (command_is_ours or mention or replied):
            return Update(reason="it is not meant for this bot")
        if mention:
            text = _cut(text, *mention)
    if command and not command_is_ours:
        return Update(reason="it is a command for another bot")
    return (command, "command") if command else (text, "text")


def _pressed(query: Mapping[str, Any], bot: str, now_ms: int) -> Update:
    """A pressed button; the message below may be too old to be told (then it has no date)."""
    below = query.get("message")
    if below is None or "data" not in query or query["from"].get("is_bot"):
        return Update(callback=whole(_text(query["id"])), reason="a button without a chat")
    labels = {
        button.get("callback_data"): button["text"]
        for row in (below.get("reply_markup") or {}).get("inline_keyboard", ())
        for button in row
    }
    id, value, who = whole(_text(query["id"])), whole(_text(query["data"])), query["from"]
    message = IncomingMessage(
        bot=bot,
        platform="telegram",
        dedupe_key=f"cb:{id}",
        channel_id=str(_id(below["chat"]["id"])),
        user_id=str(_id(who["id"])),
        user_name=_name(who),
        thread_id=_thread(below),
        text=whole(_text(labels.get(value)) or value),
        kind="button",
        button_value=value,
        received_at=now_ms,
    )
    return Update(message=message, callback=id)


def _name(who: Mapping[str, Any]) -> str:
    full = " ".join(_text(who[part]) for part in ("first_name", "last_name") if who.get(part))
    return whole(full or _text(who.get("username")))


def _thread(raw: Mapping[str, Any]) -> str:
    return str(_id(raw["message_thread_id"])) if raw.get("is_topic_message") else ""


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


def _places(raw: Mapping[str, Any]) -> tuple[Attachment, ...]:
    """A place as an attachment with a geo: address (RFC 5870)."""
    venue = raw.get("venue") or {}
    location = venue.get("location") or raw.get("location")
    if not location:
        return ()
    name = whole(", ".join(_text(venue[part]) for part in ("title", "address") if venue.get(part)))
    latitude, longitude = float(location["latitude"]), float(location["longitude"])
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):  # nor is it a place when it is NaN
        raise ValueError
    return (Attachment(kind="location", name=name, url=f"geo:{latitude},{longitude}"),)


def _files(raw: Mapping[str, Any]) -> tuple[FileRef, ...]:
    if raw.get("photo"):
        largest = max(raw["photo"], key=lambda size: size.get("file_size", 0) or size.get("width", 0))
        return (
            FileRef(
                kind="image", file_id=_text(largest["file_id"]), name="photo.jpg", media_type="image/jpeg"
            ),
        )
    for field, kind, usual in _FILES:
        if field in raw:
            file = raw[field]
            if file.get("is_video"):
                usual = "video/webm"  # a sticker that moves
            elif file.get("is_animated"):
                usual = "application/x-tgsticker"
            name = whole(_text(file.get("file_name")) or f"{field}{_ending(usual)}")
            media_type = whole(_text(file.get("mime_type")) or usual)
            file_id = _text(file["file_id"])
            return (FileRef(kind=kind, file_id=file_id, name=name, media_type=media_type),)
    return ()


def _ending(media_type: str) -> str:
    endings = {"audio/ogg": ".ogg", "audio/mpeg": ".mp3", "video/mp4": ".mp4"}
    more = {"image/webp": ".webp", "video/webm": ".webm", "application/x-tgsticker": ".tgs"}
    return {**endings, **more}.get(media_type, "")


def texts_of(text: str, buttons: Sequence[Button]) -> tuple[list[str], list[list[dict[str, str]]]]:
    """A message's parts, and the keyboard of the last one; buttons it cannot carry are numbered."""
    fits = len(buttons) <= MOST_BUTTONS and all(
        1 <= len(button.value.encode()) <= LONGEST_DATA and button.label.strip() for button in buttons
    )
    if buttons and not (fits and text.strip()):
        lines = [f"{number}. {button.label}" for number, button in enumerate(buttons, start=1)]
        numbered = "\n".join([text, *lines] if text.strip() else lines)
        return split_text(numbered, LONGEST_TEXT, utf16_length), []
    keyboard = [[{"text": button.label, "callback_data": button.value}] for button in buttons]
    return split_text(text, LONGEST_TEXT, utf16_length), keyboard
