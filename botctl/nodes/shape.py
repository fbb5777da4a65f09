"""The shape: what is known of a variable's value before there is one."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import ClassVar, TypeAlias

from msgspec import Struct

from botctl.expr.path import Parts


class Kind(Enum):
    """The kinds of JSON values that paths and conditions tell apart."""

    ANY = "anything"
    TEXT = "a text"
    NUMBER = "a number"
    TRUTH = "true or false"
    LIST = "a list"
    OBJECT = "an object"


class Shape(Struct, frozen=True):
    """A kind of value; of an object its keys, of a list its entries.

    keys: those that are known. is_closed: there are surely no others. A list has keys only where the value
    may be an object instead, as a tool's result may.
    """

    kind: Kind
    keys: Mapping[str, Shape] = {}
    is_closed: bool = False
    entry: Shape | None = None

    ANY: ClassVar[Shape]
    TEXT: ClassVar[Shape]
    NUMBER: ClassVar[Shape]
    TRUTH: ClassVar[Shape]
    LIST: ClassVar[Shape]
    OBJECT: ClassVar[Shape]


Shape.ANY = Shape(Kind.ANY)
Shape.TEXT = Shape(Kind.TEXT)
Shape.NUMBER = Shape(Kind.NUMBER)
Shape.TRUTH = Shape(Kind.TRUTH)
Shape.LIST = Shape(Kind.LIST)
Shape.OBJECT = Shape(Kind.OBJECT)


def record(**keys: Shape) -> Shape:
    """An object with exactly these keys."""
    return Shape(Kind.OBJECT, keys, is_closed=True)


def list_of(entry: Shape) -> Shape:
    """A list whose entries have this shape."""
    return Shape(Kind.LIST, entry=entry)


class SameAs(Struct, frozen=True):
    """The shape of what a path leads to."""

    path: Parts


class EntryOf(Struct, frozen=True):
    """The shape of an entry of the list that a path leads to."""

    path: Parts


class ResultOf(Struct, frozen=True):
    """The shape of what a tool gives."""

    tool: str


Origin: TypeAlias = Shape | SameAs | EntryOf | ResultOf
"""What a node can tell of a value that it sets: its shape, or where to look for it."""
