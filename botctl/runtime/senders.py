"""Senders: who takes a message that leaves; the platforms that are live, and the mail server for notices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from botctl.clock import Clock
from botctl.messages import OutgoingMessage
from botctl.platforms.email import EmailSender, SmtpSettings
from botctl.platforms.platform import Connection
from botctl.secrets import Environment
from botctl.spec.project import SmtpSection

EMAIL = "email"
"""The platform of notices by mail: nothing is received on it."""


class Sender(Protocol):
    """What takes one message after the other."""

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        """See `Connection.send`."""


class Senders:
    """Looked up for each message, so that a platform that is switched on later is found."""

    def __init__(self, connections: Mapping[tuple[str, str], Connection], email: Sender | None) -> None:
        self._connections = connections
        self._email = email

    def find(self, bot: str, platform: str) -> Sender | None:
        """Who sends for a bot on a platform; None if that is off."""
        if platform == EMAIL:
            return self._email
        return self._connections.get((bot, platform))


def email_sender(section: SmtpSection | None, environment: Environment, clock: Clock) -> EmailSender | None:
    """The mail server of botctl.yaml; a UserError when its password is not set."""
    if section is None:
        return None
    settings = SmtpSettings(
        host=environment.resolve(section.host),
        port=section.port,
        username=environment.resolve(section.username),
        password=environment.resolve(section.password),
        sender=environment.resolve(section.sender),
        security=section.security,
    )
    return EmailSender(settings, clock.now_ms)
