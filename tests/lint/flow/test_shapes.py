"""What is known of values: from output schemas, from what nodes set, and not where it is not certain."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from botctl.lint.flow.flow import Flow
from botctl.lint.flow.shapes import DeadEnd
from botctl.nodes.shape import Shape, list_of, record
from botctl.nodes.shape_of_schema import shape_of
from botctl.tools.tool import Tool
from tests.lint.flow.world import call, code, count, each, flow_of, put, think

TEXT, NUMBER = {"type": "string"}, {"type": "number"}
ORDER = {
    "type": "object",
    "properties": {
        "status": TEXT,
        "total": NUMBER,
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
    },
    "$defs": {"Line": {"type": "object", "properties": {"price": NUMBER}, "additionalProperties": False}},
}
WRAPPED = {
    "title": "find_ordersOutput",
    "type": "object",
    "required": ["result"],
    "properties": {"result": {"type": "array", "items": {"$ref": "#/$defs/Line"}}},
    "$defs": ORDER["$defs"],
}


def at(nodes: Mapping[str, Any], path: str, schema: Any = None) -> Shape | str:
    """The shape of a path after these nodes; of a dead end its words."""
    ids = ["t", *nodes]
    tools = {"shop__find": Tool(name="shop__find", output_schema=schema)}
    flow: Flow = flow_of(nodes, [f"{one} -> {other}" for one, other in pairwise(ids)], tools=tools)
    found = flow.shapes.of(tuple(path.split(".")))
    if isinstance(found, DeadEnd):
        return f"{'.'.join(found.before)} has no {found.key}" + (
            f", but {found.meant}" if found.meant else ""
        )
    return found


@pytest.mark.parametrize(
    ("schema", "path", "expected"),
    [
        (ORDER, "order.status", Shape.TEXT),
        (ORDER, "order.lines.0.price", Shape.NUMBER),
        (ORDER, "order.lines.length", Shape.NUMBER),
        (ORDER, "order.lines.0.prise", "order.lines.0 has no prise, but price"),
        (ORDER, "order.lines.0.weight", "order.lines.0 has no weight"),
        (ORDER, "order.statuss", "order has no statuss, but status"),
        (ORDER, "order.customer", "order has no customer"),
        ({**ORDER, "additionalProperties": {"type": "string"}}, "order.customer", Shape.ANY),
        ({**ORDER, "additionalProperties": True}, "order.customer", Shape.ANY),
        ({**ORDER, "patternProperties": {"^x": {}}}, "order.customer", Shape.ANY),
        (ORDER, "order.error", Shape.TRUTH),
        (ORDER, "order.total.cents", "order.total has no cents"),
        ({**ORDER, "additionalProperties": False}, "order.customer", "order has no customer"),
        ({**ORDER, "additionalProperties": False}, "order.message", Shape.TEXT),
        (WRAPPED, "order.0.price", Shape.NUMBER),
        (WRAPPED, "order.price", "order has no price"),
        (WRAPPED, "order.error", Shape.TRUTH),
        ({**WRAPPED, "title": "Output"}, "order.result.0.price", Shape.NUMBER),
        (None, "order.anything.at.all", Shape.ANY),
    ],
)
def test_a_tool_s_output_schema_says_where_paths_lead(schema: Any, path: str, expected: Shape | str) -> None:
    assert at({"find": call("order")}, path, schema) == expected


@pytest.mark.parametrize(
    ("nodes", "path", "expected"),
    [
        ({"a": think("v")}, "v.text", Shape.TEXT),
        ({"a": think("v")}, "v.txt", "v has no txt, but text"),
        ({"a": think("v")}, "v.json", "v has no json"),
        ({"a": think("v"), "b": put("w", "{{v}}")}, "w.txt", "w has no txt, but text"),
        ({"a": put("v", "{{v}}")}, "v.x", Shape.ANY),
        ({"a": put("v", {"x": 1, "y": "{{message}}"})}, "v.x", Shape.NUMBER),
        ({"a": put("v", {"x": 1}), "b": put("v.z", 2)}, "v.z", Shape.ANY),
        ({"a": put("v", "x"), "b": put("v", 2)}, "v.x", Shape.ANY),
        ({"a": put("v", [{"x": 1}, {"x": 2}]), "b": each("v")}, "item.x", Shape.NUMBER),
        ({"a": each("attachments")}, "item.nmae", "item has no nmae, but name"),
        ({"a": each("attachments")}, "item.names", "item has no names, but name"),
        ({"a": count(3)}, "index.x", "index has no x"),
        ({"a": think("v"), "b": code("ctx.variables.v = 1")}, "v.x", Shape.ANY),
        ({"a": think("v"), "b": code("const v = ctx.variables.v; v.x = 1")}, "v.x", Shape.ANY),
        ({"a": think("v"), "b": code("ctx.variables.w = ctx.variables.v.text.trim()")}, "v.x", "v has no x"),
        ({"a": think("v"), "b": code("fill(ctx.variables)")}, "v.x", Shape.ANY),
        ({}, "message.length", Shape.NUMBER),
        ({}, "message.text", "message has no text"),
        ({}, "attachments.name", "attachments has no name"),
    ],
)
def test_what_nodes_set_says_where_paths_lead(nodes: Any, path: str, expected: Shape | str) -> None:
    assert at(nodes, path) == expected


@pytest.mark.parametrize(
    ("schema", "shape"),
    [
        (TEXT, Shape.TEXT),
        ({"type": ["string", "null"]}, Shape.TEXT),
        ({"type": ["string", "number"]}, Shape.ANY),
        ({"anyOf": [NUMBER, {"type": "null"}]}, Shape.NUMBER),
        ({"oneOf": [NUMBER, TEXT]}, Shape.ANY),
        ({"type": "array", "items": {"type": "boolean"}}, list_of(Shape.TRUTH)),
        ({"type": "object", "properties": {"a": TEXT}, "additionalProperties": False}, record(a=Shape.TEXT)),
        ({"type": "object", "properties": {"a": TEXT}, "allOf": []}, Shape.OBJECT),
        ({"$ref": "#/$defs/none"}, Shape.ANY),
        ({"$ref": "#"}, Shape.ANY),
        ({}, Shape.ANY),
        (True, Shape.ANY),
    ],
)  # fmt: skip
def test_a_json_schema_has_a_shape_as_far_as_it_is_certain(schema: Any, shape: Shape) -> None:
    assert shape_of(schema) == shape
