"""The document: a YAML or JSON text as plain values that remember where they were written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any

from botctl.source.diagnostic import Diagnostic, Label, Severity
from botctl.source.json_reader import read_json
from botctl.source.lines import Lines
from botctl.source.place import Extent, Fault, Place, Reading, Unreadable
from botctl.source.rule import Finding
from botctl.source.scalar import character_offsets, part_of
from botctl.source.span import Path, Span
from botctl.source.yaml_reader import read_yaml

LONGEST_TEXT = 5_000_000
"""Characters in one file."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """One file as it was read. value: mappings with text keys, lists, text, numbers, true, false, null.

    file is its path as it should be shown.
    """

    file: str
    text: str
    value: Any
    place: Place

    @cached_property
    def lines(self) -> Lines:
        """The lines of the text."""
        return Lines(self.text)

    def span(self, path: Path, *, key: bool = False) -> Span:
        """Where the value at `path`, or with key=True its key, stands; for what is not there its ancestor.

        A value that was left empty stands where its key is.
        """
        return self.lines.span(*self._extent(path, key=key))

    def span_within(self, path: Path, offset: int, length: int) -> Span:
        """Where a part of the text at `path` is written; the whole text where that is unclear."""
        place, value = self._place(path), self.get(path)
        if place is not None and isinstance(value, str):
            extent = part_of(self.text, place, value, offset, length)
            if extent is not None:
                return self.lines.span(*extent)
        return self.span(path)

    def get(self, path: Path) -> Any:
        """The value at `path`; None if there is none."""
        value = self.value
        for part in path:
            if isinstance(value, dict):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
                value = value[part]
            else:
                return None
        return value

    def written(self, path: Path) -> str:
        """The value at `path` as it is written, with its quotes if it has any."""
        start, end = self._extent(path)
        return self.text[start:end]

    def is_text(self, offset: int) -> bool:
        """Whether a text value or a key stands at this offset, and not a comment."""
        place: Place | None = self.place
        while place is not None:
            inside = next((child for child in place.children() if child.start <= offset < child.end), None)
            if inside is None:
                extents = (place.keys or {}).values()
                is_leaf = place.entries is None and place.items is None
                return is_leaf or any(start <= offset < end for start, end in extents)
            place = inside
        return False

    def diagnose(self, code: str, severity: Severity, finding: Finding, at: Path = ()) -> Diagnostic:
        """A finding with its place found. `at` goes before the paths of the finding."""
        path = (*at, *finding.at)
        if finding.within is not None:
            span = self.span_within(path, *finding.within)
        else:
            span = self.span(path, key=finding.key)
        return Diagnostic(
            code=code,
            severity=severity,
            message=finding.message,
            file=self.file,
            span=span,
            label=finding.label,
            help=finding.help,
            others=tuple(
                Label(file=self.file, span=self.span((*at, *other)), text=text)
                for other, text in finding.others
            ),
        )

    def _place(self, path: Path) -> Place | None:
        place: Place | None = self.place
        for part in path:
            place = place.inside(part) if place is not None else None
        return place

    def _extent(self, path: Path, *, key: bool = False) -> Extent:
        place, key_extent = self.place, None
        for part in path:
            inside = place.inside(part)
            if inside is None:
                key = False
                break
            key_extent = (place.keys or {}).get(part) if isinstance(part, str) else None
            place = inside
        if key_extent is not None and (key or place.start >= place.end):
            return key_extent
        return place.start, place.end


def read_document(text: str, file: str) -> tuple[Document | None, list[Diagnostic]]:
    """The document that `text` is, or what keeps it from being one. `file` is the path to show.

    Files whose name ends in .json are JSON; others are YAML, of which JSON is a part.
    """
    text = text.removeprefix("\ufeff")
    if len(text) > LONGEST_TEXT:
        return None, [_too_long(file)]
    faults: list[Fault] = []
    reading: Reading | None = None
    try:
        reading, faults = _read(text, file)
    except Unreadable as error:
        faults = [error.fault]
    if faults or reading is None:
        lines = Lines(text)
        return None, [_diagnostic(fault, file, lines) for fault in faults]
    return Document(file=file, text=text, value=reading.value, place=reading.place), []


def read_file(path: FilePath) -> tuple[Document | None, list[Diagnostic]]:
    """As `read_document`, from a file. A file that cannot be opened or is not UTF-8 is a finding too."""
    file = shown(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return None, [
            Diagnostic(
                code="YM112",
                severity="error",
                message=f"this file cannot be opened: {reason}",
                file=file,
                help="look at its name and its permissions",
            )
        ]
    try:
        return read_document(content.decode("utf-8"), file)
    except UnicodeDecodeError as error:
        return None, [_not_utf8(content, error.start, file)]


def shown(path: FilePath) -> str:
    """A path as people want to see it: from the current folder on if it is in there, else absolute."""
    absolute, here = os.path.abspath(path), os.getcwd()
    if absolute.startswith(here.rstrip(os.sep) + os.sep):
        return FilePath(os.path.relpath(absolute, here)).as_posix()
    return absolute


def embedded(document: Document, path: Path) -> tuple[Document | None, list[Diagnostic]]:
    """The document with the JSON that stands as text at `path` read in its place."""
    value, place = document.get(path), document._place(path)
    assert isinstance(value, str) and place is not None
    offsets = character_offsets(document.text, place, value)

    def outer(at: int) -> int:
        return place.start if offsets is None else offsets[max(0, min(at, len(offsets) - 1))]

    try:
        reading, faults = read_json(value)
    except Unreadable as error:
        faults = [error.fault]
    if faults:
        moved = [
            Fault(
                code=fault.code,
                message=fault.message,
                start=outer(fault.start),
                end=max(outer(fault.end), outer(fault.start) + 1),
                label=fault.label,
                help=fault.help,
                others=tuple((outer(start), outer(end), text) for start, end, text in fault.others),
            )
            for fault in faults
        ]
        return None, [_diagnostic(fault, document.file, document.lines) for fault in moved]
    inside = _translated(reading.place, outer, place.end if offsets is None else None)
    return _with(document, path, reading.value, inside), []


def _read(text: str, file: str) -> tuple[Reading, list[Fault]]:
    if file.endswith(".json"):
        return read_json(text)
    if text.lstrip()[:1] in ("{", "[", '"'):
        try:
            reading, faults = read_json(text)
            return reading, faults
        except Unreadable:
            pass  # it may still be YAML
    return read_yaml(text)


def _translated(place: Place, outer: Any, whole_end: int | None) -> Place:
    """The same tree with other offsets. Of texts in it parts are not pointed at: they are escaped twice."""
    end = outer(place.end) if whole_end is None else whole_end
    moved = Place(outer(place.start), end, "" if place.style == '"' else place.style)
    if place.keys is not None and place.entries is not None:
        moved.keys = {
            key: (outer(start), outer(stop) if whole_end is None else whole_end)
            for key, (start, stop) in place.keys.items()
        }
        moved.entries = {key: _translated(child, outer, whole_end) for key, child in place.entries.items()}
    if place.items is not None:
        moved.items = [_translated(child, outer, whole_end) for child in place.items]
    return moved


def _with(document: Document, path: Path, value: Any, place: Place) -> Document:
    """The document with another value at `path`, which leads through mappings only."""
    if not path:
        return Document(file=document.file, text=document.text, value=value, place=place)
    key = path[0]
    around = Place(document.place.start, document.place.end, document.place.style)
    around.keys = document.place.keys
    around.entries = {**(document.place.entries or {}), str(key): place}
    assert len(path) == 1 and isinstance(document.value, dict)
    return Document(
        file=document.file, text=document.text, value={**document.value, key: value}, place=around
    )


def _diagnostic(fault: Fault, file: str, lines: Lines) -> Diagnostic:
    return Diagnostic(
        code=fault.code,
        severity="error",
        message=fault.message,
        file=file,
        span=lines.span(fault.start, fault.end),
        label=fault.label,
        help=fault.help,
        others=tuple(
            Label(file=file, span=lines.span(start, end), text=text) for start, end, text in fault.others
        ),
    )


def _too_long(file: str) -> Diagnostic:
    return Diagnostic(
        code="YM107",
        severity="error",
        message=f"this file is longer than {LONGEST_TEXT:,} characters",
        file=file,
        help="split it",
    )


def _not_utf8(content: bytes, at: int, file: str) -> Diagnostic:
    before = content[:at].decode("utf-8", errors="replace")
    lines = Lines(before + "?")
    return Diagnostic(
        code="YM105",
        severity="error",
        message="this file is not UTF-8 text",
        file=file,
        span=lines.span(len(before), len(before) + 1),
        label="this byte belongs to no character",
        help="save the file as UTF-8",
    )
