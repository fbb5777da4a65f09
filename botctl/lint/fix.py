"""Repairs: what is surely safe to mend in a file, as edits of its text. Comments and layout stay as they are.

Safe is what nothing could have worked without, or what changes nothing: a node gets the id that it lacks, a
text its quotes, an edge its arrow; what stands twice or has no effect goes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from msgspec import Struct

from botctl.source.bare_text import bare_text, quoted
from botctl.source.diagnostic import Diagnostic
from botctl.source.document import Document, read_document
from botctl.source.lines import Lines
from botctl.source.place import Place
from botctl.source.span import Path, Span
from botctl.spec.workflow_parse import EXPORTED

_ARROW = re.compile(r"^([^\s<>=→].*?)\s*(-{2,}>|=+>|[—–]+>|→|(?<![-=])>)\s*([^\s<>=→]+)$")
"""An edge with an arrow that is nearly one."""
_QUOTED = "put quotes around a text that begins with `{{`"


class Edit(Struct, frozen=True):
    """A part of a text and what comes in its place; said: what that does, for people."""

    start: int
    end: int
    text: str
    said: str


class Repair(Struct, frozen=True):
    """What was done, and in which line as it was."""

    line: int
    said: str


def repaired(text: str, file: str, diagnostics: Iterable[Diagnostic]) -> tuple[str, list[Repair]]:
    """The text of a file with what is safe to mend mended, and what that was.

    diagnostics: what was found in this file. One thing may hide another: a text that was repaired is to be
    checked anew, and may then have more to repair.
    """
    found = [one for one in diagnostics if one.file == file and one.span is not None]
    document, _ = read_document(text, file)
    if document is None:
        edits = list(_quotes(text, file, found))
    else:
        edits = [*_in_the_workflow(document, found), *_unused_ignores(document, found)]
    if not edits:
        return text, []
    edits.sort(key=lambda edit: (edit.start, edit.end))
    lines = document.lines if document is not None else None
    after, repairs, end = text, [], len(text) + 1
    for edit in reversed(edits):
        if edit.end <= end:
            after = after[: edit.start] + edit.text + after[edit.end :]
            end = edit.start
            number = lines.number(edit.start) if lines is not None else text.count("\n", 0, edit.start) + 1
            repairs.append(Repair(number, edit.said))
    again, faults = read_document(after, file)
    if again is None and (document is not None or any(fault.code != "YM110" for fault in faults)):
        return text, []
    return after, list(reversed(repairs))


def _quotes(text: str, file: str, found: list[Diagnostic]) -> Iterator[Edit]:
    """Quotes around texts that begin with `{{`, where nothing else is amiss after that than was before."""
    lines = Lines(text)
    known = {(one.code, one.message, one.span) for one in found if one.code != "YM110"}
    for one in found:
        if one.code != "YM110" or one.span is None:
            continue
        start = lines.start(one.span.line) + one.span.column - 1
        written = bare_text(text, start)
        if not written:
            continue
        edit = Edit(start, start + len(written), quoted(written), _QUOTED)
        faults = read_document(text[:start] + edit.text + text[edit.end :], file)[1]
        here = (one.span.line, one.span.column)
        if all(
            (fault.code, fault.message, fault.span) in known
            or (fault.code == "YM110" and fault.span is not None and _begin(fault.span) > here)
            for fault in faults
        ):
            yield edit


def _begin(span: Span) -> tuple[int, int]:
    return span.line, span.column


def _in_the_workflow(document: Document, found: list[Diagnostic]) -> Iterator[Edit]:
    value = document.value
    is_wrapped = isinstance(value, dict) and EXPORTED in value and "nodes" not in value
    base: Path = (EXPORTED,) if is_wrapped else ()
    workflow = document.get(base)
    if not isinstance(workflow, dict) or not isinstance(workflow.get("nodes"), list):
        return  # no workflow, or one that is stored as JSON in a text
    if "edges" not in workflow:
        yield from _no_edges(document, base)
        return
    if not isinstance(workflow["edges"], list):
        return
    yield from _ids(document, base, workflow, found)
    yield from _arrows(document, base, workflow)
    yield from _twice(document, base, found)


def _no_edges(document: Document, base: Path) -> Iterator[Edit]:
    place = _place(document, base)
    said = "added `edges`, of which there are none"
    if place is None or not place.entries:
        return
    last = max(child.end for child in place.children())
    if place.style == "flow":
        yield Edit(last, last, ', "edges": []', said)
    elif not base and not document.text[place.end :].strip().startswith("..."):
        end = len(document.text)
        new_line = _line_break(document.text)
        before = "" if document.text.endswith("\n") else new_line
        yield Edit(end, end, f"{before}edges: []{new_line}", said)


def _ids(document: Document, base: Path, workflow: dict[str, Any], found: list[Diagnostic]) -> Iterator[Edit]:
    """Ids for nodes that have none: the one that edges name if it can only be this node's, else a new one."""
    nodes = workflow["nodes"]
    told = {one.span for one in found if one.code == "WF102" and one.message.endswith("no `id`")}
    lacking = [
        index for index, node in enumerate(nodes) if isinstance(node, dict) and node and "id" not in node
    ]
    taken = {node["id"] for node in nodes if isinstance(node, dict) and isinstance(node.get("id"), str)}
    named = {end for edge in workflow["edges"] for end in _ends(edge, taken)}
    asked_for = sorted(named - taken)
    if asked_for and (len(asked_for) > 1 or len(lacking) > 1):
        return
    taken |= named
    for index in lacking:
        at = (*base, "nodes", index)
        place = _place(document, at)
        if document.span(at) not in told or place is None or not place.keys:
            continue
        kind = nodes[index].get("type")
        stem = kind if isinstance(kind, str) and kind.isidentifier() else "node"
        new = next(name for name in _numbered(stem) if name not in taken)
        id = asked_for[0] if asked_for else new
        taken.add(id)
        yield _with_id(document, place, id)


