"""Arguments are told when they surely do not fit, and never when they might."""

from __future__ import annotations

from typing import Any

import pytest

from botctl.expr.json_template import parse_json_template
from botctl.lint.argument_check import misfits, value_of

TEXT, NUMBER, WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}
ITEM = {"type": "object", "properties": {"name": TEXT, "count": WHOLE}, "required": ["name"]}


def schema(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def told(written: Any, schema: dict[str, Any]) -> list[str]:
    value = value_of(parse_json_template(written).root)
    found = misfits(value, schema, schema)
    return [f"{'.'.join(map(str, one.path))} {one.kind} {one.message}".strip() for one in found]


@pytest.mark.parametrize(
    ("written", "schema"),
    [
        ({"n": "{{n}}"}, schema(n=WHOLE)),
        ('{"n": {{n}}}', schema(n=WHOLE)),
        ({"n": 3}, schema(n=NUMBER)),
        ({"n": 3.0}, schema(n=WHOLE)),
        ({"t": "a {{b}} c"}, schema(t=TEXT)),
        ({"t": "a {{b}} c"}, schema(t={"enum": ["a x c"]})),
        ({"t": None}, schema(t={"type": ["string", "null"]})),
        ({"t": None}, schema(t={"anyOf": [TEXT, {"type": "null"}]})),
        ({"{{name}}": 1}, schema(("needed",), needed=TEXT)),
        ({"list": "{{items}}"}, schema(list={"type": "array", "items": ITEM})),
        ({"list": [{"name": "{{x}}", "count": "{{y}}"}]}, schema(list={"type": "array", "items": ITEM})),
        ({"further": 1}, schema(name=TEXT)),
        ({"namee": 1}, {**schema(name=TEXT), "patternProperties": {"^n": NUMBER}}),
        ({"other": 1}, {**schema(name=TEXT), "additionalProperties": NUMBER}),
        ({"x": 1}, schema(x={"$ref": "https://example.com/x.json"})),
        ({"x": 1}, schema(x={"$ref": "#/$defs/missing"})),
        ({"x": 1}, schema(x={"type": "of-its-own"})),
        ({"x": "anything"}, schema(x=True)),
        ({"x": {"a": 1}}, schema(x={"oneOf": [schema(("a",), a=NUMBER), schema(("b",), b=NUMBER)]})),
        ({"x": True}, schema(x={"const": True})),
        ({}, {}),
        ({"x": 1}, {"type": "object"}),
        ({"x": 5}, schema(x={"minimum": 5, "maximum": 5})),
    ],
)
def test_what_may_fit_is_not_told(written: Any, schema: dict[str, Any]) -> None:
    assert told(written, schema) == []


@pytest.mark.parametrize(
    ("written", "schema", "expected"),
    [
        ({}, schema(("a", "b"), a=TEXT), ["missing the arguments `a` and `b`"]),
        ({"n": "3"}, schema(n=NUMBER), ["n type should be a number, not text"]),
        ({"n": True}, schema(n=WHOLE), ["n type should be a whole number, not true"]),
        ({"n": 1.5}, schema(n=WHOLE), ["n type should be a whole number, not the number 1.5"]),
        ({"n": "a {{b}}"}, schema(n=NUMBER), ["n type should be a number, not text"]),
        (
            {"t": 3},
            schema(t={"anyOf": [TEXT, {"type": "null"}]}),
            ["t type should be text or null, not the number 3"],
        ),
        ({"u": "kelvn"}, schema(u={"enum": ["kelvin", 1]}), ["u word cannot be `kelvn`"]),
        ({"u": 1}, schema(u={"const": True}), ["u word cannot be `1`"]),
        ({"u": None}, schema(u=TEXT), ["u type should be text, not null"]),
        ({"nam": 1}, schema(("name",), name=TEXT), ["nam unknown"]),
        ({"x": 1}, {**schema(name=TEXT), "additionalProperties": False}, ["x unknown"]),
        (
            {"o": {"x": "1"}},
            {**schema(), "additionalProperties": schema(x=WHOLE)},
            ["o.x type should be a whole number, not text"],
        ),
        (
            {"l": [{"count": 1}]},
            schema(l={"type": "array", "items": ITEM}),
            ["l.0 missing the argument `name`"],
        ),
        ({"l": "a, b"}, schema(l={"type": "array"}), ["l type should be a list, not text"]),
        (
            {"x": 0},
            schema(x={"type": "integer", "exclusiveMinimum": 0}),
            ["x value should be more than 0, not 0"],
        ),
        (
            {"i": {"nam": "tea"}},
            {**schema(i={"$ref": "#/$defs/Item"}), "$defs": {"Item": ITEM}},
            ["i.nam unknown"],
        ),
        (
            {"x": {"a": "1"}},
            schema(x={"anyOf": [schema(("a",), a=NUMBER), {"type": "null"}]}),
            ["x.a type should be a number, not text"],
        ),
        (
            {"x": {"c": 1}},
            schema(x={"anyOf": [schema(("a",), a=NUMBER), schema(("b",), b=NUMBER)]}),
            ["x value fits none of the ways in which it may be written"],
        ),
    ],
)
def test_what_surely_does_not_fit_is_told(written: Any, schema: dict[str, Any], expected: list[str]) -> None:
    assert told(written, schema) == expected


def test_a_schema_that_refers_to_itself_comes_to_an_end() -> None:
    tree: dict[str, Any] = {"$ref": "#/$defs/Tree"}
    whole = {
        **schema(tree=tree),
        "$defs": {
            "Tree": schema(children={"type": "array", "items": tree}, name=TEXT),
            "Loop": {"$ref": "#/$defs/Loop"},
        },
    }

    assert told({"tree": {"children": [{"children": [{"name": 1}]}]}}, whole) == [
        "tree.children.0.children.0.name type should be text, not the number 1"
    ]
    assert told({"x": 1}, {**whole, "properties": {"x": {"$ref": "#/$defs/Loop"}}}) == []


def test_a_close_name_is_ignored_by_an_open_schema_and_is_an_error_where_it_was_needed() -> None:
    whole = schema(("order_id",), order_id=TEXT, verbose={"type": "boolean"})
    value = value_of(parse_json_template({"orderid": "1", "verbos": True}).root)

    assert [(one.path, one.close, one.is_ignored) for one in misfits(value, whole, whole)] == [
        (("orderid",), "order_id", False),
        (("verbos",), "verbose", True),
    ]
