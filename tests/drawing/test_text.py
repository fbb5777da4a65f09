"""Outlines, Mermaid's language, and the path of a run."""

from __future__ import annotations

from typing import Any

from botctl.drawing.marked import Taken, marks_of, path_of
from botctl.drawing.mermaid import mermaid
from botctl.drawing.text import outline
from botctl.project.workflow_file import load_workflow
from botctl.source.diagnostic import Diagnostic
from botctl.store.steps import StepRow
from tests.drawing.world import ROOT, drawn_from, tangled

TRIGGER: dict[str, Any] = {"type": "trigger", "data": {"label": "On message"}}
CHECK: dict[str, Any] = {"type": "logic", "data": {"logicType": "if_else", "condition": "{{message}}"}}


def test_an_outline_tells_each_node_once_and_refers_to_it_after_that() -> None:
    graph = drawn_from(
        "t -> a", "a -> q", "q.true -> b", "b -> c", "q.false -> c", "c.error -> h", t=TRIGGER, q=CHECK
    )

    assert outline(graph) == "\n".join(
        [
            "t (trigger)  On message",
            "a (send_message)",
            "q (logic if_else)",
            "├─ true: b (send_message)",
            "│  c (send_message)",
            "│  └─ error: h (send_message)",
            "└─ false: → c",
        ]
    )


def test_an_outline_shows_the_path_of_a_run_and_what_was_found() -> None:
    graph = drawn_from("t -> a", "a -> b", t=TRIGGER)

    told = outline(
        graph, run=Taken(visited=frozenset({"t", "a"}), at=frozenset({"a"})), marks={"b": "warning"}
    )

    assert told.splitlines() == [
        "● t (trigger)  On message",
        "◉ a (send_message)",
        "○ b (send_message)  ! warning",
    ]


def test_an_outline_of_a_long_workflow_needs_no_deep_stack() -> None:
    graph = drawn_from(*(f"n{number} -> n{number + 1}" for number in range(5000)))

    assert len(outline(graph).splitlines()) == 5001


def test_what_no_trigger_leads_to_is_outlined_too() -> None:
    graph = tangled(12, 3)

    told = {line.lstrip("├└│─ ").removeprefix("next: ").split(" ")[0] for line in outline(graph).splitlines()}

    assert told - {"→", ""} == set(graph.nodes)


def test_mermaid_gets_no_character_that_means_something_to_it() -> None:
    graph = drawn_from("t -> a", "a.error -> b", t={"type": "trigger", "data": {"label": 'say "hi"; #1 <b>'}})

    assert mermaid(graph).splitlines() == [
        "flowchart TD",
        '    n0(["say #34;hi#34;#59; #35;1 #60;b#62;<br/><small>trigger</small>"])',
        '    n1["a<br/><small>send_message</small>"]',
        '    n2["b<br/><small>send_message</small>"]',
        "    n0 --> n1",
        '    n1 -.->|"error"| n2',
    ]


def test_mermaid_shows_the_path_of_a_run_and_what_was_found() -> None:
    graph = drawn_from("t -> a", "a -> b", t=TRIGGER)
    run = Taken(taken=frozenset({("t", "next", "a")}), visited=frozenset({"t", "a"}), at=frozenset({"a"}))

    told = mermaid(graph, run=run, marks={"b": "error"}).splitlines()

    assert [line.strip() for line in told if "class " in line or "linkStyle" in line] == [
        "linkStyle 0 stroke:#1f6feb,stroke-width:3px",
        "class n0 visited",
        "class n1 at",
        "class n2 error",
    ]


def test_the_path_of_a_run_is_what_its_journal_says() -> None:
    graph = drawn_from(
        "t -> q", "q.true -> a", "q.false -> b", "a.error -> h", "a -> c", "b -> c", t=TRIGGER, q=CHECK
    )
    steps = [_step("t", "next"), _step("q", "true"), _step("a", "", error="down"), _step("h", "next")]

    assert path_of(graph, steps, at=["h", "gone"]) == Taken(
        taken=frozenset({("t", "next", "q"), ("q", "true", "a"), ("a", "error", "h")}),
        visited=frozenset({"t", "q", "a", "h"}),
        at=frozenset({"h"}),
    )


def test_what_was_found_at_an_edge_marks_the_node_that_it_leaves() -> None:
    loaded = load_workflow(ROOT / "bots/hello/workflow.yaml")
    assert loaded.graph is not None and loaded.document is not None
    edge = loaded.graph.edges[0]
    span = loaded.document.span(edge.path)
    found = Diagnostic(code="WF999", severity="warning", message="", file=loaded.document.file, span=span)

    assert marks_of(loaded.graph, loaded.document, [found]) == {edge.source: "warning"}


def _step(node: str, handle: str, error: str | None = None) -> StepRow:
    return StepRow(0, 1, 0, node, "", "", "", handle, 0, 0, None, None, None, None, 0, 0, "", 0, error)
