"""Layouts: what is never true of a picture, whatever is drawn."""

from __future__ import annotations

from itertools import combinations, pairwise
from time import perf_counter

import pytest

from botctl.drawing.layers import layers_of, parts_of
from botctl.drawing.layout import BOX_HEIGHT, BOX_WIDTH, Box, layout_of
from botctl.project.graph import Graph
from tests.drawing.world import drawn_from, sample, tangled

GRAPHS = [sample("support-bot"), sample("appointments"), *(tangled(3 + seed, seed) for seed in range(30))]


@pytest.mark.parametrize("graph", GRAPHS)
def test_no_two_boxes_overlap_and_all_are_inside(graph: Graph) -> None:
    layout = layout_of(graph)

    boxes = list(layout.boxes.values())
    overlapping = [
        (one, other)
        for one, other in combinations(boxes, 2)
        if abs(one.x - other.x) < BOX_WIDTH and abs(one.y - other.y) < BOX_HEIGHT
    ]
    outside = [
        box
        for box in boxes
        if box.left < 0 or box.y < 0 or box.right > layout.width or box.bottom > layout.height
    ]
    assert (overlapping, outside, layout.boxes.keys()) == ([], [], graph.nodes.keys())


@pytest.mark.parametrize("graph", GRAPHS)
def test_every_edge_begins_and_ends_at_its_boxes(graph: Graph) -> None:
    layout = layout_of(graph)

    loose = []
    for edge, way in zip(graph.edges, layout.ways, strict=True):
        for point, box in (
            (way.points[0], layout.boxes[edge.source]),
            (way.points[-1], layout.boxes[edge.target]),
        ):
            if not _touches(point, box):
                loose.append((edge.source, edge.target, point))
    assert loose == []


@pytest.mark.parametrize("graph", GRAPHS)
def test_no_edge_runs_through_a_box(graph: Graph) -> None:
    layout = layout_of(graph)

    through = [
        (edge.source, edge.target, id)
        for edge, way in zip(graph.edges, layout.ways, strict=True)
        for start, end in pairwise(way.points)
        for id, box in layout.boxes.items()
        if (start[0] == end[0] or start[1] == end[1]) and _meets(start, end, box)
    ]
    assert through == []


def test_edges_lead_down_but_for_those_that_close_a_way_round() -> None:
    graph = drawn_from("a -> b", "b -> c", "c -> b", "c -> c", "a -> c")

    layers = layers_of(graph, list(graph.nodes))

    assert (layers.rows[0], [graph.edges[number].target for number in layers.back]) == (["a"], ["b", "c"])


def test_what_no_edge_joins_is_drawn_apart() -> None:
    graph = drawn_from("a -> b", "c -> d", "d -> b", "x -> y")

    assert parts_of(graph) == [["a", "b", "c", "d"], ["x", "y"]]


def test_the_same_graph_is_drawn_the_same_every_time() -> None:
    first = layout_of(sample("support-bot"))

    assert layout_of(sample("support-bot")) == first


def test_an_order_without_crossings_is_found() -> None:
    graph = drawn_from("s -> a", "s -> b", "s -> c", "a -> z", "b -> y", "c -> x")

    rows = layers_of(graph, list(graph.nodes)).rows

    assert [rows[1].index("abc"["zyx".index(id)]) for id in rows[2] if isinstance(id, str)] == [0, 1, 2]


def test_the_time_it_takes_does_not_grow_much_faster_than_the_graph() -> None:
    def chain(length: int) -> Graph:
        return drawn_from(*(f"n{number} -> n{number + 1}" for number in range(length)))

    def seconds(graph: Graph) -> float:
        start = perf_counter()
        layout_of(graph)
        return perf_counter() - start

    small, large = chain(100), chain(1000)
    layout_of(small)

    assert seconds(large) < 40 * min(seconds(small) for _ in range(3))


def _touches(point: tuple[float, float], box: Box) -> bool:
    return box.left - 1 <= point[0] <= box.right + 1 and box.y - 1 <= point[1] <= box.bottom + 1


def _meets(start: tuple[float, float], end: tuple[float, float], box: Box) -> bool:
    left, right = sorted((start[0], end[0]))
    top, bottom = sorted((start[1], end[1]))
    return left < box.right - 1 and right > box.left + 1 and top < box.bottom - 1 and bottom > box.y + 1
