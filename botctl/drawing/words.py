"""The words of a picture: what a node is called and of which kind it is, and texts cut to a width."""

from __future__ import annotations

import re
from unicodedata import east_asian_width

from botctl.project.graph import Node

_KINDS = ("logicType", "loopType", "actionType", "target_bot_id")


def name_of(node: Node) -> str:
    """What people call a node."""
    return node.data.label or node.id


def kind_of(node: Node) -> str:
    """What a node is, in the words of its file: its type, and what of its type; of a tool call the tool."""
    if node.type.name == "mcp_tool":
        return str(node.data.toolName)
    for name in _KINDS:
        word = getattr(node.data, name, "")
        if word:
            return f"{node.type.name} {word}"
    return node.type.name


def columns(text: str) -> int:
    """How wide a text is, in letters."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


_UNSEEN = re.compile("[^\x20-\x7e\xa0-\u2027\u202f-\u2065\u2070-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What would steer a terminal, turn the direction of writing, or may stand in no XML (XML 1.0, 2.2)."""


def cut(text: str, longest: int) -> str:
    """A text on one line, cut to so many columns."""
    flat = _UNSEEN.sub("?", " ".join(text.split()))
    if columns(flat) <= longest:
        return flat
    kept, width = "", 1
    for character in flat:
        width += columns(character)
        if width > longest:
            break
        kept += character
    return kept.rstrip() + "…"
