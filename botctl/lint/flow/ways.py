"""The ways of a workflow: what a run may follow from node to node, in an order in which every node stands
after all that can lead to it.

Edges that end an iteration lead nowhere here, and so do plain edges to an error_handler. A failing node
leads, by the handle `error`, to its error edges, or else to the handler that would catch it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from botctl.project.analysis import loop_bodies
from botctl.project.graph import ERROR, LOOP_BODY, LOOP_DONE, Graph

START = ""
"""Stands before the triggers: all of them start at once."""

FAILING = frozenset({"llm_call", "mcp_tool", "delegate_to_bot", "auth_gate"})
"""Node types that fail for reasons outside of the workflow, now and then, whatever is written there."""
CANNOT_FAIL = frozenset({"trigger", "parallel", "error_handler"})
"""Node types of which no step ever fails."""

Ahead = dict[str, dict[str, list[str]]]


class Ways:
    """The ways of a graph that has a trigger. is_regular: they can be told apart; if not (a circle that no
    loop makes, a way into a body past its loop, a way out that the node does not have) `order` is empty."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.bodies: Mapping[str, frozenset[str]] = loop_bodies(graph)
        self.reached = graph.reachable([*graph.triggers, *graph.lone_handlers])
        self.ahead: Ahead = {START: {"next": list(graph.triggers)}, **{id: {} for id in graph.nodes}}
        self.is_regular = self._take_edges()
        self.order: tuple[str, ...] = _in_order(self.ahead) if self.is_regular else ()
        if self.order:
            self._add_catches()
        self.is_regular = bool(self.order)

    def targets(self, source: str, handle: str) -> list[str]:
        """Where a way out leads."""
        return self.ahead[source].get(handle, [])

    def ways_out(self, id: str) -> tuple[str, ...]:
        """The handles of which a node takes one, if it does not fail."""
        if id == START:
            return ("next",)
        node = self.graph.nodes[id]
        handles = node.type.handles(node.data)
        if "expired" in handles and "expired" not in self.ahead[id]:
            return tuple(handle for handle in handles if handle != "expired")  # it goes on by `rejected`
        return handles

    def ways(self) -> Iterator[tuple[str, str, str]]:
        """Every (source, handle, target), in order."""
        for source in self.order:
            for handle, targets in self.ahead[source].items():
                for target in targets:
                    yield source, handle, target

    def loops_around(self, id: str) -> list[str]:
        """The loops whose bodies a node stands in."""
        return [loop for loop, body in self.bodies.items() if id in body]

    @cached_property
    def place(self) -> Mapping[str, int]:
        """The place of each node in the order, which is its bit in sets of nodes."""
        return {id: number for number, id in enumerate(self.order)}

    @cached_property
    def before(self) -> Mapping[str, int]:
        """For each node, as bits, the nodes that have surely had their turn, if they have one at all, when it
        runs: it waits for all that can still lead to it."""
        before = dict.fromkeys(self.order, 0)
        inside = {loop: self._bits(body) for loop, body in self.bodies.items()}
        for source, handle, target in self.ways():
            before[target] |= before[source] | 1 << self.place[source]
            if handle == LOOP_DONE:
                before[target] |= inside.get(source, 0)
        return before

    def runs_before(self, one: str, other: str) -> bool:
        """Whether the first node has had its turn, if it has one at all, when the second runs."""
        return bool(self.before[other] >> self.place[one] & 1)

    def _bits(self, ids: frozenset[str]) -> int:
        return sum(1 << self.place[id] for id in ids)

    def _take_edges(self) -> bool:
        nodes, loops = self.graph.nodes, {id: self.loops_around(id) for id in self.graph.nodes}
        for edge in self.graph.edges:
            source, handle, target = edge.source, edge.handle, edge.target
            if source not in self.reached:
                continue
            node = nodes[source]
            if handle == ERROR and node.type.name in CANNOT_FAIL:
                continue
            if handle != ERROR and handle not in node.type.handles(node.data):
                return False
            around = [*loops[source], source] if handle == LOOP_BODY else loops[source]
            if any(target == loop or target in self.graph.past_loop(loop) for loop in around):
                continue
            if not set(loops[target]) <= set(around):
                return False
            if handle == ERROR or nodes[target].type.name != "error_handler":
                self.ahead[source].setdefault(handle, []).append(target)
        return True

    def _add_catches(self) -> None:
        """Lead nodes that fail to the handlers that catch them, where no error edge does."""
        if not any(node.type.name == "error_handler" for node in self.graph.nodes.values()):
            return
        caught: Ahead = {source: dict(ways) for source, ways in self.ahead.items()}
        for id, node in self.graph.nodes.items():
            if node.type.name in FAILING and id in self.reached and ERROR not in caught[id]:
                handler = self._catcher(id)
                if handler:
                    caught[id][ERROR] = [handler]
        order = _in_order(caught)
        if order:
            self.ahead, self.order = caught, order

    def _catcher(self, id: str) -> str:
        """Who goes on after this node failed: a handler downstream in the same iteration, else whoever goes
        on after the loop failed, else a handler that no edge leads to."""
        around = sorted(self.loops_around(id), key=lambda loop: len(self.bodies[loop]))
        for depth, failing in enumerate([id, *around]):
            if depth and (on_error := self.ahead[failing].get(ERROR)):
                return on_error[0]
            handler = self._nearest_handler(failing, around[depth:])
            if handler:
                return handler
        return next(iter(self.graph.lone_handlers), "")

    def _nearest_handler(self, id: str, around: list[str]) -> str:
        seen, level = {id}, [id]
        while level:
            onward = [
                target
                for source in level
                for target in self.graph.onward(source)
                if not any(target == loop or target in self.graph.past_loop(loop) for loop in around)
            ]
            for target in onward:
                if target not in seen and self.graph.nodes[target].type.name == "error_handler":
                    return target
            level = [target for target in dict.fromkeys(onward) if target not in seen]
            seen.update(level)
        return ""


def _in_order(ahead: Ahead) -> tuple[str, ...]:
    """All nodes, every one after those that lead to it; () if there is no such order."""
    left = dict.fromkeys(ahead, 0)
    for ways in ahead.values():
        for targets in ways.values():
            for target in targets:
                left[target] += 1
    ready = [id for id, count in left.items() if not count]
    for id in ready:  # grows as it goes
        for targets in ahead[id].values():
            for target in targets:
                left[target] -= 1
                if not left[target]:
                    ready.append(target)
    return tuple(ready) if len(ready) == len(ahead) else ()
