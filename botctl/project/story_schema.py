"""The JSON Schema of stories, with their short forms: one entry for a list, a text for what has one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from botctl.project.model_schema import Schema, inlined, reference
from botctl.project.stories import ModelStub
from botctl.spec.story import Decision, StoryFile

_TEXT: Schema = {"type": "string"}
_SHORT: Mapping[str, list[Schema]] = {
    "ExpectedText": [_TEXT],
    "ExpectedMessage": [_TEXT],
    "ExpectedElsewhere": [_TEXT],
    "ExpectedHandoff": [_TEXT],
    "ExpectedSchedule": [_TEXT],
    "ExpectedCall": [
        _TEXT,
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": {"type": "object"},
        },
    ],
    "Decision": [{"enum": list(get_args(Decision.model_fields["answer"].annotation))}],
    "ToolStub": [],
}
"""What may stand in place of each, shorter; and of which one alone may stand for a list of one."""
_ONE_OR_MORE = frozenset({"contains", "lacks"})


def story_schema() -> Schema:
    """Stories; what a model answers is an entry as the scripted provider has them."""
    definitions: Schema = {}
    schema = inlined(StoryFile, definitions)
    stub = reference(ModelStub, definitions)
    models = {"anyOf": [{"const": "script"}, {"type": "array", "items": stub}, {"type": "null"}]}
    for given in (schema, definitions["Story"]):
        field = given["properties"]["models"]
        given["properties"]["models"] = {**models, "description": field.get("description", "")}
    whole = {**schema, "$defs": definitions}
    return {**_with_short_forms(whole, ""), "title": "Stories: bots/<bot>/tests/*.yaml"}


def _with_short_forms(schema: Any, name: str) -> Any:
    """name: of the field that this is about."""
    if isinstance(schema, list):
        return [_with_short_forms(one, name) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        short = _SHORT.get(schema["$ref"].rpartition("/")[2], [])
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return {**rest, "anyOf": [*short, {"$ref": schema["$ref"]}]} if short else schema
    if schema.get("type") == "array" and _may_be_one(schema.get("items", {}), name):
        items = _with_short_forms(schema["items"], name)
        rest = {key: value for key, value in schema.items() if key not in ("type", "items")}
        return {**rest, "anyOf": [items, {"type": "array", "items": items}]}
    inside = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            inside[key] = {field: _with_short_forms(one, field) for field, one in value.items()}
        else:
            inside[key] = _with_short_forms(value, name)
    return inside


def _may_be_one(items: Schema, name: str) -> bool:
    return name in _ONE_OR_MORE or items.get("$ref", "").rpartition("/")[2] in _SHORT
