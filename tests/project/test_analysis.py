"""Loop bodies, cycles and dead ends are told from the edges alone."""

from __future__ import annotations

import json
from pathlib import Path

from botctl.project.analysis import cycles, loop_bodies, unreachable
from botctl.project.bind import bind_workflow
from botctl.project.graph import Graph
from botctl.spec.workflow_parse import parse_workflow, read_workflow

LOOP = "{loopType: count, iterations: 2}"


def graph_of(edges: str, *, loops: str = "", handlers: str = "") -> Graph:
    names = dict.fromkeys(name.partition(".")[0] for edge in edges.split(", ") for name in edge.split(" -> "))
    nodes = []
    for name in names:
        kind = "loop" if name in loops else "error_handler" if name in handlers else "parallel"
        kind = "trigger" if name == "t" else kind
        data = LOOP if kind == "loop" else "{}"
        nodes.append(f"  - {{id: {name}, type: {kind}, data: {data}}}")
    text = "nodes:\n" + "\n".join(nodes) + "\nedges:\n" + "\n".join(f"  - {e}" for e in edges.split(", "))
    document, _ = read_workflow(text, "w.yaml")
    assert document is not None
    workflow, _ = parse_workflow(document)
    assert workflow is not None
    graph, found = bind_workflow(workflow, document)
    assert graph is not None, found
    return graph


def closing(edges: str, loops: str = "") -> list[str]:
    return [f"{edge.source} -> {edge.target}" for edge, _ in cycles(graph_of(edges, loops=loops))]


def test_a_circle_is_found_by_the_edge_that_closes_it() -> None:
    ((edge, nodes),) = cycles(graph_of("t -> a, a -> b, b -> c, c -> a"))

    assert (edge.source, edge.target, nodes) == ("c", "a", ("a", "b", "c"))


def test_a_node_that_leads_to_itself_is_a_circle() -> None:
    assert closing("t -> a, a -> a") == ["a -> a"]


def test_branches_that_meet_again_are_no_circle() -> None:
    assert closing("t -> a, t -> b, a -> c, b -> c, a -> b") == []


def test_the_edge_back_to_the_loop_closes_nothing() -> None:
    assert closing("t -> l, l.loop_body -> a, a -> b, b -> l, l.loop_done -> c", loops="l") == []


def test_the_edge_from_a_body_to_the_way_out_closes_nothing() -> None:
    assert closing("t -> l, l.loop_body -> a, a -> c, l.loop_done -> c", loops="l") == []


def test_inner_loops_may_lead_back_to_both_loops() -> None:
    edges = "t -> o, o.loop_body -> i, i.loop_body -> a, a -> i, i.loop_done -> b, b -> o, o.loop_done -> c"

    assert closing(edges, loops="oi") == []


def test_a_circle_inside_of_a_body_is_found() -> None:
    assert closing("t -> l, l.loop_body -> a, a -> b, b -> a", loops="l") == ["b -> a"]


def test_what_follows_a_loop_cannot_lead_back_to_it() -> None:
    assert closing("t -> l, l.loop_body -> a, l.loop_done -> b, b -> l", loops="l") == ["b -> l"]


def test_the_body_of_a_loop_ends_where_its_way_out_begins() -> None:
    graph = graph_of("t -> l, l.loop_body -> a, a -> b, b -> c, l.loop_done -> c", loops="l")

    assert loop_bodies(graph) == {"l": {"a", "b"}}


def test_handlers_need_no_edge_and_of_what_hangs_together_only_the_first_is_unreachable() -> None:
    graph = graph_of("t -> a, h -> b, x -> y, y -> z", handlers="h")

    assert unreachable(graph) == ["x"]
    assert unreachable(graph_of("t -> a, x -> y, y -> x")) == ["x"]


def test_a_workflow_longer_than_the_stack_is_no_traceback() -> None:
    graph = graph_of(", ".join(f"{'t' if n == 0 else f'n{n}'} -> n{n + 1}" for n in range(3000)))

    assert (cycles(graph), unreachable(graph)) == ([], [])


def test_of_the_worked_examples_only_those_about_cycles_have_one() -> None:
    folder = Path(__file__).parent.parent / "engine" / "scenarios"
    found = []
    for path in sorted(folder.glob("*.json")):
        document, _ = read_workflow(json.dumps(json.loads(path.read_text())["workflow"]), "w.json")
        assert document is not None
        workflow, _ = parse_workflow(document)
        assert workflow is not None
        graph, _ = bind_workflow(workflow, document)
        assert graph is not None, path.name
        if cycles(graph):
            found.append(path.stem)

    assert found == ["cycle", "error_edge_to_a_node_that_ran", "loop_and_token_reach_each_other"]
