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
