"""Slack's text: what people wrote, out of its markup, and plain text, safely into it.

& < > are written as entities, and <...> holds references and links (source:
docs.slack.dev/messaging/formatting-message-text, read 2026-11).
"""

from __future__ import annotations

import re

_REFERENCE = re.compile(r"<([^<>]*)>")
_ADDRESS = re.compile(r"https?://[^\s<>|\"']+")
_AROUND = re.compile(r"^[:,]?[ \t]*")
_BEHIND_ADDRESS = ".,;:!?)]}*_~`"


def unescape(text: str) -> str:
    """Entities back to characters; & last, so that nothing is taken for an entity that was none."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def escape(text: str) -> str:
    """Plain text that Slack takes for nothing else: nobody is mentioned, nothing becomes a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def linked(text: str) -> str:
    """Plain text, escaped, its addresses marked as links: in a `verbatim` block Slack finds none itself."""
    parts, end = [], 0
    for found in _ADDRESS.finditer(text):
        address = found[0].rstrip(_BEHIND_ADDRESS)
        parts += [escape(text[end : found.start()]), f"<{escape(address)}>"]
        end = found.start() + len(address)
    return "".join(parts) + escape(text[end:])


def plain(text: str) -> str:
    """What a person wrote, as they would read it: an address or a number that Slack made a link of is what
    they typed, names are @name and #channel."""
    parts, end = [], 0
    for found in _REFERENCE.finditer(text):
        parts += [unescape(text[end : found.start()]), unescape(_reference(found[1]))]
        end = found.end()
    return "".join(parts) + unescape(text[end:])


def storable(text: str) -> str:
    """`text` without halves of surrogate pairs, which JSON can write and no database takes."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def mentions(text: str, user: str) -> bool:
    """Whether a text in Slack's markup names this user."""
    return f"<@{user}>" in text or f"<@{user}|" in text


def without_mention(text: str, user: str) -> str:
    """A text in Slack's markup without the name of this user."""
    name = re.compile(rf"[ \t]*<@{re.escape(user)}(?:\|[^<>]*)?>[ \t]*")
    left = name.sub(" ", text).strip()
    return _AROUND.sub("", left) if name.match(text.lstrip()) else left


def _reference(inside: str) -> str:
    target, _, label = inside.partition("|")
    if target.startswith("@"):
        return "@" + (label.removeprefix("@") or target[1:])
    if target.startswith("#"):
        return "#" + (label.removeprefix("#") or target[1:])
    if target.startswith("!"):
        word = target[1:].partition("^")[0]
        return label or ("@" + word)
    bare = target.removeprefix("mailto:").removeprefix("tel:")
    if not label or label == bare:
        return bare
    if bare.removesuffix("/") in (f"https://{label}", f"http://{label}"):
        return label
    return f"{label} ({bare})"
