"""Arguments against a tool's schema."""

from __future__ import annotations

from typing import Any

import pytest

from botctl.tools.arguments import check_arguments
from botctl.tools.tool import Tool

SCHEMA = {
    "type": "object",
    "properties": {
        "order_id": {"type": "string"},
        "items": {"type": "array", "items": {"type": "integer"}},
    },
    "required": ["order_id"],
}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"order_id": "1042"}, None),
        ({}, "'order_id' is a required property"),
        ({"order_id": 1042}, "argument `order_id`: 1042 is not of type 'string'"),
        ({"order_id": "1", "items": [1, "x"]}, "argument `items.1`: 'x' is not of type 'integer'"),
        ({"items": ["x"], "order_id": 3}, "argument `items.0`: 'x' is not of type 'integer'"),
    ],
)
def test_the_first_problem_names_its_argument(arguments: dict[str, Any], problem: str | None) -> None:
    assert check_arguments(Tool(name="shop__get", input_schema=SCHEMA), arguments) == problem


@pytest.mark.parametrize("schema", [{}, {"type": "wrong"}, {"$ref": "https://example.invalid/schema.json"}])
def test_a_schema_that_says_nothing_useful_refuses_nothing(schema: dict[str, Any]) -> None:
    assert check_arguments(Tool(name="shop__get", input_schema=schema), {"a": 1}) is None
