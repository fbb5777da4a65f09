"""The layout of a picture: where each node's box stands and which way each edge takes, in pixels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from botctl.drawing.layers import Bend, Item, Layers, layers_of, parts_of
from botctl.project.graph import Graph

BOX_WIDTH = 200.0
BOX_HEIGHT = 46.0
_BETWEEN_BOXES = 28.0
_BETWEEN_BENDS = 18.0
_BETWEEN_ROWS = 44.0
_BETWEEN_LABELLED_ROWS = 66.0
_BETWEEN_PARTS = 56.0
_MARGIN = 24.0
_LANE = 14.0
"""How far from a box an edge that leads back keeps."""
_PORTS = 0.72
"""The part of a box's width that edges begin and end on."""
_ROUNDS = 30

Point = tuple[float, float]


class Box(Struct, frozen=True):
    """A node's box: its middle at the top."""

    x: float
    y: float

    @property
    def left(self) -> float:
        """Its left side."""
        return self.x - BOX_WIDTH / 2

    @property
    def right(self) -> float:
        """Its right side."""
        return self.x + BOX_WIDTH / 2

    @property
    def bottom(self) -> float:
        """Its lower side."""
        return self.y + BOX_HEIGHT


class Way(Struct, frozen=True):
    """The points of an edge from its source to its target; at a bend, two, with a straight way between them.

    is_back: it leads up, upright or level from point to point.
    """

    points: tuple[Point, ...]
    is_back: bool = False


class Layout(Struct, frozen=True, kw_only=True):
    """Boxes by node id, ways in the order of the graph's edges, and how large the picture is."""

    boxes: Mapping[str, Box]
    ways: Sequence[Way]
    width: float
    height: float


def layout_of(graph: Graph) -> Layout:
    """The layout of a graph; parts of it that no edge joins stand beside each other."""
    boxes: dict[str, Box] = {}
    ways: dict[int, Way] = {}
    left = _MARGIN
    for nodes in parts_of(graph):
        layers = layers_of(graph, nodes)
        tops = _tops(layers, graph)
        x = _positions(layers)
        extents = [(x[item] - _width(item) / 2, x[item] + _width(item) / 2) for item in x]
        shift = left - min(start for start, _ in extents)
        x = {item: position + shift for item, position in x.items()}
        for number, row in enumerate(layers.rows):
            boxes |= {item: Box(x[item], tops[number]) for item in row if isinstance(item, str)}
        found = _ways(graph, layers, x, tops, boxes)
        found |= _ways_back(graph, layers, found, boxes)
        ways |= found
        reach = [
            point[0] + side
            for number in layers.back
            for point in found[number].points
            for side in ((0.0,) if graph.edges[number].handle == "next" else (-_LANE * 2, _LANE * 2))
        ]  # with room for the name of a way out beside it
        aside = min([left, *reach]) - left  # lanes at the left side of all boxes
        if aside < 0:
            boxes |= {id: Box(boxes[id].x - aside, boxes[id].y) for id in nodes}
            ways |= {number: _moved(way, -aside) for number, way in found.items()}
        right = max([shift + max(end for _, end in extents), *reach]) - aside
        left = right + _BETWEEN_PARTS
    bottom = max((box.bottom for box in boxes.values()), default=0.0)
    return Layout(
        boxes=boxes,
        ways=[ways[number] for number in range(len(graph.edges))],
        width=max(left - _BETWEEN_PARTS, _MARGIN) + _MARGIN,
        height=bottom + _MARGIN,
    )


def _moved(way: Way, by: float) -> Way:
    return Way(tuple((x + by, y) for x, y in way.points), way.is_back)


class _Pull(NamedTuple):
    """One end of an edge, or of a part of one, as the other end feels it."""

    item: Item
    pull: float
    is_above: bool


def _tops(layers: Layers, graph: Graph) -> list[float]:
    """Where each row begins: below a row whose edges have labels there is more room."""
    row_of = {item: number for number, row in enumerate(layers.rows) for item in row}
    labelled = {
        row_of[edge.source]
        for number, edge in enumerate(graph.edges)
        if number in layers.ways and edge.handle != "next"
    }
    tops = [_MARGIN]
    for number in range(len(layers.rows) - 1):
        room = _BETWEEN_LABELLED_ROWS if number in labelled else _BETWEEN_ROWS
        tops.append(tops[-1] + BOX_HEIGHT + room)
    return tops


