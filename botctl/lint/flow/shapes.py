"""The shapes of a workflow's variables, and where paths into them lead. What is not certain is anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from botctl.expr.path import Parts
from botctl.lint.flow.variables import Write
from botctl.nodes.shape import EntryOf, Kind, Origin, ResultOf, SameAs, Shape
from botctl.nodes.shape_of_schema import shape_of
from botctl.tools.mcp_result import is_wrapped
from botctl.tools.tool import Tool

_CLOSE = 0.7
_VERY_CLOSE = 0.8
_INDEX = re.compile(r"\d+")
# What mcp_tool sets instead of a result when the call could not even be made.
_MISTAKE = {"error": Shape.TRUTH, "message": Shape.TEXT, "tool": Shape.TEXT}


class DeadEnd(Struct, frozen=True):
    """A path that leads nowhere: what stands before `key` is of `shape` and has no such key. meant: the key
    that it surely has instead, "" if that is not known."""

    before: Parts
    key: str
    shape: Shape
    meant: str = ""


class Shapes:
    """What is known of variables. unknown: those of which nothing is; changed: paths to objects and lists
    whose insides code may have changed."""

    def __init__(
        self,
        writes: Mapping[str, list[Write]],
        tools: Mapping[str, Tool],
        *,
        unknown: frozenset[str],
        changed: frozenset[Parts],
    ) -> None:
        self._writes = writes
        self._tools = tools
        self._changed = changed
        self._known: dict[str, Shape] = dict.fromkeys(unknown, Shape.ANY)

    def of(self, parts: Parts) -> Shape | DeadEnd:
        """The shape of what a path leads to."""
        shape = self._of_variable(parts[0])
        for number, part in enumerate(parts[1:], 1):
            if parts[:number] in self._changed and shape.kind in (Kind.OBJECT, Kind.LIST):
                return Shape.NUMBER if shape.kind is Kind.LIST and part == "length" else Shape.ANY
            if part in shape.keys:
                shape = shape.keys[part]
            elif shape.kind is Kind.ANY:
                return Shape.ANY
            elif shape.kind is Kind.OBJECT:
                meant = _surely_meant(part, shape)
                return DeadEnd(parts[:number], part, shape, meant) if meant or shape.is_closed else Shape.ANY
            elif part == "length" and shape.kind in (Kind.TEXT, Kind.LIST):
                shape = Shape.NUMBER
            elif shape.kind is Kind.LIST and _INDEX.fullmatch(part):
                shape = shape.entry or Shape.ANY
            else:
                return DeadEnd(parts[:number], part, shape)
        return Shape(shape.kind) if parts in self._changed else shape

    def certain(self, parts: Parts) -> Shape:
        """As `of`; anything where the path leads nowhere."""
        found = self.of(parts)
        return found if isinstance(found, Shape) else Shape.ANY

    def _of_variable(self, name: str) -> Shape:
        if name not in self._known:
            self._known[name] = Shape.ANY  # for variables that are made of each other
            shapes = [self._resolved(write.origin) for write in self._writes.get(name, ())]
            shape = shapes[0] if shapes else Shape.ANY
            for other in shapes[1:]:
                shape = _either(shape, other)
            self._known[name] = shape
        return self._known[name]

    def _resolved(self, origin: Origin) -> Shape:
        if isinstance(origin, Shape):
            return origin
        if isinstance(origin, SameAs):
            return self.certain(origin.path)
        if isinstance(origin, EntryOf):
            around = self.certain(origin.path)
            return (around.entry or Shape.ANY) if around.kind is Kind.LIST else Shape.ANY
        return self._of_result(origin)

    def _of_result(self, origin: ResultOf) -> Shape:
        tool = self._tools.get(origin.tool)
        if tool is None or tool.output_schema is None:
            return Shape.ANY
        schema: Any = tool.output_schema
        if is_wrapped(schema):
            inside = schema.get("properties", {}).get("result", {})
            definitions = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
            schema = {**inside, **definitions} if isinstance(inside, Mapping) else {}
        shape = shape_of(schema)
        if shape.kind is Kind.ANY:
            return shape
        keys = {**shape.keys, **{key: one for key, one in _MISTAKE.items() if key not in shape.keys}}
        return Shape(shape.kind, keys, is_closed=shape.is_closed, entry=shape.entry)


def is_answer(shape: Shape) -> bool:
    """Whether it is what an llm_call sets, which conditions compare as its text."""
    return shape.kind is Kind.OBJECT and {"text", "tokensInput", "tokensOutput"} <= shape.keys.keys()


def _either(one: Shape, other: Shape) -> Shape:
    """What is certain of a value that has one shape or the other."""
    if one == other:
        return one
    if one.kind is not other.kind:
        return Shape.ANY
    keys = {**one.keys, **other.keys}
    for key in one.keys.keys() & other.keys.keys():
        keys[key] = _either(one.keys[key], other.keys[key])
    entry = _either(one.entry, other.entry) if one.entry and other.entry else None
    return Shape(one.kind, keys, is_closed=one.is_closed and other.is_closed, entry=entry)


def _surely_meant(key: str, shape: Shape) -> str:
    """The key that was misspelt; where there may be others, only what can hardly be one of them."""
    from difflib import get_close_matches

    known = [one for one in shape.keys if one not in _MISTAKE]
    for one in known:
        if _folded(one) == _folded(key) or sorted(one) == sorted(key):
            return one
    close = get_close_matches(key, known, 1, _CLOSE if shape.is_closed else _VERY_CLOSE)
    return close[0] if close else ""


def _folded(key: str) -> str:
    return key.casefold().replace("_", "").replace("-", "")
