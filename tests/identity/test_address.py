"""An address that the user wrote: what is inside of the network, and that a name stays with its number."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from botctl.errors import OutsideError, UserError
from botctl.identity.address import Target, is_public, pinned, public_targets


def targets(url: str, *addresses: str) -> list[Target]:
    """The targets, in a world where every name has these addresses."""

    async def look_up(host: str, port: int) -> list[str]:
        if not addresses:
            raise OSError("no such name")
        return list(addresses)

    return asyncio.run(public_targets(url, look_up))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1",
        "::ffff:169.254.169.254", "2002:0a00:0001::1", "ff02::1",
    ],
)  # fmt: skip
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8"])
def test_an_address_outside_is_public(address: str) -> None:
    assert is_public(address)


def test_a_name_is_looked_up_once_and_asked_for_by_name() -> None:
    found = targets("https://otp.example.com:8443/send?k=1", "93.184.216.34", "2606:2800:220:1::1")

    headers, extensions = {"Host": "otp.example.com:8443"}, {"sni_hostname": "otp.example.com"}
    assert found == [
        Target("https://93.184.216.34:8443/send?k=1", headers, extensions),
        Target("https://[2606:2800:220:1::1]:8443/send?k=1", headers, extensions),
    ]


def test_one_private_address_of_a_name_is_enough_to_refuse_it() -> None:
    with pytest.raises(UserError) as caught:
        targets("https://otp.example.com/", "93.184.216.34", "10.1.2.3")

    assert (caught.value.message, caught.value.help) == (
        "`identity.custom_http.url` leads into a private network: `otp.example.com` is 10.1.2.3",
        "set `allow_private: true` if that is meant",
    )


def test_a_name_that_is_nobodys_surely_got_nothing() -> None:
    with pytest.raises(OutsideError) as caught:
        targets("https://otp.example.com/")

    assert (caught.value.retryable, caught.value.not_executed) == (True, True)


@pytest.mark.parametrize("url", ["http://localhost:8080/x", "http://127.0.0.1/x", "http://[::1]:8080/x"])
def test_this_very_machine_is_asked_as_it_is_written(url: str) -> None:
    assert targets(url, "10.0.0.1") == [Target(url)]


@pytest.mark.parametrize("host", ["2852039166", "0xa9fea9fe", "2130706433", "[::ffff:127.0.0.1]", "10.0.0.1"])
def test_a_private_address_in_disguise_is_refused_by_the_systems_own_look_up(host: str) -> None:
    with pytest.raises(UserError):
        asyncio.run(public_targets(f"http://{host}/send"))


def test_the_certificate_of_a_pinned_target_is_that_of_its_name(tmp_path: Path) -> None:
    serving = _certified(tmp_path, "otp.example.com")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "server.pem"))

    async def whole() -> tuple[int, str]:
        heard = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
            writer.write(b"HTTP/1.1 204 Fine\r\nconnection: close\r\n\r\n")
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=serving) as server:
            port = server.sockets[0].getsockname()[1]
            target = pinned(f"https://otp.example.com:{port}/send", "127.0.0.1")
            async with httpx.AsyncClient(verify=trusting, trust_env=False) as client:
                response = await client.post(
                    target.url, headers=dict(target.headers), extensions=dict(target.extensions)
                )
        assert f"host: otp.example.com:{port}\r\n" in heard[0]
        return response.status_code, response.reason_phrase

    assert asyncio.run(whole()) == (204, "Fine")


def _certified(folder: Path, host: str) -> ssl.SSLContext:
    """A server's context with a certificate for a host, which is in `server.pem` of the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
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
