"""Guards: nodes of a workflow that can be reached without anybody having said yes.

A guard is a node whose one way out is only taken once somebody did: `verified` of an auth_gate, `approved` of
a human_handoff. What is behind guards on every way is guarded; one way past them is enough for it not to be.
Ways are edges of all handles, error edges too, and the jumps to error handlers that no edge shows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from botctl.nodes.action import ActionData
from botctl.project.graph import ERROR, Graph, Node

_HARDLY_FAILS = frozenset({"trigger", "parallel", "error_handler", "logic", "action"})


def guarding_handle(node: Node) -> str:
    """The way out of a node that somebody must have said yes for; "" if it has none."""
    if node.type.name == "auth_gate":
        return "verified"
    if isinstance(node.data, ActionData) and node.data.actionType == "human_handoff":
        return "approved"
    return ""


def unguarded(graph: Graph) -> Mapping[str, str]:
    """The nodes that can be reached past all guards, each with the one before it on a shortest such way.

    It is "" for where runs begin: triggers, and error handlers without incoming edges.
    """
    open_ways: dict[str, list[str]] = {id: [] for id in graph.nodes}
    caught: set[str] = set()
    for edge in graph.edges:
        node = graph.nodes[edge.source]
        is_taken = edge.handle == ERROR or edge.handle in node.type.handles(node.data)
        if is_taken and edge.handle != guarding_handle(node):
            open_ways[edge.source].append(edge.target)
        if edge.handle == ERROR:
            caught.add(edge.source)
    has_handlers = any(node.type.name == "error_handler" for node in graph.nodes.values())
    before: dict[str, str] = {}
    waiting = deque((start, "") for start in (*graph.triggers, *graph.lone_handlers))
    while waiting:
        id, source = waiting.popleft()
        if id in before:
            continue
        before[id] = source
        waiting.extend((target, id) for target in open_ways[id])
        if has_handlers and id not in caught and graph.nodes[id].type.name not in _HARDLY_FAILS:
            waiting.extend((handler, id) for handler in _nearest_handler(graph, id))
    return before


def way_to(node: str, before: Mapping[str, str]) -> list[str]:
    """The nodes on the way that `unguarded` found, from where it begins to the node itself."""
    way = [node]
    while before[way[-1]]:
        way.append(before[way[-1]])
    return way[::-1]


def _nearest_handler(graph: Graph, id: str) -> list[str]:
    """The error handler that catches what goes wrong in a node without an `error` edge (SEMANTICS, Errors),
    if there is one."""
    seen, level = {id}, [id]
    while level:
        onward: list[str] = []
        for source in level:
            for target in graph.onward(source):
                if target in seen:
                    continue
                if graph.nodes[target].type.name == "error_handler":
                    return [target]
                seen.add(target)
                onward.append(target)
        level = onward
    return []
