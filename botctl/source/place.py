"""Places: where every key and value of a text stands, as a tree beside the values themselves."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import Struct

BLOCK, FLOW, PLAIN = "block", "flow", "plain"
"""How a value is written. Texts in quotes and block texts have their first character instead: " ' | >"""

Extent = tuple[int, int]
"""Offsets of the first character and of the one after the last."""


class Place:
    """Where a value stands in its text; of a mapping also where its keys do, and what is inside."""

    __slots__ = ("end", "entries", "items", "keys", "start", "style")

    def __init__(self, start: int, end: int, style: str) -> None:
        self.start = start
        self.end = end
        self.style = style
        self.keys: dict[str, Extent] | None = None
        self.entries: dict[str, Place] | None = None
        self.items: list[Place] | None = None

    def inside(self, part: str | int) -> Place | None:
        """The place of an entry; None if there is none."""
        if self.entries is not None:
            return self.entries.get(part) if isinstance(part, str) else None
        if self.items is not None and isinstance(part, int) and 0 <= part < len(self.items):
            return self.items[part]
        return None

    def children(self) -> list[Place]:
        """The places of all entries."""
        return list(self.entries.values()) if self.entries is not None else self.items or []


class Reading(NamedTuple):
    """A text that was read: its value and where the parts of it stand."""

    value: Any
    place: Place


class Fault(Struct, frozen=True, kw_only=True):
    """A mistake in how a text is written; others are further places, each with what it has to do with it."""

    code: str
    message: str
    start: int
    end: int
    label: str = ""
    help: str = ""
    others: tuple[tuple[int, int, str], ...] = ()


class Unreadable(Exception):
    """The text cannot be read any further."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


MOST_LEVELS = 60
"""Lists and mappings in each other; nothing that people write comes near."""
MOST_VALUES = 200_000
"""Values in one file, with everything that aliases repeat."""
MOST_DIGITS = 40
"""Of one number."""


def too_deep(offset: int) -> Unreadable:
    """More levels than a file may have."""
    return Unreadable(
        Fault(
            code="YM107",
            message=f"this file has more than {MOST_LEVELS} levels of lists and mappings",
            start=offset,
            end=offset + 1,
            label="one level too many",
            help="take levels out",
        )
    )


def too_many(offset: int) -> Unreadable:
    """More values than a file may have."""
    return Unreadable(
        Fault(
            code="YM107",
            message=f"this file holds more than {MOST_VALUES} values",
            start=offset,
            end=offset + 1,
            label="counted up to here, with everything that aliases repeat",
            help="split the file, or write fewer aliases (`*name`) in each other",
        )
    )


def no_such_number(start: int, end: int) -> Fault:
    """A number that JSON, which values are stored as, does not have."""
    return Fault(
        code="YM106",
        message="this number is more than a program can work with",
        start=start,
        end=end,
        label="not a number of JSON",
        help="put it in quotes if it is text",
    )


def duplicate_key(key: str, second: Extent, first: Extent) -> Fault:
    """A key that a mapping has twice."""
    return Fault(
        code="YM102",
        message=f"the key `{key}` stands here twice",
        start=second[0],
        end=second[1],
        label="here again",
        help="keep one of them",
        others=((*first, "first here"),),
    )


def half_a_character(start: int, end: int) -> Fault:
    """A surrogate escape without its other half, which no text can be made of."""
    return Fault(
        code="YM105",
        message="this text holds half a character",
        start=start,
        end=end,
        label="an escape such as \\ud83d without its second half",
        help="write the character itself",
    )


def has_half_a_character(text: str) -> bool:
    """Whether a surrogate stands alone in a text."""
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)
