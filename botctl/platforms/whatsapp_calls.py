"""What leaves for WhatsApp: a message as the bodies of the calls that send it."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from botctl.messages import Attachment, Button, OutgoingMessage
from botctl.platforms.split import split_text, utf16_length
from botctl.platforms.whatsapp_template import template_object

# Meta's message pages, 2026-06. Whether they count characters or UTF-16 units is not said: counted in the
# latter, nothing is ever too long.
LONGEST_TEXT = 4096
LONGEST_CHOICE = 1024
LONGEST_CAPTION = 1024
MOST_BUTTONS = 3
LONGEST_TITLE = 20
LONGEST_VALUE = 256

# What WhatsApp shows by itself (Meta's media page, 2026-06); anything else leaves as a document.
_SHOWN = {
    "image/jpeg": ("image", 5_000_000),
    "image/png": ("image", 5_000_000),
    "video/mp4": ("video", 16_000_000),
    "video/3gpp": ("video", 16_000_000),
    "audio/aac": ("audio", 16_000_000),
    "audio/amr": ("audio", 16_000_000),
    "audio/mp4": ("audio", 16_000_000),
    "audio/mpeg": ("audio", 16_000_000),
    "audio/ogg": ("audio", 16_000_000),
}
_PERSON = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
_PLACE = re.compile(r"geo:(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)")


class Part(Struct, frozen=True, kw_only=True):
    """One call. content: what stands under the type's name. upload: a file whose id is to be put there."""

    type: str
    content: Mapping[str, Any]
    upload: Attachment | None = None


def is_person(id: str) -> bool:
    """Whether an id is a business-scoped one, and not a number (PLATFORMS 4; Meta's page of 2026-05-28)."""
    return _PERSON.fullmatch(id) is not None


def digits(number: str) -> str:
    """A number as WhatsApp writes it: `+1 (650) 555-1234` is 16505551234."""
    return "".join(one for one in number if one.isascii() and one.isdigit())


def parts_of(message: OutgoingMessage) -> list[Part]:
    """A message in free form, as it is to be read: buttons come last. Empty if it says nothing."""
    files = [_file(one) for one in message.attachments]
    if not message.buttons and len(files) == 1 and _takes_caption(files[0], message.text):
        return [_captioned(files[0], message.text)] if message.text.strip() else files
    texts = _text_parts(message.text, message.buttons)
    return [*files, *texts] if message.buttons else [*texts, *files]


def template_part(written: str, message: OutgoingMessage) -> Part:
    """A message as a template. Buttons and files cannot go along; the buttons' labels can."""
    text = numbered(message.text, message.buttons) if message.buttons else message.text
    return Part(type="template", content=template_object(written, text))


def envelope(message: OutgoingMessage, part: Part, *, is_first: bool, media_id: str = "") -> dict[str, Any]:
    """The body of the call that sends one part. The outbox's id comes back in the statuses of the message."""
    to = message.channel_id
    content = {**part.content, "id": media_id} if media_id else dict(part.content)
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **({"recipient": to} if is_person(to) else {"to": digits(to)}),
        "type": part.type,
        part.type: content,
        "biz_opaque_callback_data": message.id,
    }
    answered = message.reply.get("message_id")
    if is_first and answered and message.purpose == "reply" and part.type != "template":
        body["context"] = {"message_id": str(answered)}
    return body


def _text_parts(text: str, buttons: Sequence[Button]) -> list[Part]:
    if not buttons:
        return [_text(piece) for piece in split_text(text, LONGEST_TEXT, utf16_length)]
    if not _are_native(buttons):
        return _text_parts(numbered(text, buttons), ())
    pieces = split_text(text, LONGEST_TEXT, utf16_length)
    if pieces:
        pieces[-1:] = split_text(pieces[-1], LONGEST_CHOICE, utf16_length)
    last = pieces.pop() if pieces else "…"  # a choice must have a text
    return [*(_text(piece) for piece in pieces), _choice(last, buttons)]


def _are_native(buttons: Sequence[Button]) -> bool:
    """Whether WhatsApp takes these as buttons: few, short, and no two alike."""
    return (
        len(buttons) <= MOST_BUTTONS
        and all(0 < utf16_length(one.label.strip()) <= LONGEST_TITLE for one in buttons)
        and all(0 < utf16_length(one.value) <= LONGEST_VALUE for one in buttons)
        and len({one.label.strip() for one in buttons}) == len(buttons)
        and len({one.value for one in buttons}) == len(buttons)
    )


def numbered(text: str, buttons: Sequence[Button]) -> str:
    """A text with its choices as numbered lines."""
    lines = [f"{number}. {button.label}" for number, button in enumerate(buttons, 1)]
    return "\n".join([text, *lines] if text.strip() else lines)


def _text(piece: str) -> Part:
    return Part(type="text", content={"body": piece, "preview_url": False})


def _choice(text: str, buttons: Sequence[Button]) -> Part:
    replies = [{"type": "reply", "reply": {"id": one.value, "title": one.label.strip()}} for one in buttons]
    content = {"type": "button", "body": {"text": text}, "action": {"buttons": replies}}
    return Part(type="interactive", content=content)


def _file(attachment: Attachment) -> Part:
    """A file, by the way that shows it best: uploaded if it is ours, by its address if it lies elsewhere."""
    place = _PLACE.fullmatch(attachment.url)
    if attachment.kind == "location" and place is not None:
        content = {"latitude": float(place[1]), "longitude": float(place[2]), "name": attachment.name}
        return Part(type="location", content={name: value for name, value in content.items() if value != ""})
    type, largest = _SHOWN.get(media_type_of(attachment), ("document", 0))
    if not attachment.path and attachment.kind in ("image", "audio", "video"):
        type = attachment.kind  # nothing is known of it but what it is said to be
    elif attachment.size > largest:
        type = "document"
    content = {"filename": attachment.name} if type == "document" and attachment.name else {}
    if attachment.path or not attachment.url:
        return Part(type=type, content=content, upload=attachment)
    return Part(type=type, content={**content, "link": attachment.url})


def media_type_of(attachment: Attachment) -> str:
    """The media type of a file, guessed from its name if it is not told."""
    told = attachment.media_type.partition(";")[0].strip().lower()
    return told or mimetypes.guess_type(attachment.name)[0] or "application/octet-stream"


def _takes_caption(part: Part, text: str) -> bool:
    return part.type in ("image", "video", "document") and utf16_length(text) <= LONGEST_CAPTION


def _captioned(part: Part, text: str) -> Part:
    return Part(type=part.type, content={**part.content, "caption": text}, upload=part.upload)
