"""Messages, incoming and outgoing: plain, frozen, and free of any platform's vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from msgspec import Struct, field

MessageKind = Literal["text", "button", "command", "decision", "link"]
AttachmentKind = Literal["image", "document", "audio", "video", "location", "other"]
Purpose = Literal["reply", "proactive", "scheduled", "notice"]


class ConversationKey(NamedTuple):
    """What a run belongs to. user_id and thread_id are "" where the platform has none."""

    bot: str
    platform: str
    channel_id: str
    user_id: str
    thread_id: str


class Attachment(Struct, frozen=True, kw_only=True):
    """A file that came with, or leaves with, a message. size is in bytes; path is below `.botctl/files`.

    refused: why a file that came was not kept, in words for the user: `it is larger than 20 MB`.
    """

    kind: AttachmentKind
    name: str = ""
    media_type: str = ""
    size: int = 0
    path: str = ""
    url: str = ""
    refused: str = ""


class Button(Struct, frozen=True, kw_only=True):
    """One choice offered with a message. value comes back as the user's message when it is pressed."""

    label: str
    value: str


class IncomingMessage(Struct, frozen=True, kw_only=True):
    """One thing a user did. received_at is milliseconds since 1970, UTC.

    dedupe_key is made by the platform from its *message* id (INTERFACES, Messages); "" means that the
    platform has none, and then no two messages are ever taken for one another.
    reply is an opaque map that the platform needs in order to answer (a token, a thread).
    code_hash: while a conversation awaits a code, a keyed hash of the digits, which `text` then has masked.
    """

    bot: str
    platform: str
    dedupe_key: str
    channel_id: str
    user_id: str
    text: str
    received_at: int
    kind: MessageKind = "text"
    user_name: str = ""
    thread_id: str = ""
    button_value: str = ""
    attachments: tuple[Attachment, ...] = ()
    reply: Mapping[str, Any] = field(default_factory=dict)
    code_hash: str = ""

    @property
    def conversation(self) -> ConversationKey:
        """The conversation this message belongs to."""
        return ConversationKey(self.bot, self.platform, self.channel_id, self.user_id, self.thread_id)


class Said(Struct, frozen=True, kw_only=True):
    """What a node says to the user of its conversation; it becomes an OutgoingMessage when it leaves.

    draft: the id of the message in which the user has seen it grow, "" if there is none."""

    text: str
    buttons: tuple[Button, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    draft: str = ""


class OutgoingMessage(Struct, frozen=True, kw_only=True):
    """A message on its way out. id is the outbox row's: a platform may use it as its idempotency key."""

    id: str
    bot: str
    platform: str
    channel_id: str
    text: str
    user_id: str = ""
    thread_id: str = ""
    buttons: tuple[Button, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    reply: Mapping[str, Any] = field(default_factory=dict)
    purpose: Purpose = "reply"
    template: str = ""


def reply_to(message: IncomingMessage, said: Said, id: str) -> OutgoingMessage:
    """What was said, on its way to where a message came from."""
    return OutgoingMessage(
        id=id,
        bot=message.bot,
        platform=message.platform,
        channel_id=message.channel_id,
        user_id=message.user_id,
        thread_id=message.thread_id,
        text=said.text,
        buttons=said.buttons,
        attachments=said.attachments,
        reply=message.reply,
    )


class Answer(Struct, frozen=True, kw_only=True):
    """What became of an incoming message, for platforms that answer in the same breath.

    status is a run's status, or "ignored" (then `reason` says why), or "running" when time was up first.
    cost_cents is None when no price is known.
    """

    run_id: str
    status: str
    messages: tuple[str, ...] = ()
    reason: str = ""
    error: str = ""
    tool_calls: int = 0
    tokens: int = 0
    cost_cents: float | None = None
    latency_ms: int = 0
