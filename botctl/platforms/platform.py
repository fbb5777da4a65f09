"""The record that every platform fills, and the door it hands messages through."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from msgspec import Struct

from botctl.messages import Answer, Attachment, AttachmentKind, IncomingMessage, OutgoingMessage
from botctl.section import Section

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


class Receipt(Protocol):
    """What accept() gives back once the message is on disk."""

    @property
    def duplicate(self) -> bool:
        """The same message had been accepted before; it is not handled again."""

    @property
    def run_id(self) -> str:
        """The run that deals with it; "" of a duplicate that is not under way."""

    async def answer(self) -> Answer:
        """Wait until the message was dealt with. Of a duplicate: what became of the first."""


class Accept(Protocol):
    """The one door for messages: returns only when message and cursor are both on disk."""

    async def __call__(self, message: IncomingMessage, cursor: str | None = None) -> Receipt: ...


class PlatformSettings(Section):
    """What may stand under `platforms: <name>:`."""


class PlatformLimits(Struct, frozen=True, kw_only=True):
    """text: the longest message, in the platform's own unit. buttons: how many a message may have; 0: none.
    per_chat, per_message: seconds that must pass between two messages to one chat, and to any."""

    text: int = 1_000_000
    buttons: int = 0
    per_chat: float = 0.0
    per_message: float = 0.0


class Files(Protocol):
    """The files that come and go with messages, below `.botctl/files`."""

    async def keep(
        self, kind: AttachmentKind, name: str, media_type: str, chunks: AsyncIterator[bytes]
    ) -> Attachment:
        """Store a file that came with a message. A FileRefusedError when it is too large or of a type that
        is not taken; nothing of it is kept then."""

    def open(self, attachment: Attachment) -> Path:
        """Where a file that is to leave lies on the disk; a SendError when it does not exist any more."""


class FileRefusedError(Exception):
    """A file that is not kept; says why, for the user: `larger than 20 MB`."""


async def _nothing(id: str, reason: str) -> None:
    """Nobody wants to know."""


async def _unheeded(old: str, new: str) -> None:
    """Nobody keeps conversations here."""


class ConnectionContext(Struct, frozen=True, kw_only=True):
    """What a connection may know of the world: whose it is, the door in, and the last cursor it committed.

    files: where attachments go; None where they are not kept. last_message_at: when the last message of a
    (channel, user) came, in milliseconds since 1970, None if never. known_channels: the channels in which
    people have talked to the bot, newest first. undelivered: to be told (id, reason) of a message that the
    platform took and then could not bring; it becomes a dead letter. webhook_url: where the platform finds
    this bot's webhook, "" if nobody told. may_take_over: whether a webhook or poller of somebody else may be
    replaced. channel_moved: to be told (old id, new id) of a channel that has another id now; its
    conversations, and what is still to be sent there, go along; telling it again changes nothing.
    """

    bot: str
    accept: Accept
    now_ms: Callable[[], int]
    load_cursor: Callable[[], Awaitable[str | None]]
    files: Files | None = None
    last_message_at: Callable[[str, str], int | None] = lambda channel, user: None
    known_channels: Callable[[], list[str]] = list
    undelivered: Callable[[str, str], Awaitable[None]] = _nothing
    webhook_url: str = ""
    may_take_over: bool = False
    channel_moved: Callable[[str, str], Awaitable[None]] = _unheeded


class Connection(Protocol):
    """One bot on one platform, switched on."""

    async def run(self) -> None:
        """Receive until cancelled (long polling, a gateway, the terminal). Returns at once if nothing is
        polled; returns when the input has come to its end (piped lines)."""

    async def webhook(self, request: Request) -> Response:
        """Answer POST (or GET) /webhooks/<bot>/<platform>: verify, accept, acknowledge."""

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        """Send one message; the platform's ids of what was sent. SendError says what to do otherwise."""

    async def close(self) -> None:
        """Let go of everything."""


@runtime_checkable
class Doorkeeper(Protocol):
    """A connection that knows whether it can tell strangers' webhooks from those that are meant for it.

    One that cannot is listened to from this machine only.
    """

    refused: int
    """Webhooks refused since the start because they were not to be trusted."""

    @property
    def is_verified(self) -> bool:
        """Whether webhooks must be signed."""


class Registration(Struct, frozen=True, kw_only=True):
    """What a platform knows of a bot's webhook. url: "" if none is set; pending: messages that it holds back;
    last_error: what it last got wrong with us, "" if nothing."""

    url: str = ""
    pending: int = 0
    last_error: str = ""


@runtime_checkable
class Registrar(Protocol):
    """A connection whose platform can be told where its webhook is (`botctl webhook set|info|delete`)."""

    async def registration(self) -> Registration:
        """What is set now; changes nothing."""

    async def register(self, url: str) -> None:
        """Set it to this address. Setting what is set already changes nothing."""

    async def unregister(self) -> None:
        """Take it away."""


class Checked(Struct, frozen=True, kw_only=True):
    """One thing that `botctl doctor` looked at: whether it is well, what it is, and else the way out."""

    is_well: bool
    fact: str
    help: str = ""


@runtime_checkable
class Checkable(Protocol):
    """A connection that can ask its platform whether all is well: token, permissions, registration."""

    async def check(self) -> tuple[Checked, ...]:
        """Ask; changes nothing, raises nothing."""


@runtime_checkable
class Typist(Protocol):
    """A connection that can show that an answer is being written."""

    async def typing(self, channel_id: str, thread_id: str) -> None:
        """Show it, for as long as the platform does after one call; failing is not told."""


@runtime_checkable
class Editor(Protocol):
    """A connection whose platform lets a bot edit what it said, so that an answer can be seen growing."""

    def can_edit(self, message: IncomingMessage) -> bool:
        """Whether an answer to this message could be edited."""

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        """See `Connection.send`."""

    async def edit(self, message: OutgoingMessage, ids: tuple[str, ...]) -> tuple[str, ...]:
        """Let what was sent under these ids say this message instead, and send what goes beyond them; all ids
        in order. SendError: permanent when it cannot be edited any more, so that it must be sent anew."""


@runtime_checkable
class InMemory(Protocol):
    """A connection that may hand messages over within this process, so that none can be seen twice."""

    @property
    def sends_in_memory(self) -> bool:
        """Whether `send` reaches nobody outside by itself."""


class Platform(Struct, frozen=True, kw_only=True):
    """One platform. settings: what may stand under `platforms: <name>:`; connect: (settings with every
    `${NAME}` resolved, context) -> Connection. secrets: the settings without which it is off."""

    name: str
    doc: str | None
    settings: type[PlatformSettings]
    limits: PlatformLimits
    connect: Callable[[Any, ConnectionContext], Connection]
    secrets: tuple[str, ...] = ()
    has_webhook: bool = True


class SendError(Exception):
    """A message was not sent. permanent: trying again cannot help. retry_after: seconds. migrate_to: the
    channel's new id, to be stored and used instead."""

    def __init__(
        self, message: str, *, permanent: bool = False, retry_after: float | None = None, migrate_to: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent
        self.retry_after = retry_after
        self.migrate_to = migrate_to
