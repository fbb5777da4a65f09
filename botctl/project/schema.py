"""JSON Schemas of all kinds of files, made from the records, for editors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from botctl.errors import UserError
from botctl.nodes import NODE_TYPES
from botctl.platforms import PLATFORMS
from botctl.section import described
from botctl.spec.bot import BotSpec
from botctl.spec.editor_keys import EDGE_EXTRAS, NODE_EXTRAS, WORKFLOW_EXTRAS
from botctl.spec.project import ProjectSpec
from botctl.spec.workspace import WorkspaceSpec

Schema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Schema = {"type": "string"}


def schema_for(kind: str) -> Schema:
    """The JSON Schema (2020-12) of a kind of file: one of `KINDS`."""
    if kind not in KINDS:
        raise UserError(f"there is no schema for `{kind}`", help="one of " + ", ".join(KINDS))
    return {"$schema": _DIALECT, **KINDS[kind]()}


def _bot() -> Schema:
    """bot.yaml, with the settings of each platform."""
    definitions: Schema = {}
    schema = _inlined(BotSpec, definitions)
    schema["properties"]["platforms"] = {
        "type": "object",
        "description": schema["properties"]["platforms"].get("description", ""),
        "additionalProperties": False,
        "properties": {
            platform.name: {"anyOf": [_reference(platform.settings, definitions), {"type": "null"}]}
            for platform in PLATFORMS
        },
    }
    return {**schema, "title": "A bot: bot.yaml", "$defs": definitions}


def _workspace() -> Schema:
    definitions: Schema = {}
    schema = _inlined(WorkspaceSpec, definitions)
    return {**schema, "title": "A workspace: workspaces/<name>.yaml", "$defs": definitions}


def _project() -> Schema:
    definitions: Schema = {}
    return {**_inlined(ProjectSpec, definitions), "title": "A project: botctl.yaml", "$defs": definitions}


def _workflow() -> Schema:
    """nodes and edges; what may stand under `data` depends on the node's type."""
    definitions: Schema = {}
    kinds = [
        {
            "if": {"properties": {"type": {"const": node_type.name}}, "required": ["type"]},
            "then": {"properties": {"data": _reference(node_type.data, definitions)}},
        }
        for node_type in NODE_TYPES
    ]
    node = {
        "type": "object",
        "required": ["id", "type"],
        "properties": {
            **_anything(NODE_EXTRAS),
            "id": {**_TEXT, "description": "The node's name: edges and traces use it."},
            "type": {
                "description": "What the node does.",
                "oneOf": [{"const": t.name, "description": _first_line(t.doc)} for t in NODE_TYPES],
            },
            "data": {"type": "object", "description": "What this node type is told."},
        },
        "additionalProperties": False,
        "allOf": kinds,
    }
    edge = {
        "type": "object",
        "required": ["source", "target"],
        "properties": {
            **_anything(EDGE_EXTRAS),
            "source": {**_TEXT, "description": "The id of the node it comes from."},
            "target": {**_TEXT, "description": "The id of the node it leads to."},
            "sourceHandle": {
                "type": ["string", "boolean", "null"],
                "description": "The way out that it takes, such as true or case_billing; next if left out.",
            },
        },
        "additionalProperties": False,
    }
    short = {**_TEXT, "pattern": "->", "description": "Short: `a -> b`, or `a.true -> b`."}
    return {
        "title": "A workflow",
        "type": "object",
        "required": ["nodes", "edges"],
        "properties": {
            **_anything(WORKFLOW_EXTRAS),
            "nodes": {"type": "array", "items": node, "description": "The steps."},
            "edges": {
                "type": "array",
                "items": {"anyOf": [short, edge]},
                "description": "What follows what.",
            },
        },
        "additionalProperties": False,
        "$defs": definitions,
    }


KINDS: dict[str, Callable[[], Schema]] = {
    "bot": _bot,
    "workspace": _workspace,
    "workflow": _workflow,
    "project": _project,
}
"""The kinds of files that have a schema."""


def _inlined(model: type[BaseModel], definitions: Schema) -> Schema:
    """The schema of a model; those of the models in it go to `definitions`."""
    schema = described(model).model_json_schema(ref_template="#/$defs/{model}")
    definitions.update(schema.pop("$defs", {}))
    schema.pop("description", None)
    return schema


def _reference(model: type[BaseModel], definitions: Schema) -> Schema:
    definitions[model.__name__] = _inlined(model, definitions)
    return {"$ref": f"#/$defs/{model.__name__}"}


def _anything(names: frozenset[str]) -> Schema:
    """Keys that are known and ignored."""
    return dict.fromkeys(sorted(names), True)


def _first_line(doc: str | None) -> str:
    return (doc or "").strip().split("\n")[0]
