"""The graph: a workflow's nodes with their types bound, and who leads to whom. Asked, never changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct

from botctl.nodes.node_type import NodeType
from botctl.source.span import Path

LOOP_BODY = "loop_body"
LOOP_DONE = "loop_done"
ERROR = "error"


class Node(Struct, frozen=True, kw_only=True):
    """A node whose `data` was checked against its type. path: where it stands in its document."""

    id: str
    type: NodeType[Any]
    data: Any
    raw: Mapping[str, Any]
    path: Path

    @property
    def is_loop(self) -> bool:
        """Whether it iterates: a `loop`, or `logic` with `while`."""
        return LOOP_BODY in self.type.handles(self.data)


class Edge(Struct, frozen=True, kw_only=True):
    """A way from a node's handle to another node."""

    source: str
    target: str
    handle: str
    path: Path


class Graph:
    """Nodes in file order, edges in file order. Node ids are unique and edges lead to existing nodes."""

    def __init__(self, nodes: Iterable[Node], edges: Iterable[Edge]) -> None:
        self.nodes: dict[str, Node] = {node.id: node for node in nodes}
        self.edges: tuple[Edge, ...] = tuple(edges)
        self._by_handle: dict[tuple[str, str], tuple[str, ...]] = {}
        self._onward: dict[str, tuple[str, ...]] = dict.fromkeys(self.nodes, ())
        for edge in self.edges:
            at = (edge.source, edge.handle)
            self._by_handle[at] = (*self._by_handle.get(at, ()), edge.target)
            self._onward[edge.source] = (*self._onward[edge.source], edge.target)
        self.loops: frozenset[str] = frozenset(node.id for node in self.nodes.values() if node.is_loop)
        self._past: dict[str, frozenset[str]] = {}

    def targets(self, source: str, handle: str) -> tuple[str, ...]:
        """Where the edges of a handle lead, in file order."""
        return self._by_handle.get((source, handle), ())

    def onward(self, source: str) -> tuple[str, ...]:
        """Where the edges of all handles lead, in file order."""
        return self._onward[source]

    def wired(self, source: str) -> frozenset[str]:
        """The handles of a node that have an edge."""
        return self._wired.get(source, frozenset())

    @cached_property
    def _wired(self) -> dict[str, frozenset[str]]:
        handles: dict[str, list[str]] = {}
        for id, handle in self._by_handle:
            handles.setdefault(id, []).append(handle)
        return {id: frozenset(found) for id, found in handles.items()}

    @cached_property
    def onward_outside_bodies(self) -> dict[str, tuple[str, ...]]:
        """As `onward`, without the ways into loop bodies."""
        ways: dict[str, list[str]] = {id: [] for id in self.nodes}
        for edge in self.edges:
            if not (edge.source in self.loops and edge.handle == LOOP_BODY):
                ways[edge.source].append(edge.target)
        return {id: tuple(targets) for id, targets in ways.items()}

    @cached_property
    def triggers(self) -> tuple[str, ...]:
        """Ids of the triggers, in file order."""
        return tuple(node.id for node in self.nodes.values() if node.type.name == "trigger")

    @cached_property
    def lone_handlers(self) -> tuple[str, ...]:
        """Ids of the error handlers without an incoming edge, in file order."""
        entered = {edge.target for edge in self.edges}
        handlers = (node.id for node in self.nodes.values() if node.type.name == "error_handler")
        return tuple(id for id in handlers if id not in entered)

    def past_loop(self, loop: str) -> frozenset[str]:
        """What can be reached from the loop's `loop_done` edges without passing the loop."""
        if loop not in self._past:
            self._past[loop] = frozenset(self.reachable(self.targets(loop, LOOP_DONE), never=loop))
        return self._past[loop]

    def reachable(self, starts: Iterable[str], *, never: str | None = None) -> set[str]:
        """All that edges of any handle lead to from `starts`, these included, without entering `never`."""
        found: set[str] = set()
        waiting = [id for id in starts if id != never]
        while waiting:
            id = waiting.pop()
            if id not in found:
                found.add(id)
                waiting += [target for target in self._onward[id] if target != never]
        return found
