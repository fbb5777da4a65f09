"""Discord's payloads: the few fields that are read of what Discord sends, by Discord's names (API v10)."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from botctl.errors import OutsideError

PING, COMMAND, COMPONENT, AUTOCOMPLETE = 1, 2, 3, 4
"""Types of interactions (Interactions, Receiving and Responding; discord-api-docs, read 2026-08)."""
BUTTON = 2
"""A type of component."""
DIRECT = 1
"""The type of a channel between two."""


Snowflake = Annotated[str, Meta(pattern=r"^[0-9]{1,20}$")]
"""An id: a number that grows with time, as text."""


class User(Struct, frozen=True):
    """Somebody. global_name is what people call them; bot: a program, us included."""

    id: Snowflake
    username: str = ""
    global_name: str | None = None
    bot: bool = False


class Member(Struct, frozen=True):
    """Somebody in a server. user is missing where the payload has it elsewhere."""

    user: User | None = None
    nick: str | None = None


class File(Struct, frozen=True):
    """A file of a message; url is signed and expires within a day."""

    id: str
    filename: str = ""
    content_type: str | None = None
    size: int = 0
    url: str = ""


class Quoted(Struct, frozen=True):
    """The message that another one replies to."""

    author: User | None = None


class Message(Struct, frozen=True):
    """A message. guild_id is missing in direct messages, and in everything that is fetched."""

    id: Snowflake
    channel_id: Snowflake
    author: User
    content: str = ""
    type: int = 0
    guild_id: str | None = None
    webhook_id: str | None = None
    member: Member | None = None
    mentions: tuple[User, ...] = ()
    attachments: tuple[File, ...] = ()
    referenced_message: Quoted | None = None


class Option(Struct, frozen=True):
    """One argument of a command."""

    name: str = ""
    value: str | int | float | bool | None = None


class Choice(Struct, frozen=True):
    """What was asked for: a command with options, or a component that was pressed."""

    name: str = ""
    options: tuple[Option, ...] = ()
    custom_id: str = ""
    component_type: int = 0


class Interaction(Struct, frozen=True):
    """A command or a press. Its user stands in member in servers and in user elsewhere."""

    id: Snowflake
    type: int
    token: str = ""
    application_id: str = ""
    channel_id: Snowflake | None = None
    member: Member | None = None
    user: User | None = None
    data: Choice | None = None


class Application(Struct, frozen=True):
    """The bot's own application. flags tell whether it may read the text of all messages."""

    id: str
    name: str = ""
    flags: int = 0
    verify_key: str = ""
    interactions_endpoint_url: str | None = None


Read = TypeVar("Read", bound=Struct)


def read(payload: Any, kind: type[Read]) -> Read:
    """A payload as what it should be; a PoisonError that says where it is not."""
    try:
        return msgspec.convert(payload, kind)
    except msgspec.ValidationError as error:
        raise PoisonError(str(error)) from error


def read_json(body: bytes, kind: type[Read]) -> Read:
    """The same of JSON as it came."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PoisonError(str(error)) from error


class PoisonError(OutsideError):
    """A payload that cannot be understood, and will not be however often it comes."""
