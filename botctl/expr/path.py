"""The path to a variable: `order.items.0.price`, read once and walked often."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, Final

Parts = tuple[str, ...]
"""The names of a path, outermost first."""


class ExpressionError(ValueError):
    """A template, a condition or JSON with placeholders that cannot be read.

    offset and length count characters of the text that was read. path leads to that text where a mapping was
    read: ("items", 0, "name").
    """

    def __init__(
        self,
        message: str,
        *,
        offset: int = 0,
        length: int = 1,
        help: str | None = None,
        path: tuple[str | int, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.length = length
        self.help = help
        self.path = path


class Missing(Enum):
    """The type of MISSING."""

    MISSING = "missing"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing.MISSING
"""What a path comes to that leads nowhere. Not the same as null, which is a value."""

# What a name in a path is made of: anything but white space, control characters and ASCII punctuation; `_`,
# `$`, `@` and `-` are allowed because names in JSON from tools have them (`order-id`, `@type`).
NAME: Final = r"[^\s\x00-\x1f.{}()\[\]<>|\"'`,;:!?=+*/%&#^~\\]+"
PATH: Final = rf"{NAME}(?:\.{NAME})*"

_PATH = re.compile(PATH)
_NAME = re.compile(NAME)
_BRACES = re.compile(r"\s*\{\{(.*)\}\}\s*", re.DOTALL)
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")


@lru_cache(maxsize=4096)
def parse_path(text: str) -> Parts:
    """The names of a path, outermost first. White space around it is ignored. Raises ExpressionError."""
    path = text.strip()
    if _PATH.fullmatch(path):
        return tuple(path.split("."))
    start = len(text) - len(text.lstrip())
    if not path:
        raise ExpressionError("a name is missing", length=max(len(text), 1), help="write the variable's name")
    raise _misspelt(path, start)


def parse_bare_path(text: str) -> Parts:
    """As `parse_path`, for a field that names a variable; one pair of braces around it is tolerated."""
    braces = _BRACES.fullmatch(text)
    if braces is None:
        return parse_path(text)
    try:
        return parse_path(braces[1])
    except ExpressionError as error:
        error.offset += braces.start(1)
        raise


def look_up(parts: Sequence[str], variables: Mapping[str, Any]) -> Any:
    """The value that a path leads to, or MISSING.

    A name is a key of an object or, counted from 0, an index of an array. `length` is the number of elements
    of an array or characters of a text; a key named `length` of an object is a key like any other. Negative
    indexes do not count from the end: they lead nowhere.
    """
    value: Any = variables
    for part in parts:
        if isinstance(value, (dict, Mapping)):
            value = value.get(part, MISSING)
            if value is MISSING:
                return MISSING
        elif isinstance(value, str):
            if part != "length":
                return MISSING
            value = len(value)
        elif isinstance(value, (list, tuple)):
            if part == "length":
                value = len(value)
            elif _INDEX.fullmatch(part) and int(part) < len(value):
                value = value[int(part)]
            else:
                return MISSING
        else:
            return MISSING
    return value


def _misspelt(path: str, start: int) -> ExpressionError:
    """What is wrong with a path that cannot be read, and what to write in its place."""
    name = _NAME.match(path)
    position = 0
    while name is not None and path[name.end() : name.end() + 1] == ".":
        position = name.end() + 1
        name = _NAME.match(path, position)
    if name is None and (position == len(path) or path[position] == "."):
        return ExpressionError(
            "a name is missing beside a dot",
            offset=start + max(position - 1, 0),
            help="write names with one dot between them: `order.total`",
        )
    stop = name.end() if name else position
    rest = path[stop:].lstrip()
    return ExpressionError(
        f"`{path}` is not the path of a variable",
        offset=start,
        length=len(path),
        help=_way_out(path[:stop], rest),
    )


def _way_out(before: str, rest: str) -> str:
    if before and (index := re.match(r"\[\s*[\"']?([\w$@-]+)[\"']?\s*\]", rest)):
        return f"write `{before}.{index[1]}`: keys and indexes follow a dot"
    if before and rest.startswith("|"):
        return f"there are no filters: write `{before}`, and change the value in a code_block"
    if rest[:1] in {"#", "/", "^", ">", "&", "!", "%"} and not before:
        return "there are no blocks and no comments, only paths: branch with a logic node, repeat with a loop"
    return "only a path such as `order.items.0.price` may stand here: compute values in a code_block"
