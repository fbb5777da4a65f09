"""Rules about ways out, loops and errors: where they keep quiet."""

from __future__ import annotations

import pytest

from botctl.lint.workflow import lint_workflow
from botctl.lint.workflow_site import Surroundings
from botctl.project.bind import bind_workflow
from botctl.spec.workflow_parse import parse_workflow, read_workflow


def codes(nodes: str, edges: str, around: Surroundings | None = None) -> list[str]:
    """The codes of what is found in a workflow that begins with `t`."""
    text = f"nodes:\n  - {{id: t, type: trigger, data: {{}}}}\n{nodes}edges: [{edges}]\n"
    document, found = read_workflow(text, "w.yaml")
    assert document is not None, found
    workflow, found = parse_workflow(document)
    assert workflow is not None and not found, found
    graph, found = bind_workflow(workflow, document)
    assert graph is not None, found
    return [one.code for one in lint_workflow(graph, document, around or Surroundings())]


def says(*ids: str) -> str:
    return "".join(f"  - {{id: {id}, type: send_message, data: {{message: Hi}}}}\n" for id in ids)


def chain(length: int) -> tuple[str, str]:
    ids = [f"n{number}" for number in range(length)]
    edges = ", ".join(f"{one} -> {other}" for one, other in zip(["t", *ids], ids, strict=False))
    return says(*ids), edges


HANDOFF = "  - {id: ask, type: action, data: {actionType: human_handoff, reason: May I?}}\n"
ON_MESSAGE = "  - {id: s, type: logic, data: {logicType: switch, variable: message, cases: [a]}}\n"
PROACTIVE = (
    "  - {id: p, type: send_proactive, data: {message: Hi, target_platform: x, target_channel_id: c}}\n"
)
WHILE = '  - {id: l, type: loop, data: {loopType: while, condition: "{{message}} == more"}}\n'


@pytest.mark.parametrize(
    ("nodes", "edges"),
    [
        (ON_MESSAGE + says("a"), "t -> s, s.case_a -> a"),  # what users write may be left unanswered
        (HANDOFF + PROACTIVE + says("a"), "t -> p, p -> ask, ask.approved -> a"),  # nobody may be waiting
        (HANDOFF, "t -> ask"),  # nothing follows at all: it is only meant to tell somebody
        ("  - {id: w, type: logic, data: {logicType: wait, timeout: 1h}}\n" + says("a"), "t -> w, w -> a"),
    ],
)
def test_an_outcome_may_be_left_open_where_that_may_be_meant(nodes: str, edges: str) -> None:
    assert codes(nodes, edges) == []


def test_an_edge_that_is_missing_is_told_once() -> None:
    assert codes(HANDOFF + says("a", "no"), "t -> ask, ask.approved -> a") == ["WF203"]


@pytest.mark.parametrize(
    ("nodes", "edges"),
    [
        ("  - {id: w, type: logic, data: {logicType: wait}}\n", "t -> l, l.loop_body -> w"),
        (
            "  - {id: w, type: code_block, data: {code: 'ctx.variables[ctx.message] = 1;'}}\n",
            "t -> l, l.loop_body -> w",
        ),
        (HANDOFF + says("no"), "t -> l, l.loop_body -> ask, ask.rejected -> no"),
    ],
)
def test_a_while_whose_condition_may_change_is_fine(nodes: str, edges: str) -> None:
    assert codes(WHILE + nodes, edges) == []


def test_a_while_that_asks_for_what_nothing_in_it_sets_is_told() -> None:
    assert codes(WHILE + says("a"), "t -> l, l.loop_body -> a") == ["WF213"]


def test_a_run_that_is_too_long_is_told_by_the_limit_of_its_bot() -> None:
    nodes, edges = chain(50)

    assert codes(nodes, edges) == ["WF216"]
    assert codes(nodes, edges, Surroundings(max_nodes=51)) == []
    assert codes(*chain(49)) == []


def test_a_long_way_that_a_decision_may_leave_is_fine() -> None:
    nodes, edges = chain(60)
    decision = '  - {id: q, type: logic, data: {logicType: if_else, condition: "{{message}} == x"}}\n'

    assert codes(decision + nodes, edges.replace("t -> n0", "t -> q, q.true -> n0")) == []


def test_two_ways_to_one_handler_and_one_without_edges_are_fine() -> None:
    handlers = "".join(f"  - {{id: {id}, type: error_handler, data: {{}}}}\n" for id in ("h", "lone"))

    assert codes(says("a", "b") + handlers, "t -> a, a -> b, a.error -> h, b.error -> h") == []


def test_a_schema_with_words_of_any_draft_is_fine() -> None:
    node = (
        "  - {id: m, type: llm_call, data: {prompt: x, schema: {$schema: 'http://json-schema.org/draft-07/schema#',"
        " type: object, properties: {a: {type: [string, 'null'], format: email}}}}}\n"
    )

    assert codes(node, "t -> m") == []
