"""Binding gives names their meaning; a graph comes out only if all of them have one."""

from __future__ import annotations

import pytest

from botctl.project.bind import RUNNABLE, bind_workflow
from botctl.project.graph import Graph
from botctl.source.diagnostic import Diagnostic
from botctl.spec.workflow_parse import parse_workflow, read_workflow

NODES = """\
nodes:
  - {id: start, type: trigger, data: {}}
  - {id: check, type: logic, data: {logicType: if_else, condition: "{{message}} == a"}}
  - {id: answer, type: send_message, data: {message: Hello}}
  - {id: bye, type: action, data: {actionType: end_conversation}}
edges:
  - start -> check
"""


def bound(text: str) -> tuple[Graph | None, list[Diagnostic]]:
    document, diagnostics = read_workflow(text, "workflow.yaml")
    assert document is not None, diagnostics
    workflow, diagnostics = parse_workflow(document)
    assert workflow is not None, diagnostics
    assert diagnostics == []
    return bind_workflow(workflow, document)


def mistake(text: str) -> tuple[str, str, tuple[int, int, int], str]:
    graph, (found,) = bound(text)
    assert graph is None or found.severity == "warning" or found.code in RUNNABLE
    assert found.span is not None
    place = (found.span.line, found.span.column, found.span.end_column)
    return found.code, found.message, place, found.help


def test_a_workflow_that_means_something_becomes_a_graph() -> None:
    graph, diagnostics = bound(
        NODES + "  - check.true -> answer\n  - {source: check, target: bye, sourceHandle: 'false'}\n"
    )

    assert diagnostics == []
    assert graph is not None
    assert graph.targets("check", "true") == ("answer",)
    assert graph.nodes["answer"].data.message == "Hello"
    assert graph.wired("check") == {"true", "false"}


@pytest.mark.parametrize(
    ("edge", "expected"),
    [
        (
            "check.yes -> answer",
            (
                "WF206",
                "node `check` has no way out `yes`",
                (8, 11, 14),
                "its ways out are `true` and `false`, and `error`",
            ),
        ),
        (
            "check.fasle -> answer",
            ("WF206", "node `check` has no way out `fasle`", (8, 11, 16), "did you mean `false`?"),
        ),
        (
            "check -> answer",
            (
                "WF206",
                "an edge of `check` does not say which way out it takes",
                (8, 5, 10),
                "its ways out are `true` and `false`, and `error`",
            ),
        ),
        (
            "{source: check, target: answer, sourceHandle: maybe}",
            (
                "WF206",
                "node `check` has no way out `maybe`",
                (8, 51, 56),
                "its ways out are `true` and `false`, and `error`",
            ),
        ),
        (
            "bye -> answer",
            (
                "WF206",
                "node `bye` has no way out `next`",
                (8, 5, 8),
                "nothing follows this node; only `error` may lead on",
            ),
        ),
        (
            "answer -> awnser",
            (
                "WF205",
                "an edge leads to `awnser`, which is not a node",
                (8, 15, 21),
                "did you mean `answer`?",
            ),
        ),
        (
            "{source: nobody, target: answer}",
            (
                "WF205",
                "an edge comes from `nobody`, which is not a node",
                (8, 14, 20),
                "add a node with the id `nobody`, or take the edge out",
            ),
        ),
        (
            "start -> check",
            (
                "WF207",
                "the edge from `start` to `check` stands here twice",
                (8, 5, 19),
                "take one of them out",
            ),
        ),
    ],
)
def test_an_edge_that_leads_nowhere_is_told_with_what_is_there(
    edge: str, expected: tuple[str, str, tuple[int, int, int], str]
) -> None:
    assert mistake(f"{NODES}  - {edge}\n") == expected


def test_every_node_may_have_an_error_edge() -> None:
    assert bound(NODES + "  - bye.error -> answer\n")[1] == []


@pytest.mark.parametrize(
    ("node", "code", "message", "help"),
    [
        ("{id: a, type: triger}", "WF211", "there is no node type `triger`", "did you mean `trigger`?"),
        (
            "{id: a, type: sendMessage}",
            "WF211",
            "there is no node type `sendMessage`",
            "did you mean `send_message`?",
        ),
        (
            "{id: a, type: send_message, data: {mesage: hi}}",
            "WF101",
            "a send_message node has no field `mesage`",
            "did you mean `message`?",
        ),
        (
            "{id: a, type: logic, data: {logicType: ifelse, condition: x}}",
            "WF104",
            "`logicType` cannot be `ifelse`",
            "did you mean `if_else`?",
        ),
        (
            "{id: a, type: logic, data: {logicType: if_else}}",
            "WF106",
            "`condition` is needed for if_else",
            "add `condition`",
        ),
        (
            "{id: start, type: parallel}",
            "WF204",
            "two nodes have the id `start`",
            "give one of them another id, and lead its edges there",
        ),
    ],
)
def test_a_node_that_means_nothing_is_told(node: str, code: str, message: str, help: str) -> None:
    found = mistake(NODES.replace("edges:", f"  - {node}\nedges:"))

    assert (found[0], found[1], found[3]) == (code, message, help)


def test_one_wrong_node_does_not_make_its_edges_wrong_too() -> None:
    graph, found = bound(NODES.replace("type: logic", "type: logik") + "  - check.true -> answer\n")

    assert graph is None
    assert [diagnostic.code for diagnostic in found] == ["WF211"]
