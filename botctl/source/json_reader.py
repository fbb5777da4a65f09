"""The JSON reader: values and their places; errors in words."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any

from botctl.source.place import (
    FLOW,
    MOST_DIGITS,
    MOST_LEVELS,
    MOST_VALUES,
    PLAIN,
    Fault,
    Place,
    Reading,
    Unreadable,
    duplicate_key,
    half_a_character,
    has_half_a_character,
    no_such_number,
    too_deep,
    too_many,
)

_SPACE = re.compile(r"[ \t\r\n]*")
_TEXT = re.compile(r'"([^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*)"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}


def read_json(text: str) -> tuple[Reading, list[Fault]]:
    """The value of a JSON text and the faults that do not keep it from being read; Unreadable otherwise."""
    reader = _Reader(text)
    start = reader.skip(0)
    if start == len(text):
        raise _unreadable(text, start, "the file is empty", "write a workflow's JSON into it")
    value, place, end = reader.value(start, 0)
    end = reader.skip(end)
    if end < len(text):
        raise _unreadable(text, end, "the JSON ends before this", "take out what follows")
    return Reading(value, place), reader.faults


class _Reader:
    """One text, read from left to right. Each method takes an offset and returns where it stopped."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.faults: list[Fault] = []
        self.count = 0

    def skip(self, at: int) -> int:
        """The offset of the next character that is not blank."""
        match = _SPACE.match(self.text, at)
        return match.end() if match else at

    def value(self, at: int, level: int) -> tuple[Any, Place, int]:
        """The value that begins at `at`, where no blank stands."""
        self.count += 1
        if self.count > MOST_VALUES:
            raise too_many(at)
        if level > MOST_LEVELS:
            raise too_deep(at)
        first = self.text[at : at + 1]
        if first == '"':
            text, end = self._text(at)
            return text, Place(at, end, '"'), end
        if first == "{":
            return self._mapping(at, level)
        if first == "[":
            return self._list(at, level)
        number = _NUMBER.match(self.text, at)
        if number:
            return self._number(number), Place(at, number.end(), PLAIN), number.end()
        for word, value in _WORDS.items():
            if self.text.startswith(word, at):
                return value, Place(at, at + len(word), PLAIN), at + len(word)
        raise self._no_value(at)

    def _text(self, at: int) -> tuple[str, int]:
        match = _TEXT.match(self.text, at)
        if not match:
            raise self._open_text(at)
        raw, end = match[1], match.end()
        if "\\" not in raw:
            return raw, end
        try:
            text = json.loads(match[0])
        except json.JSONDecodeError as error:
            raise _unreadable(
                self.text, at + error.pos, "not an escape that JSON has", "write \\\\ for a backslash"
            ) from error
        if has_half_a_character(text):
            self.faults.append(half_a_character(at, end))
        return text, end

    def _open_text(self, at: int) -> Unreadable:
        line_end = min(
            (found for found in (self.text.find("\n", at), self.text.find("\r", at)) if found >= 0),
            default=len(self.text),
        )
        if '"' in self.text[at + 1 : line_end]:
            return _unreadable(
                self.text, at, "a control character stands in this text", "write it as \\u0000"
            )
        return _unreadable(self.text, at, "this text has no end", 'add a `"`; a line break in a text is \\n')

    def _number(self, match: re.Match[str]) -> int | float:
        digits = match[0]
        if match[1] is None and match[2] is None:
            if len(digits) <= MOST_DIGITS:
                return int(digits)
        elif isfinite(number := float(digits)):
            return number
        self.faults.append(no_such_number(match.start(), match.end()))
        return 0

    def _mapping(self, at: int, level: int) -> tuple[dict[str, Any], Place, int]:
        entries: dict[str, Any] = {}
        place = Place(at, at + 1, FLOW)
        place.keys, place.entries = {}, {}
        here = self.skip(at + 1)
        while self.text[here : here + 1] != "}":
            if entries or place.keys:
                here = self._comma(here, "}", at)
            if self.text[here : here + 1] != '"':
                raise self._no_key(here, at)
            key, end = self._text(here)
            extent = (here, end)
            here = self.skip(end)
            if self.text[here : here + 1] != ":":
                raise _unreadable(self.text, here, f"a `:` should stand here, after `{key}`", "add a `:`")
            value, inside, here = self.value(self.skip(here + 1), level + 1)
            if key in place.keys:
                self.faults.append(duplicate_key(key, extent, place.keys[key]))
            else:
                entries[key], place.keys[key], place.entries[key] = value, extent, inside
            here = self.skip(here)
        place.end = here + 1
        return entries, place, here + 1

    def _list(self, at: int, level: int) -> tuple[list[Any], Place, int]:
        items: list[Any] = []
        place = Place(at, at + 1, FLOW)
        place.items = []
        here = self.skip(at + 1)
        while self.text[here : here + 1] != "]":
            if items:
                here = self._comma(here, "]", at)
            value, inside, here = self.value(here, level + 1)
            items.append(value)
            place.items.append(inside)
            here = self.skip(here)
        place.end = here + 1
        return items, place, here + 1

    def _comma(self, here: int, closing: str, opened: int) -> int:
        """Past the comma that must stand at `here`, and the blanks after it."""
        if here >= len(self.text):
            raise self._open(closing, opened)
        if self.text[here] != ",":
            raise _unreadable(self.text, here, f"a `,` or `{closing}` should stand here", "add a `,`")
        following = self.skip(here + 1)
        if self.text[following : following + 1] == closing:
            raise _unreadable(self.text, here, f"no `,` before `{closing}`", "take the `,` out")
        return following

    def _open(self, closing: str, opened: int) -> Unreadable:
        return _unreadable(self.text, opened, "this is never closed", f"add a `{closing}`")

    def _no_key(self, here: int, opened: int) -> Unreadable:
        if here >= len(self.text):
            return self._open("}", opened)
        return _unreadable(self.text, here, 'a key in "double quotes" should stand here', "")

    def _no_value(self, at: int) -> Unreadable:
        following = self.text[at : at + 2]
        if not following:
            return _unreadable(self.text, at, "the file ends where a value should stand", "")
        if following in ("//", "/*") or following[0] == "#":
            return _unreadable(self.text, at, "JSON has no comments", "take it out, or write YAML")
        if following[0] == "'":
            return _unreadable(self.text, at, 'JSON texts stand in "double quotes"', "")
        return _unreadable(self.text, at, "a value should stand here", 'put text in "double quotes"')


def _unreadable(text: str, at: int, label: str, help: str) -> Unreadable:
    at = min(at, max(0, len(text.rstrip()) - 1)) if at >= len(text) else at
    fault = Fault(code="YM103", message="JSON must parse", start=at, end=at + 1, label=label, help=help)
    return Unreadable(fault)
