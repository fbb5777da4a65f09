"""The record that every identity provider fills: who carries a one-time code or link to a contact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

from msgspec import Struct

from botctl.clock import Clock
from botctl.errors import OutsideError
from botctl.section import Section

ContactType = Literal["email", "phone"]


class ProviderSettings(Section):
    """What may stand under `identity: <provider>:`."""


class Delivery(Struct, frozen=True, kw_only=True):
    """What must reach a contact, once. id is new for each, for the provider's idempotency key.

    contact: an email address, or a phone number in E.164. Either code (six digits) or link is given, the
    other is "". minutes: how long it is good for. sender: the bot's name, for people.
    """

    id: str
    contact_type: ContactType
    contact: str
    minutes: int
    code: str = ""
    link: str = ""
    sender: str = ""


class ContactRefusedError(OutsideError):
    """The provider says that it cannot reach this contact; another one may work."""


class Carrier(Protocol):
    """A provider, connected."""

    async def carry(self, delivery: Delivery) -> str:
        """Send it, once, without retries; the provider's id of what was sent.

        OutsideError(retryable, not_executed, retry_after) when the provider is down or limits us;
        ContactRefusedError; UserError when the settings are wrong (a key refused, a sender not verified).
        """

    async def close(self) -> None:
        """Let go of connections."""


class IdentityProvider(Struct, frozen=True, kw_only=True):
    """One provider. settings: what may stand under `identity: <name>:`; connect: (settings with every
    `${NAME}` resolved, clock) -> Carrier. secrets: the settings without which it is not set up."""

    name: str
    doc: str | None
    contact_types: tuple[ContactType, ...]
    settings: type[ProviderSettings]
    connect: Callable[[Any, Clock], Carrier]
    secrets: tuple[str, ...] = ()
