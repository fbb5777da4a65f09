"""The text that a tool gave, as the value that it writes down."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def parse_text(text: str) -> Any:
    """The JSON value that `text` is; the text itself when it is not JSON (seed 001, mcp_tool)."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")
