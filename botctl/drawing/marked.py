"""What a picture can show of a graph beside the graph itself: the path that a run took, and findings."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from msgspec import Struct

from botctl.project.graph import ERROR, Graph
from botctl.source.diagnostic import Diagnostic, Severity
from botctl.source.document import Document
from botctl.store.steps import StepRow

Way = tuple[str, str, str]
"""An edge: its source, its handle, its target."""


class Taken(Struct, frozen=True, kw_only=True):
    """The path of a run. taken: the edges it followed; visited: nodes it executed; at: where it stands."""

    taken: frozenset[Way] = frozenset()
    visited: frozenset[str] = frozenset()
    at: frozenset[str] = frozenset()


NO_RUN = Taken()


def path_of(graph: Graph, steps: Iterable[StepRow], at: Iterable[str] = ()) -> Taken:
    """The path that a run took, from its journal; `at`: the nodes at which it stands and waits."""
    rows = list(steps)
    visited = frozenset(row.node for row in rows) & graph.nodes.keys()
    handles: dict[str, set[str]] = {}
    for row in rows:
        left = handles.setdefault(row.node, set())
        left.add(ERROR if row.error is not None else row.handle)
        if row.node in graph.loops:
            left |= {"loop_body", "loop_done"}
    taken = frozenset(
        (edge.source, edge.handle, edge.target)
        for edge in graph.edges
        if edge.target in visited and edge.handle in handles.get(edge.source, ())
    )
    return Taken(taken=taken, visited=visited, at=frozenset(at) & graph.nodes.keys())


def marks_of(graph: Graph, document: Document, diagnostics: Iterable[Diagnostic]) -> dict[str, Severity]:
    """The worst that was found in each node; what was found at an edge marks the node that it leaves."""
    written = [(document.span(node.path), node.id) for node in graph.nodes.values()]
    written += [(document.span(edge.path), edge.source) for edge in graph.edges]
    written.sort()
    marks: dict[str, Severity] = {}
    for found in diagnostics:
        if found.span is None or found.file != document.file:
            continue
        before = bisect_right(written, (found.span[:2],), key=lambda one: (one[0][:2],)) - 1
        span, node = written[before] if before >= 0 else (None, "")
        if span is not None and found.span[:2] < span[2:] and marks.get(node) != "error":
            marks[node] = found.severity
    return marks