def _width(item: Item) -> float:
    return 0.0 if isinstance(item, Bend) else BOX_WIDTH


def _apart(left: Item, right: Item) -> float:
    """How far the middles of two neighbours in a row are from each other at least."""
    both_bend = isinstance(left, Bend) and isinstance(right, Bend)
    return (_width(left) + _width(right)) / 2 + (_BETWEEN_BENDS if both_bend else _BETWEEN_BOXES)


def _pulls(layers: Layers) -> dict[Item, list[_Pull]]:
    """What pulls at each item. An edge wants to run straight the more, the longer it is, and when both its
    ends have no other on that side."""
    pulls: dict[Item, list[_Pull]] = {item: [] for row in layers.rows for item in row}
    for upper, lowers in layers.down.items():
        for lower in lowers:
            bends = isinstance(upper, Bend) + isinstance(lower, Bend)
            is_alone = len(lowers) == 1 and len(layers.up[lower]) == 1
            pull = 6.0 if is_alone and not bends else (1.0, 2.0, 8.0)[bends]
            pulls[upper].append(_Pull(lower, pull, False))
            pulls[lower].append(_Pull(upper, pull, True))
    return pulls


def _positions(layers: Layers) -> dict[Item, float]:
    """The middle of each item: near the mean of what it is joined to, in order, and no two too close."""
    x: dict[Item, float] = {}
    for row in layers.rows:
        at = 0.0
        for number, item in enumerate(row):
            at += _apart(row[number - 1], item) if number else 0.0
            x[item] = at
    pulls = _pulls(layers)
    above = {item: [one for one in pulls[item] if one[2]] for item in pulls}
    below = {item: [one for one in pulls[item] if not one[2]] for item in pulls}
    for turn in range(_ROUNDS):
        is_late = turn >= _ROUNDS - 6
        for row in layers.rows:
            _settle(row, x, pulls if is_late else above)
        for row in reversed(layers.rows):
            _settle(row, x, pulls if is_late else below)
    return x


def _settle(row: list[Item], x: dict[Item, float], pulls: Mapping[Item, list[_Pull]]) -> None:
    """Moves a row to where it is pulled, by least squares (pool adjacent violators, Ayer and others 1955)."""
    blocks: list[tuple[float, float, int]] = []  # mean of what is wanted, weight, how many items
    offsets: list[float] = []
    for number, item in enumerate(row):
        offsets.append(offsets[-1] + _apart(row[number - 1], item) if number else 0.0)
        weight, wanted = 0.01, 0.01 * x[item]
        for other, pull, _ in pulls[item]:
            weight += pull
            wanted += pull * x[other]
        block = (wanted / weight - offsets[number], weight, 1)
        while blocks and blocks[-1][0] >= block[0]:
            mean, heavy, count = blocks.pop()
            total = heavy + block[1]
            block = ((mean * heavy + block[0] * block[1]) / total, total, count + block[2])
        blocks.append(block)
    places = iter(zip(row, offsets, strict=True))
    for mean, _, count in blocks:
        for _ in range(count):
            item, offset = next(places)
            x[item] = mean + offset


def _ways(
    graph: Graph, layers: Layers, x: Mapping[Item, float], tops: Sequence[float], boxes: Mapping[str, Box]
) -> dict[int, Way]:
    leaving = _ports(layers, x, first=True, graph=graph)
    entering = _ports(layers, x, first=False, graph=graph)
    ways = {}
    for number, way in layers.ways.items():
        edge = graph.edges[number]
        source, target = boxes[edge.source], boxes[edge.target]
        points: list[Point] = [(source.x + leaving[number], source.bottom)]
        for bend in way[1:-1]:
            assert isinstance(bend, Bend)
            points += [(x[bend], tops[bend.row]), (x[bend], tops[bend.row] + BOX_HEIGHT)]
        points.append((target.x + entering[number], target.y))
        ways[number] = Way(tuple(points))
    return ways


