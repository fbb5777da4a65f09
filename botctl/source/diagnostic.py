"""A diagnostic: one mistake in one of the user's files, with its place and a way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from botctl.source.span import Span

Severity = Literal["error", "warning"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """A second place that belongs to a diagnostic, and what it has to do with it."""

    file: str
    span: Span
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnostic:
    """A finding with its place resolved. `message` is true by itself in a list; `label` says why here.

    file is a path as it should be shown; span is None when the whole file is meant (it is missing, say).
    """

    code: str
    severity: Severity
    message: str
    file: str
    span: Span | None = None
    label: str = ""
    help: str = ""
    others: tuple[Label, ...] = ()
