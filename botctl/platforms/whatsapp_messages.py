"""What a WhatsApp webhook brings: messages, failures of messages sent earlier, and what is left aside."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from botctl.messages import Attachment, AttachmentKind, IncomingMessage, MessageKind

_MEDIA: dict[str, AttachmentKind] = {
    "image": "image",
    "sticker": "image",
    "video": "video",
    "audio": "audio",
    "document": "document",
}
_LEFT_ASIDE = {
    "reaction": "a reaction asks for no answer",
    "system": "it tells of a change of the user's number, not of a message",
    "request_welcome": "the user opened the chat and has said nothing yet",
    "revoke": "the user took a message back",
}
_NOT_HANDED_ON = "WhatsApp does not hand messages of this kind on to bots"


class Media(Struct, frozen=True, kw_only=True):
    """A file that lies at Meta: its id works for seven days. sha256: as written, base64 or hex."""

    kind: AttachmentKind
    id: str
    name: str
    media_type: str
    sha256: str


class Heard(Struct, frozen=True, kw_only=True):
    """A message, and the file that is still to be fetched for it."""

    message: IncomingMessage
    media: Media | None = None


class Undelivered(Struct, frozen=True, kw_only=True):
    """A message of ours that never arrived. wamid: WhatsApp's id; outbox_id: ours, "" if not told."""

    wamid: str
    outbox_id: str
    code: int
    reason: str


class LeftAside(Struct, frozen=True, kw_only=True):
    """Something that is no message for this bot, and why. is_odd: it should not have come."""

    id: str
    reason: str
    is_odd: bool = False


Brought = Heard | Undelivered | LeftAside


class _Receiver(Struct, frozen=True):
    """Whose webhook it is, and when it came."""

    bot: str
    phone_number_id: str
    now_ms: int


class _Content(Struct, frozen=True, kw_only=True):
    """What a message says, whoever said it."""

    text: str = ""
    kind: MessageKind = "text"
    button_value: str = ""
    attachments: tuple[Attachment, ...] = ()
    media: Media | None = None


def read_webhook(document: object, *, bot: str, phone_number_id: str, now_ms: int) -> Iterator[Brought]:
    """All that one webhook brings, in its order. Whatever it looks like, nothing is raised."""
    receiver = _Receiver(bot, phone_number_id, now_ms)
    for entry in _maps(_map(document), "entry"):
        for change in _maps(entry, "changes"):
            if _word(change, "field") == "messages":
                yield from _read_value(_map(change.get("value")), receiver)
            else:
                field = _word(change, "field") or "unknown"
                yield LeftAside(id="", reason=f"the field `{field}` holds no messages to this bot")


def _read_value(value: Mapping[str, Any], receiver: _Receiver) -> Iterator[Brought]:
    number = _word(_map(value.get("metadata")), "phone_number_id")
    messages, statuses = _maps(value, "messages"), _maps(value, "statuses")
    if number != receiver.phone_number_id:
        for one in messages:
            reason = f"it is for the number with the id {number or '?'}, not {receiver.phone_number_id}"
            yield LeftAside(id=_word(one, "id"), reason=reason, is_odd=True)
        return
    contacts = _maps(value, "contacts")
    for message in messages:
        yield _read_message(message, contacts, receiver)
    for status in statuses:
        if _word(status, "status") == "failed":
            yield _undelivered(status)
    for error in _maps(value, "errors"):
        yield LeftAside(id="", reason="WhatsApp reports " + _error(error)[1], is_odd=True)


def _read_message(
    message: Mapping[str, Any], contacts: list[Mapping[str, Any]], receiver: _Receiver
) -> Heard | LeftAside:
    wamid, type = _word(message, "id"), _word(message, "type")
    number, person = _word(message, "from"), _word(message, "from_user_id")
    contact = _contact(contacts, number, person)
    number, person = number or _word(contact, "wa_id"), person or _word(contact, "user_id")
    user = person or number
    if not user or not wamid:
        missing = "sender" if wamid else "id"
        return LeftAside(id=wamid, reason=f"a message of type `{type}` has no {missing}", is_odd=True)
    if type in _LEFT_ASIDE:
        return LeftAside(id=wamid, reason=_LEFT_ASIDE[type])
    if message.get("group_id"):
        return LeftAside(id=wamid, reason="it was said in a group", is_odd=True)
    if type == "edit":
        message = _map(_map(message.get("edit")).get("message"))
        type = _word(message, "type")
    content = _content(message, type)
    profile = _map(contact.get("profile"))
    reply = {"message_id": wamid}
    if number and person:
        reply["number"] = number
    return Heard(
        message=IncomingMessage(
            bot=receiver.bot,
            platform="whatsapp",
            dedupe_key=wamid,
            channel_id=user,
            user_id=user,
            user_name=_word(profile, "name") or _word(profile, "username"),
            text=content.text,
            kind=content.kind,
            button_value=content.button_value,
            attachments=content.attachments,
            received_at=receiver.now_ms,
            reply=reply,
        ),
        media=content.media,
    )


