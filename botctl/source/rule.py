"""A lint rule: facts in, findings out. A rule points with paths of keys, never with line numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from msgspec import Struct

from botctl.source.diagnostic import Severity
from botctl.source.span import Path

F = TypeVar("F")


class Finding(Struct, frozen=True):
    """What a rule has to say. Paths are relative to what the rule was shown (a node's rules: its `data`).

    at: where; key=True points at the key instead of its value.
    within: (offset, length) in characters of the text value that `at` names, for a part of a template.
    others: further places of the same file, each with its text.
    """

    message: str
    at: Path = ()
    key: bool = False
    label: str = ""
    help: str = ""
    within: tuple[int, int] | None = None
    others: tuple[tuple[Path, str], ...] = ()


class Rule(Struct, Generic[F], frozen=True, kw_only=True):
    """One rule of the linter. doc is its manual page, shown by `botctl explain CODE`."""

    code: str
    severity: Severity
    check: Callable[[F], Iterable[Finding]]
    doc: str | None
