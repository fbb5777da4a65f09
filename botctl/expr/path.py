"""Paths into variables: `order.items.0.price`, `order.items.length`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

Parts = tuple[str, ...]

PATH_PATTERN = r"[\w$-]+(?:\.[\w$-]+)*"
_PATH = re.compile(PATH_PATTERN)


class ExpressionError(ValueError):
    """An expression that cannot be read. offset and length are characters in its text; help is a way out."""

    def __init__(self, message: str, *, offset: int = 0, length: int = 0, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.length = length
        self.help = help


class _Missing:
    """What `look_up` gives for a path that leads nowhere; not the same as null."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing()


def parse_path(text: str) -> Parts:
    """The parts of a path; an ExpressionError if it is none."""
    stripped = text.strip()
    if not _PATH.fullmatch(stripped):
        raise ExpressionError(
            f"`{stripped}` is not a path" if stripped else "a path is missing",
            length=len(text),
            help="a path is names and numbers joined by dots, such as order.items.0.price",
        )
    return tuple(stripped.split("."))


def parse_bare_path(text: str) -> Parts:
    """As `parse_path`; braces around the path, as in `{{order.items}}`, are tolerated."""
    stripped = text.strip()
    if stripped.startswith("{{") and stripped.endswith("}}"):
        stripped = stripped[2:-2]
    return parse_path(stripped)


def look_up(parts: Parts, variables: Mapping[str, Any]) -> Any:
    """What a path leads to, or MISSING. Names walk objects, numbers index arrays from 0, `length` counts
    the elements of an array or the characters of a text (an object's own key of that name goes before)."""
    value: Any = variables
    for part in parts:
        if isinstance(value, dict | Mapping):
            if part not in value:
                return MISSING
            value = value[part]
        elif isinstance(value, list | tuple):
            if part == "length":
                value = len(value)
            elif part.isdecimal() and int(part) < len(value):
                value = value[int(part)]
            else:
                return MISSING
        elif isinstance(value, str) and part == "length":
            value = len(value)
        else:
            return MISSING
    return value
