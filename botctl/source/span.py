"""Where something was written: a stretch of one text, counted from 1 as editors do."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """From (line, column) up to but not including (end_line, end_column); columns count characters."""

    line: int
    column: int
    end_line: int
    end_column: int


Path = tuple[str | int, ...]
"""Where a value stands in a document: ("nodes", 3, "data", "condition")."""