def _contact(contacts: list[Mapping[str, Any]], number: str, person: str) -> Mapping[str, Any]:
    """Who a message is from, of all that a webhook names; the only one if nothing else tells."""
    for contact in contacts:
        if (person and _word(contact, "user_id") == person) or (number and _word(contact, "wa_id") == number):
            return contact
    return contacts[0] if len(contacts) == 1 else {}


def _content(message: Mapping[str, Any], type: str) -> _Content:
    part = _map(message.get(type))
    if type == "text":
        return _words(_word(part, "body"))
    if type in _MEDIA and _word(part, "id"):
        return _Content(text=_word(part, "caption"), media=_media(part, type))
    if type == "location":
        return _location(part)
    if type == "contacts":
        return _Content(text="\n".join(_contact_line(one) for one in _maps(message, "contacts")))
    if type == "interactive":
        return _interactive(part)
    if type == "button":
        label = _word(part, "text")
        return _press(label, _word(part, "payload") or label)
    return _unusable(message)


def _words(text: str) -> _Content:
    is_command = text.startswith("/") and text[1:2].isalpha()
    return _Content(text=text, kind="command" if is_command else "text")


def _press(label: str, value: str) -> _Content:
    return _Content(text=label, kind="button", button_value=value)


def _interactive(part: Mapping[str, Any]) -> _Content:
    type = _word(part, "type")
    chosen = _map(part.get(type))
    if type in ("button_reply", "list_reply"):
        return _press(_word(chosen, "title"), _word(chosen, "id"))
    if type == "nfm_reply":  # a form ("flow") that was filled in: its fields as JSON
        return _Content(text=_word(chosen, "response_json") or _word(chosen, "body"))
    return _unusable({})


def _unusable(message: Mapping[str, Any]) -> _Content:
    """A message that came without its content: the user is told so."""
    errors = _maps(message, "errors")
    told = f" ({_words_of(errors[0])})" if errors else ""
    attachment = Attachment(kind="other", name="your message", refused=_NOT_HANDED_ON + told)
    return _Content(text=_word(_map(message.get("order")), "text"), attachments=(attachment,))


def _media(part: Mapping[str, Any], type: str) -> Media:
    media_type = _word(part, "mime_type").partition(";")[0].strip().lower()
    name = _word(part, "filename")
    if not name:
        name = ("voice" if part.get("voice") is True else type) + (
            mimetypes.guess_extension(media_type) or ""
        )
    return Media(
        kind=_MEDIA[type],
        id=_word(part, "id"),
        name=name,
        media_type=media_type,
        sha256=_word(part, "sha256"),
    )


def _location(part: Mapping[str, Any]) -> _Content:
    """A place: as an attachment with a geo: address (RFC 5870), and in words for those who read only text."""
    where = f"{_word(part, 'latitude')},{_word(part, 'longitude')}"
    name = ", ".join(word for word in (_word(part, "name"), _word(part, "address")) if word)
    place = Attachment(kind="location", name=name, url="geo:" + where)
    return _Content(text=f"{name} ({where})" if name else f"({where})", attachments=(place,))


def _contact_line(contact: Mapping[str, Any]) -> str:
    """One contact card: the name, and how to reach whoever it is."""
    name = _word(_map(contact.get("name")), "formatted_name")
    reached = [_word(one, "phone") or _word(one, "wa_id") for one in _maps(contact, "phones")]
    reached += [_word(one, "email") for one in _maps(contact, "emails")]
    return ": ".join(part for part in (name, ", ".join(one for one in reached if one)) if part)


def _undelivered(status: Mapping[str, Any]) -> Undelivered:
    errors = _maps(status, "errors")
    code, reason = _error(errors[0]) if errors else (0, "no reason was given")
    outbox_id = _word(status, "biz_opaque_callback_data")
    return Undelivered(wamid=_word(status, "id"), outbox_id=outbox_id, code=code, reason=reason)


def _error(error: Mapping[str, Any]) -> tuple[int, str]:
    """The code and the words of an error within a webhook."""
    code = _word(error, "code")
    number = int(code) if code.isascii() and code.isdecimal() and len(code) < 10 else 0
    return number, f"{code} {_words_of(error)}".strip()


def _words_of(error: Mapping[str, Any]) -> str:
    details = _word(_map(error.get("error_data")), "details")
    return details or _word(error, "message") or _word(error, "title") or "an unknown error"


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _maps(around: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = around.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _word(around: Mapping[str, Any], name: str) -> str:
    """A text, or a number as text; "" for anything else. Half a surrogate pair, which no database takes,
    becomes a question mark."""
    found = around.get(name)
    if isinstance(found, str):
        return found if found.isascii() else found.encode(errors="replace").decode()
    return str(found) if isinstance(found, int | float) and not isinstance(found, bool) else ""
