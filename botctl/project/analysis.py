"""What can be told of a graph without running it: loop bodies, cycles, nodes that no path enters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from botctl.project.graph import LOOP_BODY, Edge, Graph


def loop_bodies(graph: Graph) -> Mapping[str, frozenset[str]]:
    """For each loop the nodes of its body: what `loop_body` reaches, without the loop and what follows it."""
    return {
        loop: frozenset(graph.reachable(graph.targets(loop, LOOP_BODY), never=loop) - graph.past_loop(loop))
        for loop in graph.loops
    }


def unreachable(graph: Graph) -> list[str]:
    """Nodes that no path from a trigger, or from an error_handler without incoming edges, enters; in file
    order. Of those that lead to each other only the ones that none of the others enters, if there are any."""
    reached = graph.reachable([*graph.triggers, *graph.lone_handlers])
    cut_off = [id for id in graph.nodes if id not in reached]
    entered = {target for id in cut_off for target in graph.onward(id)}
    return [id for id in cut_off if id not in entered] or cut_off[:1]


def cycles(graph: Graph) -> list[tuple[Edge, tuple[str, ...]]]:
    """Ways round that no loop makes: for each the edge that closes it, and the nodes on it in order.

    Edges from a loop's body back to the loop, or out to what follows it, end an iteration and close nothing.
    """
    around: dict[str, list[str]] = {}
    for loop, body in loop_bodies(graph).items():
        for id in body:
            around.setdefault(id, []).append(loop)
    onward: dict[str, list[Edge]] = {id: [] for id in graph.nodes}
    for edge in graph.edges:
        if not any(
            edge.target == loop or edge.target in graph.past_loop(loop)
            for loop in around.get(edge.source, ())
        ):
            onward[edge.source].append(edge)
    found: list[tuple[Edge, tuple[str, ...]]] = []
    finished: set[str] = set()
    for start in (*graph.triggers, *graph.nodes):
        if start not in finished:
            found += _closing_edges(start, onward, finished)
    return found


def _closing_edges(
    start: str, onward: Mapping[str, list[Edge]], finished: set[str]
) -> Iterator[tuple[Edge, tuple[str, ...]]]:
    """Depth first from `start`, without recursion: a workflow may be longer than Python's stack."""
    path = [start]
    places = {start: 0}
    waiting: list[Iterator[Edge]] = [iter(onward[start])]
    while waiting:
        edge = next(waiting[-1], None)
        if edge is None:
            waiting.pop()
            done = path.pop()
            del places[done]
            finished.add(done)
        elif edge.target in places:
            yield edge, tuple(path[places[edge.target] :])
        elif edge.target not in finished:
            places[edge.target] = len(path)
            path.append(edge.target)
            waiting.append(iter(onward[edge.target]))
