"""The layers of a picture: which row each node stands in, and in which order the nodes of a row stand.

As Sugiyama, Tagawa and Toda draw graphs (1981): edges that lead back are left out, every other one leads
down, an edge that passes rows gets a bend in each of them, and the rows are sorted until few edges cross.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from botctl.project.graph import Edge, Graph

SWEEPS = 6
"""How often the rows are sorted, down and up; more hardly ever helps."""


class Bend(Struct, frozen=True):
    """Where an edge passes a row. edge: its number in the graph."""

    edge: int
    row: int


Item = str | Bend
"""What stands in a row: a node, by its id, or a bend."""


class Layers(Struct, frozen=True, kw_only=True):
    """rows: top to bottom, left to right. down: for each item those in the next row that it is joined to.

    ways: for each edge that leads down, by its number, the items on it. back: the edges that lead up, or to
    where they come from.
    """

    rows: list[list[Item]]
    down: Mapping[Item, list[Item]]
    up: Mapping[Item, list[Item]]
    ways: Mapping[int, list[Item]]
    back: tuple[int, ...]


def parts_of(graph: Graph) -> list[list[str]]:
    """The nodes in groups that no edge joins, each in file order."""
    near: dict[str, list[str]] = {id: [] for id in graph.nodes}
    for edge in graph.edges:
        near[edge.source].append(edge.target)
        near[edge.target].append(edge.source)
    number: dict[str, int] = {}
    for id in graph.nodes:
        waiting = [id]
        while waiting:
            one = waiting.pop()
            if one not in number:
                number[one] = number.setdefault(id, len(number))
                waiting += near[one]
    groups: dict[int, list[str]] = {}
    for id in graph.nodes:
        groups.setdefault(number[id], []).append(id)
    return list(groups.values())


def layers_of(graph: Graph, nodes: Sequence[str]) -> Layers:
    """The layers of one group of nodes."""
    inside = frozenset(nodes)
    edges = {number: edge for number, edge in enumerate(graph.edges) if edge.source in inside}
    order, back = _order_and_back(graph, nodes, edges)
    forward = {number: edge for number, edge in edges.items() if number not in back}
    row_of = _rows_of(order, forward.values(), frozenset(graph.triggers))
    ways = {number: _way(number, edge, row_of) for number, edge in forward.items()}
    down: dict[Item, list[Item]] = {}
    up: dict[Item, list[Item]] = {}
    for way in ways.values():
        for above, below in pairwise(way):
            down.setdefault(above, []).append(below)
            up.setdefault(below, []).append(above)
    rows = _first_order(sorted(nodes, key=row_of.__getitem__), row_of, down)
    return Layers(
        rows=_with_few_crossings(rows, down, up), down=down, up=up, ways=ways, back=tuple(sorted(back))
    )


def _order_and_back(
    graph: Graph, nodes: Sequence[str], edges: Mapping[int, Edge]
) -> tuple[list[str], set[int]]:
    """The nodes so that each stands before those it leads to, and the edges that keep that from being so."""
    onward: dict[str, list[int]] = {id: [] for id in nodes}
    for number, edge in edges.items():
        onward[edge.source].append(number)
    entered = {edge.target for edge in edges.values()}
    starts = [id for id in nodes if id in graph.triggers] + [id for id in nodes if id not in entered]
    finished: dict[str, None] = {}
    open_: set[str] = set()
    back: set[int] = set()
    for start in (*starts, *nodes):
        if start in finished:
            continue
        open_.add(start)
        waiting = [(start, iter(onward[start]))]
        while waiting:
            id, ahead = waiting[-1]
            number = next(ahead, -1)
            if number < 0:
                waiting.pop()
                open_.discard(id)
                finished[id] = None
                continue
            target = edges[number].target
            if target in open_:
                back.add(number)
            elif target not in finished:
                open_.add(target)
                waiting.append((target, iter(onward[target])))
    return list(reversed(finished)), back


def _rows_of(order: Sequence[str], forward: Iterable[Edge], triggers: frozenset[str]) -> dict[str, int]:
    """The row of each node: as far down as its longest way from above; what nothing enters, just above."""
    above: dict[str, list[str]] = {id: [] for id in order}
    below: dict[str, list[str]] = {id: [] for id in order}
    for edge in forward:
        above[edge.target].append(edge.source)
        below[edge.source].append(edge.target)
    row: dict[str, int] = {}
    for id in order:
        row[id] = max((row[one] + 1 for one in above[id]), default=0)
    for id in order:
        if not above[id] and below[id] and id not in triggers:
            row[id] = max(0, min(row[one] for one in below[id]) - 1)
    return row


def _way(number: int, edge: Edge, row_of: Mapping[str, int]) -> list[Item]:
    bends = [Bend(number, row) for row in range(row_of[edge.source] + 1, row_of[edge.target])]
    return [edge.source, *bends, edge.target]


def _first_order(
    order: Sequence[str], row_of: Mapping[str, int], down: Mapping[Item, list[Item]]
) -> list[list[Item]]:
    """The rows as depth first search comes by: what hangs together stands together, in the file's order."""
    rows: list[list[Item]] = [[] for _ in range(max(row_of.values(), default=-1) + 1)]
    seen: set[Item] = set()
    for start in order:
        waiting: list[Item] = [start]
        while waiting:
            item = waiting.pop()
            if item not in seen:
                seen.add(item)
                rows[item.row if isinstance(item, Bend) else row_of[item]].append(item)
                waiting += reversed(down.get(item, ()))
    return rows


def _with_few_crossings(
    rows: list[list[Item]], down: Mapping[Item, list[Item]], up: Mapping[Item, list[Item]]
) -> list[list[Item]]:
    best, fewest = rows, _crossings(rows, down)
    current = [list(row) for row in rows]
    for _ in range(SWEEPS):
        if not fewest:
            break
        for number in range(1, len(current)):
            current[number] = _sorted(current[number], current[number - 1], up)
        for number in reversed(range(len(current) - 1)):
            current[number] = _sorted(current[number], current[number + 1], down)
        for number in range(1, len(current)):
            current[number] = _sorted(current[number], current[number - 1], up)
        crossings = _crossings(current, down)
        if crossings < fewest:
            best, fewest = [list(row) for row in current], crossings
    return best


def _sorted(row: list[Item], beside: list[Item], joined: Mapping[Item, list[Item]]) -> list[Item]:
    """A row sorted by the mean places of what its items are joined to; what is joined to nothing stays."""
    place = {item: number for number, item in enumerate(beside)}
    means = {
        item: sum(place[one] for one in joined[item]) / len(joined[item]) for item in row if joined.get(item)
    }
    moving = iter(sorted(means, key=means.__getitem__))
    return [next(moving) if item in means else item for item in row]


def _crossings(rows: Sequence[Sequence[Item]], down: Mapping[Item, list[Item]]) -> int:
    """How many pairs of edges cross between neighbouring rows."""
    count = 0
    for upper, lower in pairwise(rows):
        place = {item: number for number, item in enumerate(lower)}
        ended: list[int] = []
        for item in upper:
            ends = [place[one] for one in down.get(item, ())]
            count += sum(len(ended) - bisect_left(ended, end + 1) for end in ends)
            for end in ends:
                insort(ended, end)
    return count
