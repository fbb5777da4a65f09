"""An address that the user wrote, looked up: nothing inside the network is reached by mistake."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from botctl.errors import OutsideError, UserError

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

LookUp = Callable[[str, int], Awaitable[list[str]]]
"""(host, port) -> its addresses, best first; an OSError when it has none."""


class Target(Struct, frozen=True):
    """Where a request goes. headers and extensions are for httpx; they keep the host's name where the url has
    its number."""

    url: str
    headers: Mapping[str, str] = NOTHING
    extensions: Mapping[str, Any] = NOTHING


async def public_targets(url: str, look_up: LookUp | None = None) -> list[Target]:
    """The targets of an address whose host is outside of this network, or is written as this very machine.

    What was looked up is what will be called, so that a name cannot mean something else a moment later.
    UserError if any of the host's addresses is private; OutsideError if it has none.
    """
    import httpx

    parsed = httpx.URL(url)
    host = parsed.raw_host.decode("ascii")
    if not host:
        raise httpx.UnsupportedProtocol("no host")
    if host == "localhost" or _is_loopback(host):
        return [Target(url)]
    port = parsed.port or (80 if parsed.scheme == "http" else 443)
    try:
        found = await (look_up or _ask_the_system)(host, port)
    except OSError:
        raise OutsideError(
            f"custom_http cannot be reached: there is no host `{host}`", retryable=True, not_executed=True
        ) from None
    for address in found:
        if not is_public(address):
            raise UserError(
                f"`identity.custom_http.url` leads into a private network: `{host}` is {address}",
                help="set `allow_private: true` if that is meant",
            )
    return [pinned(url, address) for address in found]


def pinned(url: str, address: str) -> Target:
    """The target at this address; asked, and its certificate checked, under the name in the url."""
    import httpx

    parsed = httpx.URL(url)
    return Target(
        str(parsed.copy_with(host=address)),
        headers={"Host": parsed.netloc.decode("ascii")},
        extensions={"sni_hostname": parsed.raw_host.decode("ascii")},
    )


def is_public(address: str) -> bool:
    """Whether an IP address is out in the internet. Private ones in the clothes of IPv6 are not."""
    parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed.sixtofour or parsed
    return parsed.is_global and not parsed.is_multicast


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


async def _ask_the_system(host: str, port: int) -> list[str]:
    import asyncio
    import socket

    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
