"""Workflows are read from every form that they are written, exported or stored in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from botctl.source.diagnostic import Diagnostic
from botctl.spec.workflow import WorkflowSpec
from botctl.spec.workflow_parse import parse_workflow, read_workflow

EXPORT = {
    "nodes": [
        {"id": "start", "type": "trigger", "data": {}, "position": {"x": 0, "y": 0}},
        {"id": "check", "type": "logic", "data": {"logicType": "if_else"}, "selected": False, "width": 150},
    ],
    "edges": [
        {"id": "e1", "source": "start", "target": "check", "sourceHandle": None, "animated": True},
        {"id": "e2", "source": "check", "target": "start", "sourceHandle": "true", "type": "smoothstep"},
    ],
    "viewport": {"x": 0, "y": 0, "zoom": 1},
}


def parsed(text: str, file: str = "workflow.yaml") -> WorkflowSpec:
    document, diagnostics = read_workflow(text, file)
    assert document is not None, diagnostics
    workflow, diagnostics = parse_workflow(document)
    assert workflow is not None, diagnostics
    assert diagnostics == []
    return workflow


def mistakes(text: str, file: str = "workflow.yaml") -> list[Diagnostic]:
    document, diagnostics = read_workflow(text, file)
    return diagnostics if document is None else parse_workflow(document)[1]


def said(text: str, file: str = "workflow.yaml") -> tuple[str, str, str]:
    (found,) = mistakes(text, file)
    return found.code, found.message, found.help


@pytest.mark.parametrize(
    ("text", "file"),
    [
        (json.dumps(EXPORT), "w.json"),
        (json.dumps(EXPORT, indent="\t"), "w.yaml"),
        (json.dumps(json.dumps(EXPORT)), "w.json"),
        (json.dumps({"workflow_json": EXPORT}), "w.json"),
        (json.dumps({"workflow_json": json.dumps(EXPORT)}), "w.json"),
        (json.dumps({"id": "bt_1", "workflow_json": json.dumps(EXPORT), "workflow_enabled": 1}), "w.json"),
        ("workflow_json: |\n  " + json.dumps(EXPORT, indent=2).replace("\n", "\n  "), "w.yaml"),
    ],
)
def test_an_export_loads_in_every_form_that_platforms_store_it_in(text: str, file: str) -> None:
    workflow = parsed(text, file)

    assert [(node.id, node.type) for node in workflow.nodes] == [("start", "trigger"), ("check", "logic")]
    assert [(e.source, e.handle, e.target) for e in workflow.edges] == [
        ("start", "next", "check"),
        ("check", "true", "start"),
    ]
    assert workflow.text == text


def test_edges_may_be_written_as_text() -> None:
    workflow = parsed(
        "nodes: [{id: a, type: x}, {id: b.c, type: x}]\n"
        "edges: [a -> b.c, a.true->b.c, b.c.case_1.5 -> a, b.c -> a,\n"
        "        {source: a, target: a, sourceHandle: true}]\n"
    )

    assert [(edge.source, edge.handle, edge.target) for edge in workflow.edges] == [
        ("a", "next", "b.c"),
        ("a", "true", "b.c"),
        ("b.c", "case_1.5", "a"),
        ("b.c", "next", "a"),
        ("a", "true", "a"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "text",
        "5",
        "nodes: []",
        "edges: []",
        "nodes: {}\nedges: []",
        '{"nodes": [], "edges": "x"}',
        "{}",
    ],
)
def test_what_is_no_workflow_is_told_in_the_products_words(text: str) -> None:
    assert said(text)[:2] == ("WF110", "a workflow must contain nodes (array) and edges (array)")


def test_json_that_does_not_parse_is_told_in_the_products_words() -> None:
    assert said('{"nodes": [}', "w.json")[1] == "JSON must parse"
    assert said('{"workflow_json": "{\\"nodes\\": [}"}', "w.json")[1] == "JSON must parse"


@pytest.mark.parametrize(
    ("nodes", "edges", "message", "help"),
    [
        ("[{type: loop}]", "[]", "this loop node has no `id`", "add an `id`, such as `id: loop_1`"),
        (
            "[{type: loop}, {id: loop_1, type: loop}]",
            "[]",
            "this loop node has no `id`",
            "add an `id`, such as `id: loop_2`",
        ),
        (
            "[{type: loop}, {id: a, type: loop}]",
            "[a -> each]",
            "this loop node has no `id`",
            "add `id: each`, which edges name",
        ),
        ("[{id: a}]", "[]", "node `a` has no `type`", "add its `type`"),
        ("[{id: a, typ: loop}]", "[]", "a node has no field `typ`", "did you mean `type`?"),
        ("[{ID: a, type: loop}]", "[]", "a node has no field `ID`", "did you mean `id`?"),
        ("[{id: 1, type: loop}]", "[]", "`id` should be text, not a number", 'put it in quotes: `id: "1"`'),
        ("[{id: '', type: loop}]", "[]", "`id` is empty", "write a name after `id`"),
        (
            "[{id: a, type: loop, message: hi}]",
            "[]",
            "a node has no field `message`",
            "a node has `id`, `type` and `data`; what its type has belongs under `data`",
        ),
        ("[hello]", "[]", "a node should be a mapping, not text", "write its `id`, `type` and `data`"),
        (
            "[{id: a, type: loop, data: []}]",
            "[]",
            "`data` should be a mapping, not a list",
            "write its fields as `field: value`",
        ),
        (
            "[]",
            "[a b]",
            "the edge `a b` cannot be read",
            "write `a -> b`, or `a.true -> b` for the handle `true`",
        ),
        (
            "[]",
            "[a -> b -> c]",
            "the edge `a -> b -> c` cannot be read",
            "write one edge for each: `a -> b`, `b -> c`",
        ),
        (
            "[]",
            "[{source: a}]",
            "this edge has no `target`",
            "add `target`: the id of the node it leads to",
        ),
        ("[]", "[{source: a, traget: b}]", "an edge has no field `traget`", "did you mean `target`?"),
        (
            "[]",
            "[5]",
            "an edge should be a mapping or text such as `a -> b`, not a number",
            "write its `source` and `target`",
        ),
        (
            "[]",
            "[{source: a, target: b, sourceHandle: 5}]",
            "`sourceHandle` should be text, not a number",
            "put it in quotes",
        ),
    ],
)
def test_a_mistake_is_one_diagnostic_with_a_way_out(nodes: str, edges: str, message: str, help: str) -> None:
    assert said(f"nodes: {nodes}\nedges: {edges}\n")[1:] == (message, help)


def test_editors_keys_are_let_pass_beside_data_and_not_in_it() -> None:
    from botctl.spec.editor_keys import EDGE_EXTRAS, NODE_EXTRAS, WORKFLOW_EXTRAS

    workflow = {
        **dict.fromkeys(WORKFLOW_EXTRAS, 1),
        "nodes": [{**dict.fromkeys(NODE_EXTRAS, 1), "id": "a", "type": "trigger", "data": {"x": 1}}],
        "edges": [{**dict.fromkeys(EDGE_EXTRAS, 1), "source": "a", "target": "a"}],
    }

    assert parsed(json.dumps(workflow), "w.json").nodes[0].data == {"x": 1}


def test_every_published_example_is_read() -> None:
    folder = Path(__file__).parent.parent / "examples" / "published_complete"

    for path in folder.glob("*.json"):
        assert parsed(path.read_text(), path.name).nodes
