"""The split: a long text cut into messages that a platform takes, where a person would cut it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

Length = Callable[[str], int]

_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_LINE = re.compile(r"\n")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"')\]]*\s+|(?<=[。！？])")
_SPACE = re.compile(r"\s+")
_BREAKS = (_PARAGRAPH, _LINE, _SENTENCE, _SPACE)
_BLANK_LINES = re.compile(r"(?:[ \t]*\n)*")
_FENCE_LINE = re.compile(r"^ {0,3}(```+|~~~+)([^\n`]*)$", re.MULTILINE)


class _Fence(NamedTuple):
    """A code fence: where it begins, ends (behind its last line), and its first line and mark."""

    start: int
    end: int
    opening: str
    mark: str


def utf16_length(text: str) -> int:
    """How long Telegram says a text is: characters beyond the basic plane count twice."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def split_text(text: str, limit: int, length: Length = len) -> list[str]:
    """`text` in order, in pieces of at most `limit` by `length`, which counts at least one per character.

    Cut between paragraphs if possible, else lines, sentences, words, and only then within a word. A code
    fence that fits into one piece is not cut; one that does not is closed and opened again. White space at a
    cut is dropped. A text that fits is returned as it is; one of white space only gives no piece.
    """
    if length(text) <= limit:
        return [text] if text.strip() else []
    pieces: list[str] = []
    rest = text
    while length(rest) > limit:
        piece, rest = _cut_first(rest, limit, length)
        if piece.strip():
            pieces.append(piece)
    if rest.strip():
        pieces.append(rest)
    return pieces


def _cut_first(text: str, limit: int, length: Length) -> tuple[str, str]:
    """The first piece of a text that is too long, and what is left."""
    room = _room(text, limit, length)
    cut, following = _break(text, room)
    for fence in _fences(text):
        if not fence.start < cut < fence.end:
            continue
        if text[: fence.start].strip() and length(text[fence.start : fence.end]) <= limit:
            return text[: fence.start].rstrip(), text[fence.start :]
        parts = _cut_fence(text, fence, limit, length)
        if parts is not None:
            return parts
    return text[:cut].rstrip(), text[following:]


def _room(text: str, limit: int, length: Length) -> int:
    """How many characters from the start fit, at least one."""
    low, high = 1, max(1, min(limit, len(text)))
    while low < high:
        middle = (low + high + 1) // 2
        if length(text[:middle]) <= limit:
            low = middle
        else:
            high = middle - 1
    return low


def _break(text: str, room: int) -> tuple[int, int]:
    """Where the first piece ends and where the next begins, its indentation kept.

    A break in the first quarter is too early for all but words: a cut sentence is better than crumbs.
    """
    for pattern in _BREAKS:
        earliest = 1 if pattern is _SPACE else max(1, room // 4)
        last = None
        for found in pattern.finditer(text, 0, min(len(text), room + 1)):
            if earliest <= found.start() <= room:
                last = found
        if last is not None:
            after = _SPACE if pattern in (_SENTENCE, _SPACE) else _BLANK_LINES
            blank = after.match(text, last.end())
            return last.end() if pattern is _SENTENCE else last.start(), blank.end() if blank else last.end()
    return room, room


def _fences(text: str) -> Iterator[_Fence]:
    opening: re.Match[str] | None = None
    for line in _FENCE_LINE.finditer(text):
        if opening is None:
            opening = line
        elif line[1].startswith(opening[1]) and not line[2].strip():
            yield _Fence(opening.start(), line.end(), opening[0], opening[1])
            opening = None
    if opening is not None:
        yield _Fence(opening.start(), len(text), opening[0], opening[1])


def _cut_fence(text: str, fence: _Fence, limit: int, length: Length) -> tuple[str, str] | None:
    """Close the fence in the first piece, open it again in what is left; None where there is no room."""
    closing = "\n" + fence.mark
    room = _room(text, limit - length(closing), length)
    body = fence.start + len(fence.opening) + 1
    if room - body < len(fence.opening) + len(closing):
        if not text[: fence.start].strip():
            return None
        return text[: fence.start].rstrip(), text[fence.start :]
    newline = text.rfind("\n", body + 1, room + 1)
    cut, following = (newline, newline + 1) if newline > 0 else (room, room)
    return text[:cut] + closing, fence.opening + "\n" + text[following:]
