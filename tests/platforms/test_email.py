"""Email, against a real mail server over loopback."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from botctl.errors import UserError
from botctl.messages import OutgoingMessage
from botctl.platforms.email import EmailSender, SmtpSettings
from botctl.platforms.platform import SendError

NOW_MS = 1_767_225_600_000
TEXT = "support-bot needs a decision: Zoë wants 800 € back\n\nReason\n    Größer als 500 €\n.\nend"
PLAIN = SmtpSettings(host="127.0.0.1", sender="Bots <bots@example.com>", security="none")
"""A server on this machine; the port comes with it."""


IN_CLEAR = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


class MailServer:
    """A server that answers RCPT with what is in `answers` by address, and keeps what it took."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.taken: list[EmailMessage] = []
        self.envelopes: list[tuple[str | None, list[str]]] = []
        self.port = 0

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.taken.append(mail)
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        return "250 OK"


@asynccontextmanager
async def mail_server(encrypted: ssl.SSLContext | None = None, **settings: Any) -> AsyncIterator[MailServer]:
    """A mail server on a free port; `encrypted`: only by TLS, from the start."""
    one = MailServer()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: SMTP(one, hostname="mail.test", loop=loop, enable_SMTPUTF8=True, **settings),
        "127.0.0.1",
        0,
        ssl=encrypted,
    )
    one.port = listening.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        listening.close()
        await listening.wait_closed()


def notice(**fields: Any) -> OutgoingMessage:
    """A message on its way to a reviewer."""
    return OutgoingMessage(
        **{
            "id": "m0",
            "bot": "support-bot",
            "platform": "email",
            "channel_id": "anna@example.com",
            "text": TEXT,
            **fields,
        }
    )


def sender_at(port: int, settings: SmtpSettings = PLAIN) -> EmailSender:
    """A sender that knows only this server."""
    return EmailSender(replace(settings, port=port), lambda: NOW_MS)


def refused(settings: SmtpSettings = PLAIN, answers: dict[str, str] | None = None, **world: Any) -> SendError:
    """The error that handing a notice over ends in, with a server that is set up so."""

    async def whole() -> SendError:
        async with mail_server(**world) as server:
            server.answers = answers or {}
            with pytest.raises(SendError) as caught:
                await sender_at(server.port, settings).send(notice())
            assert server.taken == []
        return caught.value

    return asyncio.run(whole())


def delivered(
    message: OutgoingMessage, settings: SmtpSettings = PLAIN, **world: Any
) -> tuple[tuple[str, ...], EmailMessage, tuple[str | None, list[str]]]:
    """(ids, mail, envelope) of a message that was handed over."""

    async def whole() -> tuple[tuple[str, ...], MailServer]:
        async with mail_server(**world) as server:
            ids = await sender_at(server.port, settings).send(message)
        return ids, server

    ids, server = asyncio.run(whole())
    return ids, server.taken[0], server.envelopes[0]


def test_the_first_line_is_the_subject_and_the_rest_the_body() -> None:
    ids, mail, envelope = delivered(notice())

    assert ids == ("<m0@example.com>",)
    assert envelope == ("bots@example.com", ["anna@example.com"])
    assert dict(mail.items()) == {
        "To": "anna@example.com",
        "From": "Bots <bots@example.com>",
        "Subject": "support-bot needs a decision: Zoë wants 800 € back",
        "Date": "Thu, 01 Jan 2026 00:00:00 -0000",
        "Message-ID": "<m0@example.com>",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "quoted-printable",
    }
    assert mail.get_content().splitlines() == ["Reason", "    Größer als 500 €", ".", "end"]


def test_a_mail_of_one_line_has_it_as_its_body_too() -> None:
    _, mail, _ = delivered(notice(text="hello"))

    assert (mail["Subject"], mail.get_content()) == ("hello", "hello\r\n")


@pytest.mark.parametrize("breaker", ["\r", "\x0b", "\u2028", "\x85", "\x00", "\ud800"])
def test_nothing_in_a_subject_becomes_a_header(breaker: str) -> None:
    _, mail, envelope = delivered(notice(text=f"hi{breaker}Bcc: eve@example.com\nbody"))

    assert (mail["Subject"], mail["Bcc"]) == ("hi Bcc: eve@example.com", None)
    assert envelope[1] == ["anna@example.com"]