def _ports(layers: Layers, x: Mapping[Item, float], *, first: bool, graph: Graph) -> dict[int, float]:
    """How far from a box's middle each edge leaves it (first) or enters it: side by side, as they come."""
    meeting: dict[tuple[Item, str], list[int]] = {}
    for number, way in layers.ways.items():
        handle = graph.edges[number].handle if first else ""
        end = way[0] if first else way[-1]
        meeting.setdefault((end, handle), []).append(number)
    groups: dict[Item, list[list[int]]] = {}
    for (end, _), numbers in meeting.items():
        groups.setdefault(end, []).extend([numbers] if first else [[number] for number in numbers])

    def leads(numbers: list[int]) -> float:
        ways = [layers.ways[number] for number in numbers]
        return sum(x[way[1] if first else way[-2]] for way in ways) / len(ways)

    ports: dict[int, float] = {}
    for together in groups.values():
        together.sort(key=leads)
        step = min(26.0, BOX_WIDTH * _PORTS / max(1, len(together) - 1))
        for place, numbers in enumerate(together):
            ports |= dict.fromkeys(numbers, (place - (len(together) - 1) / 2) * step)
    return ports


def _ways_back(
    graph: Graph, layers: Layers, found: Mapping[int, Way], boxes: Mapping[str, Box]
) -> dict[int, Way]:
    """The edges that lead back, each on the nearest upright lane that no box stands in."""
    ways: dict[int, Way] = {}
    here = [boxes[item] for row in layers.rows for item in row if isinstance(item, str)]
    lanes: list[tuple[float, float, float]] = []
    for number in sorted(layers.back, key=lambda one: _height(graph, one, boxes)):
        edge = graph.edges[number]
        source, target = boxes[edge.source], boxes[edge.target]
        top, bottom = target.y, source.bottom
        taken = [
            (box.left - _LANE, box.right + _LANE) for box in here if box.bottom >= top and box.y <= bottom
        ]
        taken += [
            (x - _LANE / 2, x + _LANE / 2) for x, upper, lower in lanes if lower >= top and upper <= bottom
        ]
        taken += _uprights(found.values(), top, bottom)
        lane = _free_lane(taken, source.x, target.x)
        lanes.append((lane, top, bottom))
        out = _aside(source, lane, here, leaving=True)
        into = _aside(target, lane, here, leaving=False)
        ways[number] = Way((*out, (lane, out[-1][1]), (lane, into[-1][1]), *reversed(into)), True)
    return ways


def _aside(box: Box, lane: float, boxes: Iterable[Box], *, leaving: bool) -> list[Point]:
    """From a box to the height at which the lane is reached: through its side, or where another box stands in
    between, below it (leaving) or above it."""
    side = 1 if lane > box.x else -1
    reach = sorted((box.x, lane))
    if any(one.y == box.y and one != box and reach[0] < one.x < reach[1] for one in boxes):
        port, edge, away = box.x + side * BOX_WIDTH * 0.42, box.bottom if leaving else box.y, 14.0
        return [(port, edge), (port, edge + away if leaving else edge - away)]
    height = box.y + BOX_HEIGHT * (0.62 if leaving else 0.38)
    return [(box.x + side * BOX_WIDTH / 2, height)]


def _uprights(ways: Iterable[Way], top: float, bottom: float) -> list[tuple[float, float]]:
    """What edges take up where they run straight down between two heights."""
    return [
        (upper[0] - _LANE / 2, upper[0] + _LANE / 2)
        for way in ways
        for upper, lower in zip(way.points[1:-1:2], way.points[2:-1:2], strict=True)
        if lower[1] >= top and upper[1] <= bottom
    ]


def _height(graph: Graph, number: int, boxes: Mapping[str, Box]) -> float:
    edge = graph.edges[number]
    return boxes[edge.source].y - boxes[edge.target].y


def _free_lane(taken: list[tuple[float, float]], source: float, target: float) -> float:
    """The place outside all of `taken` that is nearest to both; right of two that are as near."""
    merged: list[tuple[float, float]] = []
    for start, end in sorted(taken):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    edges = [side for extent in merged for side in extent]
    return min(edges, key=lambda side: (round(abs(side - source) + abs(side - target)), -side))
