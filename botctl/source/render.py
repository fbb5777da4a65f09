"""Diagnostics as text: the lines they are about, with carets under what is meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from botctl.source.diagnostic import Diagnostic
from botctl.source.lines import Lines
from botctl.source.span import Span

Paint = Callable[[str, str], str]
"""(text, style) -> text. Styles: error, warning, bold, place, help."""
Sources = Callable[[str], str | None]
"""The text of a file by its shown path; None if it cannot be had."""

_TAB = 4
_WIDEST = 150
_AROUND = 60


class _Mark(NamedTuple):
    """What is put under a line: columns as counted on the screen, from 0."""

    line: int
    start: int
    width: int
    text: str
    is_main: bool


def plain(text: str, style: str) -> str:
    """No colours."""
    return text


def read_source(file: str) -> str | None:
    """The text of a file on disk."""
    try:
        return Path(file).read_text("utf-8-sig", errors="replace")
    except (OSError, ValueError):
        return None


def render(diagnostics: Iterable[Diagnostic], *, sources: Sources = read_source, paint: Paint = plain) -> str:
    """All diagnostics by file and line, and a last line that counts them; "" if there are none."""
    found = in_order(diagnostics)
    if not found:
        return ""
    texts: dict[str, Lines | None] = {}
    blocks = []
    for diagnostic in found:
        for file in (diagnostic.file, *(label.file for label in diagnostic.others)):
            if file not in texts:
                text = sources(file)
                texts[file] = Lines(text) if text is not None else None
        blocks.append("\n".join(_block(diagnostic, texts, paint)))
    return "\n\n".join((*blocks, summary(found)))


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """By file, then by place; of the whole file first. What was found twice stands here once."""
    once = list(dict.fromkeys(diagnostics))
    return sorted(once, key=lambda found: (found.file, found.span or (0, 0, 0, 0)))


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """Such as "2 errors, 1 warning"; "" if there are none."""
    counts = []
    for severity in ("error", "warning"):
        count = sum(1 for diagnostic in diagnostics if diagnostic.severity == severity)
        if count:
            counts.append(f"{count} {severity}" + ("s" if count > 1 else ""))
    return ", ".join(counts)


def _block(diagnostic: Diagnostic, texts: dict[str, Lines | None], paint: Paint) -> Iterator[str]:
    headline = paint(f"{diagnostic.severity}[{diagnostic.code}]", diagnostic.severity)
    yield f"{headline}: {paint(_printable(diagnostic.message), 'bold')}"
    labels: dict[str, list[tuple[Span, str, bool]]] = {}
    if diagnostic.span is not None:
        labels[diagnostic.file] = [(diagnostic.span, diagnostic.label, True)]
    for other in diagnostic.others:
        labels.setdefault(other.file, []).append((other.span, other.text, False))
    gutter = max((len(str(span.line)) for entries in labels.values() for span, _, _ in entries), default=1)
    indent = " " * gutter
    if diagnostic.span is None:
        yield f"{indent}{paint('-->', 'place')} {diagnostic.file}"
    for file, entries in labels.items():
        main = file == diagnostic.file and diagnostic.span is not None
        first = entries[0][0]
        yield f"{indent}{paint('-->' if main else ':::', 'place')} {file}:{first.line}:{first.column}"
        lines = texts.get(file)
        if lines is not None:
            yield from _excerpt(entries, lines, gutter, diagnostic.severity, paint)
    if diagnostic.help:
        first_line, *rest = diagnostic.help.split("\n")
        yield f"{indent} {paint('=', 'place')} {paint('help', 'help')}: {_printable(first_line)}"
        yield from (f"{indent}         {_printable(line)}" for line in rest)


def _excerpt(
    entries: list[tuple[Span, str, bool]], lines: Lines, gutter: int, severity: str, paint: Paint
) -> Iterator[str]:
    """The lines that are named, in order, each with its carets below it."""
    bar = paint("|", "place")
    yield f"{' ' * gutter} {bar}"
    before = 0
    known = [entry for entry in entries if entry[0].line <= len(lines)]
    for number in sorted({span.line for span, _, _ in known}):
        if before and number > before + 1:
            yield paint("...", "place")
        before = number
        here = [entry for entry in known if entry[0].line == number]
        text, marks = _laid_out(lines.line(number), here)
        yield f"{paint(str(number).rjust(gutter), 'place')} {bar} {text}".rstrip()
        for mark in marks:
            under = ("^" if mark.is_main else "-") * mark.width
            label = f" {_printable(mark.text)}" if mark.text else ""
            style = severity if mark.is_main else "place"
            yield f"{' ' * gutter} {bar} {' ' * mark.start}{paint(under + label, style)}"


def _laid_out(line: str, entries: list[tuple[Span, str, bool]]) -> tuple[str, list[_Mark]]:
    """A line as it comes out on the screen, cut if it is very long, and where its marks go."""
    columns = [0]
    shown = []
    for character in line:
        width, as_shown = _on_screen(character, columns[-1])
        columns.append(columns[-1] + width)
        shown.append(as_shown)
    marks = []
    for span, text, is_main in sorted(entries, key=lambda entry: (not entry[2], -entry[0].column)):
        start = min(span.column - 1, len(line))
        end = min(span.end_column - 1, len(line)) if span.end_line == span.line else len(line.rstrip())
        width = max(1, columns[max(start, end)] - columns[start])
        marks.append(_Mark(span.line, columns[start], width, text, is_main))
    if columns[-1] <= _WIDEST:
        return "".join(shown), marks
    return _cut(shown, columns, marks)


def _cut(shown: list[str], columns: list[int], marks: list[_Mark]) -> tuple[str, list[_Mark]]:
    """The part of a long line around its first mark."""
    begin = max(0, marks[0].start - _AROUND)
    end = begin + _WIDEST
    kept = [text for text, column in zip(shown, columns, strict=False) if begin <= column < end]
    dots = "..." if begin else ""
    moved = []
    for mark in marks:
        start = min(max(mark.start, begin), end - 1)
        width = max(1, min(mark.start + mark.width, end) - start)
        moved.append(mark._replace(start=start - begin + len(dots), width=width))
    return dots + "".join(kept) + ("..." if end < columns[-1] else ""), moved


def _on_screen(character: str, column: int) -> tuple[int, str]:
    """How wide a character is, and what stands for it."""
    if character == "\t":
        width = _TAB - column % _TAB
        return width, " " * width
    if " " <= character <= "~":
        return 1, character
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0, character if character.isprintable() else ""
    if not character.isprintable():
        return 1, "\ufffd"
    return (2 if unicodedata.east_asian_width(character) in "WF" else 1), character


def _printable(text: str) -> str:
    """Without control characters: what stands in a file must not steer the terminal."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)
