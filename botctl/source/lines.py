"""The lines of a text: where each begins, and which line and column an offset is."""

from __future__ import annotations

import re
from bisect import bisect_right

from botctl.source.span import Span

_BREAK = re.compile(r"\r\n|\n|\r")


class Lines:
    """The lines of one text, counted from 1, without their line breaks."""

    def __init__(self, text: str) -> None:
        self._text = text
        breaks = [(match.start(), match.end()) for match in _BREAK.finditer(text)]
        self._starts = [0, *(end for _, end in breaks)]
        self._ends = [*(start for start, _ in breaks), len(text)]

    def __len__(self) -> int:
        return len(self._starts)

    def line(self, number: int) -> str:
        """The text of a line."""
        return self._text[self._starts[number - 1] : self._ends[number - 1]]

    def start(self, number: int) -> int:
        """The offset at which a line begins."""
        return self._starts[number - 1]

    def number(self, offset: int) -> int:
        """The line that an offset is in."""
        return bisect_right(self._starts, offset)

    def span(self, start: int, end: int) -> Span:
        """The stretch from one offset up to another, not included. Offsets past the text are its end."""
        start = max(0, min(start, len(self._text)))
        end = max(start, min(end, len(self._text)))
        first, last = self.number(start), self.number(end)
        return Span(
            first,
            min(start, self._ends[first - 1]) - self._starts[first - 1] + 1,
            last,
            min(end, self._ends[last - 1]) - self._starts[last - 1] + 1,
        )