@pytest.mark.parametrize(
    "address",
    ["", "12345", "a@b.c\r\nBcc: eve@example.com", "a@b.c, eve@example.com", "a@b.c>\nRCPT", "a b@c"],
)
def test_what_is_no_address_is_refused_for_good_before_the_server_is_asked(address: str) -> None:
    with pytest.raises(SendError) as caught:
        asyncio.run(sender_at(1).send(notice(channel_id=address)))

    assert caught.value.permanent and caught.value.message.endswith("is not an email address")


@pytest.mark.parametrize(
    ("answer", "permanent"), [("550 no such user here", True), ("450 mailbox busy", False)]
)
def test_a_recipient_is_refused_for_good_or_for_now(answer: str, permanent: bool) -> None:
    error = refused(answers={"anna@example.com": answer})

    assert (error.permanent, error.message.partition(" refused ")[2]) == (
        permanent,
        f"the recipient: {answer}",
    )


def test_a_mail_that_failed_for_now_keeps_its_id_when_it_is_tried_again() -> None:
    async def whole() -> list[str]:
        async with mail_server() as server:
            server.answers = {"anna@example.com": "451 try later"}
            sender = sender_at(server.port)
            with pytest.raises(SendError):
                await sender.send(notice())
            server.answers = {}
            first = await sender.send(notice())
            second = await sender.send(notice())
            return [*first, *second, *(mail["Message-ID"] for mail in server.taken)]

    assert asyncio.run(whole()) == ["<m0@example.com>"] * 4


def test_a_server_that_is_away_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

    with pytest.raises(SendError) as caught:
        asyncio.run(sender_at(port).send(notice()))

    assert (caught.value.permanent, caught.value.message) == (
        False,
        f"the mail server 127.0.0.1:{port} broke off: SMTPConnectError",
    )


def test_a_server_that_hangs_up_in_the_middle_is_tried_again() -> None:
    async def whole() -> SendError:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 mail.test\r\n")
            await reader.readline()
            writer.close()

        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
            with pytest.raises(SendError) as caught:
                await sender_at(server.sockets[0].getsockname()[1]).send(notice())
        return caught.value

    assert not asyncio.run(whole()).permanent


def _knows(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    right = LoginPassword(b"bots", "pässwort".encode())
    return AuthResult(success=data == right, handled=False)


@IN_CLEAR
def test_an_account_logs_in() -> None:
    settings = replace(PLAIN, username="bots", password="pässwort")

    ids, _, _ = delivered(
        notice(), settings, authenticator=_knows, auth_required=True, auth_require_tls=False
    )

    assert ids == ("<m0@example.com>",)


@IN_CLEAR
def test_a_wrong_password_is_told_without_the_password() -> None:
    settings = replace(PLAIN, username="bots", password="Tr0ub4dor")

    error = refused(settings, authenticator=_knows, auth_required=True, auth_require_tls=False)

    assert error.permanent and " refused `smtp.username` and `smtp.password`: 535 " in error.message
    assert "Tr0ub4dor" not in error.message


def test_nothing_is_sent_in_clear_when_the_server_cannot_encrypt() -> None:
    error = refused(replace(PLAIN, security="starttls", username="bots", password="secret"))

    assert error.permanent and error.message.endswith("STARTTLS extension not supported by server.")


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_leaves_encrypted(security: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = _certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    world = {"tls_context": context, "require_starttls": True} if security == "starttls" else {}

    ids, _, _ = delivered(
        notice(),
        replace(PLAIN, host="localhost", security=security),
        encrypted=context if security == "tls" else None,
        **world,
    )

    assert ids == ("<m0@example.com>",)


def test_a_server_with_a_certificate_nobody_knows_gets_nothing(tmp_path: Path) -> None:
    context = _certified(tmp_path)

    error = refused(
        replace(PLAIN, host="localhost", security="starttls"), tls_context=context, require_starttls=True
    )

    assert " broke off: " in error.message


@pytest.mark.parametrize("sender", ["bots", ""])
def test_a_sender_that_is_no_address_is_told_at_the_start(sender: str) -> None:
    with pytest.raises(UserError) as caught:
        EmailSender(replace(PLAIN, sender=sender), lambda: NOW_MS)

    assert caught.value.message.startswith("`smtp.sender` is not an email address")


def _certified(folder: Path) -> ssl.SSLContext:
    """A server's context with a certificate for localhost, which is in `server.pem` of the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "server.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context
