"""A text value as it is written: where each of its characters stands in the source."""

from __future__ import annotations

import re
from collections.abc import Sequence

from botctl.source.place import PLAIN, Extent, Place

_ESCAPE = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\x..|\\u....|\\U........|\\."


def character_offsets(source: str, place: Place, value: str) -> Sequence[int] | None:
    """For each character of `value`, and for its end, the offset in the source; None where folding or the
    like makes that unclear."""
    if place.style == "|":
        return _block_offsets(source, place, value)
    raw = source[place.start : place.end]
    if "\n" in raw or "\r" in raw:
        return None
    if place.style == PLAIN:
        offsets: Sequence[int] = range(place.start, place.start + len(value) + 1)
        return offsets if raw == value else None
    if place.style == "'":
        offsets = _quoted_offsets(raw, place.start, "''")
    elif place.style == '"':
        offsets = _quoted_offsets(raw, place.start, _ESCAPE)
    else:
        return None
    return offsets if len(offsets) == len(value) + 1 else None


def part_of(source: str, place: Place, value: str, offset: int, length: int) -> Extent | None:
    """Where `length` characters of a text from `offset` on are written; None if that is unclear."""
    offset = max(0, min(offset, len(value)))
    end = max(offset, min(offset + length, len(value)))
    offsets = character_offsets(source, place, value)
    if offsets is not None:
        return offsets[offset], offsets[end]
    part = value[offset:end]
    written = source[place.start : place.end]
    if part and written.count(part) == 1:
        start = place.start + written.index(part)
        return start, start + len(part)
    return None


def _quoted_offsets(raw: str, start: int, escape: str) -> list[int]:
    offsets: list[int] = []
    at, last = 1, len(raw) - 1
    for match in re.compile(escape, re.DOTALL).finditer(raw, 1, last):
        offsets += range(start + at, start + match.start() + 1)
        at = match.end()
    offsets += range(start + at, start + last + 1)
    return offsets


def _block_offsets(source: str, place: Place, value: str) -> list[int] | None:
    """Of a `|` text: its lines are those of the source without their indentation."""
    at = source.find("\n", place.start) + 1
    offsets: list[int] = []
    lines = value.split("\n")
    for number, line in enumerate(lines):
        line_end = source.find("\n", at)
        line_end = len(source) if line_end < 0 else line_end
        written = source[at:line_end].removesuffix("\r")
        begin = at + len(written) - len(line)
        if not written.endswith(line) or source[at:begin].strip(" "):
            return offsets + [place.end] * (len(value) + 1 - len(offsets)) if number and not line else None
        offsets += range(begin, begin + len(line) + 1)
        at = line_end + 1
    return offsets[: len(value) + 1]
