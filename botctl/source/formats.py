"""The formats of diagnostics: text for people, JSON, and the annotations of GitHub's workflow log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from botctl.source.diagnostic import Diagnostic
from botctl.source.render import Paint, Sources, in_order, render
from botctl.source.span import Span


def to_json(diagnostics: Iterable[Diagnostic]) -> str:
    """A JSON array, in the order of files and lines. Lines and columns count from 1; null: the whole file."""
    entries = [
        {
            "code": found.code,
            "severity": found.severity,
            "message": found.message,
            "file": found.file,
            **_place(found.span),
            "label": found.label,
            "help": found.help,
            "others": [
                {"file": other.file, **_place(other.span), "text": other.text} for other in found.others
            ],
        }
        for found in in_order(diagnostics)
    ]
    return json.dumps(entries, indent=2, ensure_ascii=False)


def to_github(diagnostics: Iterable[Diagnostic]) -> str:
    """One workflow command a diagnostic, as GitHub Actions turns them into annotations.

    Escapes are those of the actions toolkit (packages/core/src/command.ts, 2025).
    """
    return "\n".join(_command(found) for found in in_order(diagnostics))


def _command(found: Diagnostic) -> str:
    properties = {"file": found.file}
    if found.span is not None:
        properties |= {"line": str(found.span.line), "endLine": str(found.span.end_line)}
        if found.span.line == found.span.end_line:
            properties |= {"col": str(found.span.column), "endColumn": str(found.span.end_column)}
    properties["title"] = found.code
    words = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items())
    text = found.message + (f": {found.label}" if found.label else "")
    text += f"\n{found.help}" if found.help else ""
    return f"::{found.severity} {words}::{_escaped(text)}"


def _escaped(text: str, also: str = "") -> str:
    for character in "%\r\n" + also:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _place(span: Span | None) -> dict[str, Any]:
    names = ("line", "column", "end_line", "end_column")
    return dict(zip(names, span if span is not None else (None,) * 4, strict=True))


def _text(diagnostics: Iterable[Diagnostic], sources: Sources, paint: Paint) -> str:
    return render(diagnostics, sources=sources, paint=paint) or "no mistakes found"


def _json(diagnostics: Iterable[Diagnostic], sources: Sources, paint: Paint) -> str:
    return to_json(diagnostics)


def _github(diagnostics: Iterable[Diagnostic], sources: Sources, paint: Paint) -> str:
    return to_github(diagnostics)


FORMATS: Mapping[str, Callable[[Iterable[Diagnostic], Sources, Paint], str]] = {
    "text": _text,
    "json": _json,
    "github": _github,
}
"""By the word after `--format`. None of them ends in a line break."""
