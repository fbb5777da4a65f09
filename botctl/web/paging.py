"""Paging: lists go on where the page before ended, however long they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from botctl.web.office import Visit

R = TypeVar("R")

PAGE = 50
"""Rows on a page."""


def before_of(visit: Visit) -> int | None:
    """Where the page goes on; None for the first."""
    text = visit.query.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def pair_of(visit: Visit) -> tuple[int, int] | None:
    """The same for lists that are in order of two numbers."""
    first, _, second = visit.query.get("before", "").partition("-")
    if not (first + second).isascii() or not first.isdigit() or not second.isdigit():
        return None
    return (int(first), int(second)) if len(first) <= 18 and len(second) <= 18 else None


def following(visit: Visit, rows: Sequence[R], place: Callable[[R], int | str]) -> str:
    """The address of the next page; "" if this is the last. rows: one more than are shown, if there is."""
    if len(rows) <= PAGE:
        return ""
    kept = {name: value for name, value in visit.query.items() if name not in ("before", "told") and value}
    return f"{visit.path}?{urlencode({**kept, 'before': place(rows[PAGE - 1])})}"


def choice(visit: Visit, name: str, known: Sequence[str]) -> str:
    """What was chosen of what is known; the first of that otherwise."""
    chosen = visit.query.get(name, "")
    return chosen if chosen in known else known[0]
