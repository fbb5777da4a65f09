"""Addresses that stand in files: whether they are this machine, or surely out in the internet."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

_INSIDE = frozenset(
    {"local", "localhost", "internal", "intranet", "lan", "home", "corp", "private", "test", "arpa", "svc"}
)
"""Last parts of names that mean something in a network of one's own only (RFC 6761, 6762, 8375; 2026)."""


def is_this_machine(host: str) -> bool:
    """Whether a host is loopback."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_open_and_public(url: str) -> bool:
    """Whether an address is plain http to a host that is surely in the internet."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme.lower() != "http" or "$" in host or "{" in host or is_this_machine(host):
        return False
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host.strip(".") and host.rpartition(".")[2].lower() not in _INSIDE


def leads_to_this_machine(url: str) -> bool:
    """Whether an address is on this machine: a counterpart for tests and development."""
    try:
        return is_this_machine(urlsplit(url).hostname or "")
    except ValueError:
        return False


def amiss_in_host(host: str) -> str:
    """What is wrong with a host to listen on; "" if nothing can be seen."""
    if "${" in host:
        return ""
    if "/" in host:
        return "this is an address, not the name of a host"
    name, colon, port = host.rpartition(":")
    has_port = bool(colon) and (":" not in name or name.endswith("]")) and port.isdecimal()
    return "this has a port in it" if has_port else ""


def amiss_in_public_url(url: str) -> str:
    """What is wrong with the address under which the outside finds the server; "" if nothing can be seen."""
    if not url or "${" in url:
        return ""
    if not url.lower().startswith(("http://", "https://")):
        return "this does not begin with `https://`"
    try:
        parts = urlsplit(url)
        _ = parts.port  # which is looked at when it is asked for
    except ValueError:
        return "its host or its port cannot be read"
    return "" if parts.hostname else "this names no host"
