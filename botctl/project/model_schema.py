"""The JSON Schemas of models: what pydantic says of them, documented, without titles that say nothing."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from botctl.section import described

Schema = dict[str, Any]

ENVIRONMENT: Schema = {
    "type": "string",
    "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}",
    "description": "`${NAME}` or `${NAME:-default}`, from the environment or .env.",
}
"""What may stand in place of any number or word in bot.yaml, workspaces and botctl.yaml."""


def inlined(model: type[BaseModel], definitions: Schema) -> Schema:
    """The schema of a model; those of the models in it go to `definitions`."""
    schema = described(model).model_json_schema(ref_template="#/$defs/{model}")
    definitions.update(schema.pop("$defs", {}))
    schema.pop("description", None)
    return schema


def reference(model: type[BaseModel], definitions: Schema) -> Schema:
    """A reference to a model's schema, which goes to `definitions`."""
    definitions[model.__name__] = inlined(model, definitions)
    return {"$ref": f"#/$defs/{model.__name__}"}


def or_nothing(schema: Schema) -> Schema:
    """The same, or null: a key that nothing stands behind."""
    return {"anyOf": [schema, {"type": "null"}]}


def with_environment(schema: Any) -> Any:
    """The same where `${NAME}` may stand for what is no text."""
    if isinstance(schema, list):
        return [with_environment(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inside = {
        key: value if key in ("default", "enum") else with_environment(value) for key, value in schema.items()
    }
    is_plain = inside.get("type") in ("integer", "number", "boolean") or (
        "enum" in inside and inside.get("type") == "string"
    )
    if not is_plain:
        return inside
    told = {key: inside.pop(key) for key in ("description", "default", "title") if key in inside}
    return {**told, "anyOf": [inside, {key: ENVIRONMENT[key] for key in ("type", "pattern")}]}


def without_titles(schema: Any) -> Any:
    """The same without the titles that pydantic makes of the names of fields and classes."""
    if isinstance(schema, list):
        return [without_titles(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for key, value in schema.items():
        if key == "properties" and isinstance(value, dict):
            kept[key] = {name: without_titles(field) for name, field in value.items()}
        elif key != "title" or not isinstance(value, str):
            kept[key] = without_titles(value)
    return kept
