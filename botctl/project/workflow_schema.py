"""The JSON Schema of workflows: what may stand under `data` depends on the node's type, and in some types on
one word more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from botctl.nodes import NODE_TYPES, action, logic, loop
from botctl.nodes.node_type import NodeType
from botctl.nodes.variants import Variant
from botctl.project.model_schema import Schema, or_nothing, reference
from botctl.spec.editor_keys import EDGE_EXTRAS, NODE_EXTRAS, WORKFLOW_EXTRAS
from botctl.spec.workflow_parse import EXPORTED

_TEXT: Schema = {"type": "string"}

HANDLES: Mapping[str, str] = {
    "next": "The plain way on.",
    "true": "if_else: the condition holds.",
    "false": "if_else: the condition does not hold.",
    "case_default": "switch: none of the cases.",
    "timeout": "wait: nobody wrote in time.",
    "loop_body": "loop: what is repeated.",
    "loop_done": "loop: what follows when it is over.",
    "verified": "auth_gate: the user proved the email address or phone number.",
    "failed": "auth_gate: the user did not.",
    "approved": "human_handoff: a person said yes.",
    "rejected": "human_handoff: a person said no; also expired, if that has no edge.",
    "expired": "human_handoff: nobody decided in time.",
    "error": "Any node: it failed.",
}
"""The ways out that nodes have, beside `case_<value>` of a switch."""

_VARIANTS: Mapping[str, tuple[str, Mapping[str, Variant]]] = {
    "logic": ("logicType", logic.VARIANTS),
    "loop": ("loopType", loop.VARIANTS),
    "action": ("actionType", action.VARIANTS),
}
"""For the types of which one word says which other fields belong: the word's field, and what it says."""


def workflow_schema() -> Schema:
    """nodes and edges, or what the platform exports."""
    definitions: Schema = {}
    workflow = {
        "type": "object",
        "properties": {
            **_anything(WORKFLOW_EXTRAS),
            "nodes": {"type": "array", "items": _node(definitions), "description": "The steps."},
            "edges": {
                "type": "array",
                "items": {"anyOf": [_short_edge(), _edge()]},
                "description": "What follows what.",
            },
            EXPORTED: {
                "type": ["object", "string"],
                "description": "A workflow as the platform exports it, in place of `nodes` and `edges`.",
            },
        },
        "anyOf": [{"required": ["nodes", "edges"]}, {"required": [EXPORTED]}],
        "additionalProperties": False,
    }
    return {"title": "A workflow", **workflow, "$defs": definitions}


def _node(definitions: Schema) -> Schema:
    return {
        "type": "object",
        "required": ["id", "type"],
        "properties": {
            **_anything(NODE_EXTRAS),
            "id": {**_TEXT, "minLength": 1, "description": "The node's name: edges and traces use it."},
            "type": {
                "description": "What the node does.",
                "oneOf": [
                    {
                        "const": one.name,
                        "description": _title(one),
                        "markdownDescription": (one.doc or "").strip(),
                    }
                    for one in NODE_TYPES
                ],
            },
            "data": {"type": ["object", "null"], "description": "What this node type is told."},
        },
        "additionalProperties": False,
        "allOf": [_of_type(one, definitions) for one in NODE_TYPES],
    }


def _of_type(node_type: NodeType[Any], definitions: Schema) -> Schema:
    """What holds for nodes of one type."""
    model = node_type.data
    there = reference(model, definitions)
    if node_type.name in _VARIANTS:
        word, variants = _VARIANTS[node_type.name]
        definitions[model.__name__]["allOf"] = [
            _of_variant(model, word, chosen, variants) for chosen in variants
        ]
    needs = definitions[model.__name__].get("required")
    then: Schema = {"properties": {"data": there if needs else or_nothing(there)}}
    if needs:
        then["required"] = ["data"]
    return {"if": {"properties": {"type": {"const": node_type.name}}, "required": ["type"]}, "then": then}


def _of_variant(model: type[BaseModel], word: str, chosen: str, variants: Mapping[str, Variant]) -> Schema:
    """The fields that belong to one variant. Those of others may stand there as editors leave them: empty."""
    variant = variants[chosen]
    owned = {name for one in variants.values() for name in (*one.needs, *one.may)}
    foreign = sorted(owned - {*variant.needs, *variant.may})
    fields = model.model_fields
    empty = {name: {"enum": [fields[name].get_default(call_default_factory=True)]} for name in foreign}
    return {
        "if": {"properties": {word: {"const": chosen}}, "required": [word]},
        "then": {"required": list(variant.needs), "properties": empty},
    }


def _edge() -> Schema:
    handles = [{"const": name, "description": text} for name, text in HANDLES.items()]
    return {
        "type": "object",
        "required": ["source", "target"],
        "properties": {
            **_anything(EDGE_EXTRAS),
            "source": {**_TEXT, "minLength": 1, "description": "The id of the node it comes from."},
            "target": {**_TEXT, "minLength": 1, "description": "The id of the node it leads to."},
            "sourceHandle": {
                "description": "The way out that it takes, such as true or case_billing; next if left out.",
                "anyOf": [
                    {"oneOf": handles},
                    {**_TEXT, "pattern": "^case_", "description": "switch: `case_` and one of its cases."},
                    {"type": ["boolean", "null"]},
                ],
            },
        },
        "additionalProperties": False,
    }


def _short_edge() -> Schema:
    return {
        **_TEXT,
        "pattern": r"^\s*[^\s>].*->\s*[^\s>-].*$",
        "description": f"Short: `a -> b`, or `a.handle -> b` with one of {', '.join(HANDLES)}, case_...",
        "examples": ["a -> b", "a.true -> b", "a.case_order -> b", "a.error -> b"],
    }


def _anything(names: frozenset[str]) -> Schema:
    """Keys that are known and ignored."""
    return dict.fromkeys(sorted(names), True)


def _title(node_type: NodeType[Any]) -> str:
    return (node_type.doc or "").strip().split("\n")[0]
