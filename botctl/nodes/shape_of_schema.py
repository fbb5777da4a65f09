"""The shape of what fits a JSON Schema, as far as it is certain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botctl.nodes.shape import Kind, Shape

_DEEPEST = 12
_OPENING = {"allOf", "patternProperties", "if", "dependentSchemas", "propertyNames", "unevaluatedProperties"}
"""Keywords by which an object may have keys that `properties` does not list."""
_KINDS = {
    "string": Kind.TEXT,
    "number": Kind.NUMBER,
    "integer": Kind.NUMBER,
    "boolean": Kind.TRUTH,
    "array": Kind.LIST,
    "object": Kind.OBJECT,
}


def shape_of(schema: Any) -> Shape:
    """The shape of every value that fits, null aside; anything where the schema allows several."""
    return _shape(schema, schema, 0)


def _shape(schema: Any, whole: Any, depth: int) -> Shape:
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return Shape.ANY
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return _shape(_referred(reference, whole), whole, depth + 1)
    choices = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(choices, list):
        left = [one for one in choices if not (isinstance(one, Mapping) and one.get("type") == "null")]
        return _shape(left[0], whole, depth + 1) if len(left) == 1 else Shape.ANY
    kind = _kind(schema.get("type"))
    if kind is Kind.OBJECT and not _OPENING & set(schema):
        properties = schema.get("properties")
        keys = properties if isinstance(properties, Mapping) else {}
        return Shape(
            kind,
            {str(key): _shape(entry, whole, depth + 1) for key, entry in keys.items()},
            is_closed=_is_listed_whole(schema, keys),
        )
    if kind is Kind.LIST and "prefixItems" not in schema:
        return Shape(kind, entry=_shape(schema.get("items"), whole, depth + 1))
    return Shape(kind)


def _is_listed_whole(schema: Mapping[Any, Any], keys: Mapping[Any, Any]) -> bool:
    """Whether an object has no other keys than those that its schema lists. A schema that lists keys and says
    nothing of others is taken at its word: who made it listed what is given."""
    more = schema.get("additionalProperties", not keys)
    return more is False


def _kind(written: Any) -> Kind:
    types = written if isinstance(written, list) else [written]
    kinds = {_KINDS.get(one, Kind.ANY) for one in types if one != "null" and isinstance(one, str)}
    return kinds.pop() if len(kinds) == 1 else Kind.ANY


def _referred(reference: str, whole: Any) -> Any:
    if not reference.startswith("#/"):
        return None
    inside = whole
    for part in reference[2:].split("/"):
        inside = (
            inside.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(inside, Mapping) else None
        )
    return inside