def _numbered(stem: str) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"{stem}_{number}"


def _with_id(document: Document, place: Place, id: str) -> Edit:
    start = min(first for first, _ in (place.keys or {}).values())
    before = document.text[document.lines.start(document.lines.number(start)) : start]
    is_quoted = document.text.startswith('"', start) and place.style == "flow"
    written = f'"id": "{id}"' if is_quoted else f"id: {id}"
    new_line = (
        _line_break(document.text) + " " * len(before) if place.style != "flow" or not before.strip() else " "
    )
    comma = "," if place.style == "flow" else ""
    return Edit(start, start, f"{written}{comma}{new_line}", f"gave a node the id `{id}`")


def _ends(edge: Any, ids: set[str]) -> Iterator[str]:
    if isinstance(edge, dict):
        yield from (edge[key] for key in ("source", "target") if isinstance(edge.get(key), str))
    elif isinstance(edge, str):
        nearly = _ARROW.match(edge)
        ends = [nearly[1], nearly[3]] if nearly else [end.strip() for end in edge.split("->")]
        if len(ends) == 2:
            yield _without_handle(ends[0], ids)
            yield ends[1]


def _without_handle(source: str, ids: set[str]) -> str:
    if source in ids or "." not in source:
        return source
    stems = [source[: match.start()] for match in re.finditer(r"\.", source)]
    return next((stem for stem in reversed(stems) if stem in ids), stems[0])


def _arrows(document: Document, base: Path, workflow: dict[str, Any]) -> Iterator[Edit]:
    """The arrow of edges of which one end is surely a node."""
    ids = {str(node.get("id")) for node in workflow["nodes"] if isinstance(node, dict)}
    for index, edge in enumerate(workflow["edges"]):
        match = _ARROW.match(edge) if isinstance(edge, str) else None
        if match is None or ids.isdisjoint((match[3], _without_handle(match[1], ids))):
            continue
        place = _place(document, (*base, "edges", index))
        written = document.written((*base, "edges", index))
        if place is not None and written.count(match[2]) == 1:
            start = place.start + written.index(match[2])
            yield Edit(start, start + len(match[2]), "->", f"wrote the arrow `{match[2]}` of an edge as `->`")


def _twice(document: Document, base: Path, found: list[Diagnostic]) -> Iterator[Edit]:
    """Edges that stand there a second time, where nothing else stands in their lines."""
    edges = _place(document, (*base, "edges"))
    places = edges.children() if edges is not None else []
    again = {one.span for one in found if one.code == "WF207"}
    said = "took out an edge that stands there twice"
    for before, place in pairwise(places):
        if document.lines.span(place.start, place.end) not in again:
            continue
        if re.fullmatch(r"\s*,\s*", document.text[before.end : place.start]):
            yield Edit(before.end, place.end, "", said)
            continue
        start = document.lines.start(document.lines.number(place.start))
        end = document.text.find("\n", place.end) + 1 or len(document.text)
        is_alone = re.fullmatch(r"\s*-\s+", document.text[start : place.start])
        if is_alone and not document.text[place.end : end].strip() and "#" not in document.text[start:end]:
            yield Edit(start, end, "", said)


def _unused_ignores(document: Document, found: list[Diagnostic]) -> Iterator[Edit]:
    """Comments that hide nothing, of whose codes none does."""
    unused = Counter(one.span for one in found if one.code == "YM202" and one.span is not None)
    for span, count in unused.items():
        line = document.lines.line(span.line)
        codes = re.search(r"ignore\s*\[([^\]]*)\]", line)
        if codes is None or len(re.split(r"[,\s]+", codes[1].strip())) != count:
            continue
        start = document.lines.start(span.line)
        kept = line[: span.column - 1].rstrip()
        end = start + len(line)
        said = "took out an ignore comment that hides nothing"
        if not kept and document.text[end : end + 1]:
            yield Edit(start, end + (2 if document.text.startswith("\r\n", end) else 1), "", said)
        else:
            yield Edit(start + len(kept), end, "", said)


def _line_break(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _place(document: Document, path: Path) -> Place | None:
    place: Place | None = document.place
    for part in path:
        place = place.inside(part) if place is not None else None
    return place
