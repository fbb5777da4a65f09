"""Email: notices as mails, handed to one mail server (SMTP). Nothing is received."""

from __future__ import annotations

from collections.abc import Callable
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from botctl.errors import UserError
from botctl.messages import OutgoingMessage
from botctl.platforms.platform import SendError

if TYPE_CHECKING:
    from aiosmtplib import SMTP, SMTPResponseException

TIMEOUT = 30.0
"""Seconds that the mail server may take for each of its answers."""

_LONGEST_SUBJECT = 200
_LONGEST_ANSWER = 200
_NO_ADDRESS = (MessageError, ValueError, IndexError)  # what Address raises, depending on what is wrong


class SmtpSettings(Struct, frozen=True, kw_only=True):
    """The mail server and whom mails are from.

    host, port: where the server is. username, password: the account there, with username "" nobody logs in.
    sender: an address, with a name or without. security: `starttls` encrypts after the greeting, and nothing
    is sent if the server cannot; `tls` encrypts from the start; `none` does not.
    """

    host: str
    port: int = 587
    username: str = ""
    password: str = ""
    sender: str
    security: Literal["starttls", "tls", "none"] = "starttls"


class EmailSender:
    """Hands over messages, each by a connection of its own: notices are rare, and servers hang up on idlers.

    The channel of a message is an address; the first line of its text is the subject, the rest the body. Its
    id is in the Message-ID, so that a mail that was sent twice can be recognised as one.
    """

    def __init__(self, settings: SmtpSettings, now_ms: Callable[[], int]) -> None:
        try:
            name, address = parseaddr(settings.sender)
            self._sender = Address(name, addr_spec=address)
        except _NO_ADDRESS as error:
            raise UserError(
                f"`smtp.sender` is not an email address: {_plain(settings.sender)}",
                help="write it as `bots@example.com` or `Bots <bots@example.com>`",
            ) from error
        self._settings = settings
        self._now_ms = now_ms
        self._server = f"the mail server {settings.host}:{settings.port}"

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        """Hand over one message; its Message-ID. SendError: permanent when the server, or the address, will
        not take it whenever it is tried."""
        from aiosmtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

        mail = self._mail(message)
        try:
            async with self._connection() as smtp:
                await smtp.send_message(mail, sender=self._sender.addr_spec, recipients=[message.channel_id])
        except SMTPRecipientsRefused as error:
            raise self._refusal(error.recipients[0]) from error
        except SMTPResponseException as error:
            raise self._refusal(error) from error
        except (SMTPException, OSError) as error:
            if isinstance(error, OSError):  # those of aiosmtplib about the connection are both
                raise SendError(f"{self._server} broke off: {type(error).__name__}") from error
            raise SendError(f"{self._server} cannot be used: {_plain(str(error))}", permanent=True) from error
        return (str(mail["Message-ID"]),)

    async def close(self) -> None:
        """Nothing is held open between two messages."""

    def _connection(self) -> SMTP:
        from aiosmtplib import SMTP

        settings = self._settings
        return SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username or None,
            password=settings.password if settings.username else None,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            timeout=TIMEOUT,
        )

    def _mail(self, message: OutgoingMessage) -> EmailMessage:
        first, _, rest = message.text.strip().partition("\n")
        mail = EmailMessage()
        try:
            mail["To"] = Address(addr_spec=message.channel_id)
        except _NO_ADDRESS as error:
            raise SendError(
                f"`{_plain(message.channel_id)}` is not an email address", permanent=True
            ) from error
        mail["From"] = self._sender
        mail["Subject"] = _plain(first)[:_LONGEST_SUBJECT] or f"A message of {message.bot}"
        mail["Date"] = formatdate(self._now_ms() / 1000)
        mail["Message-ID"] = f"<{message.id}@{self._sender.domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: out-of-office programs do not answer it
        body = (rest.strip("\n") or first).encode(errors="replace").decode()
        mail.set_content(body, cte="quoted-printable")
        return mail

    def _refusal(self, error: SMTPResponseException) -> SendError:
        """What the server answered: 5xx is for good, 4xx for now (RFC 5321, 4.2.1)."""
        from aiosmtplib import SMTPAuthenticationError, SMTPRecipientRefused, SMTPSenderRefused

        match error:
            case SMTPRecipientRefused():
                what = "refused the recipient"
            case SMTPSenderRefused():
                what = "refused `smtp.sender`"
            case SMTPAuthenticationError():
                what = "refused `smtp.username` and `smtp.password`"
            case _:
                what = "did not take the mail"
        answer = f"{error.code} {_plain(error.message)[:_LONGEST_ANSWER]}"
        return SendError(f"{self._server} {what}: {answer}", permanent=500 <= error.code < 600)


def _plain(text: str) -> str:
    """One line without control characters."""
    return "".join(one if one.isprintable() else " " for one in text).strip()
