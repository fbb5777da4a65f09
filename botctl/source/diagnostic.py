"""A diagnostic: one mistake in one of the user's files, with its place and a way out."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from botctl.source.span import Span

Severity = Literal["error", "warning"]


class Label(Struct, frozen=True, kw_only=True):
    """A second place that belongs to a diagnostic, and what it has to do with it."""

    file: str
    span: Span
    text: str


class Diagnostic(Struct, frozen=True, kw_only=True):
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
