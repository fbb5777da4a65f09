"""The argument check: arguments as a workflow writes them, against a tool's JSON Schema.

Of a placeholder nothing is known, of text with a placeholder in it only that it is text. What a schema says
in words that are not looked at here is left to the check at run time: nothing is told that might be right.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct, structs

from botctl.expr.json_text import ArrayNode, BareNode, JsonNode, ObjectNode, TextNode
from botctl.source.span import Path
from botctl.spec.fields import close_word, one_of

UNKNOWN = object()
"""A value that only the run knows."""
SOME_TEXT = object()
"""Text that only the run knows."""

Kind = Literal["missing", "unknown", "type", "word", "value"]

_NAMES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
_BOUNDS = (
    ("minimum", "at least", operator.ge),
    ("maximum", "at most", operator.le),
    ("exclusiveMinimum", "more than", operator.gt),
    ("exclusiveMaximum", "less than", operator.lt),
)
_DEEPEST = 30


class Misfit(Struct, frozen=True, kw_only=True):
    """One thing that does not fit. path: the argument; message goes on after "argument `a.b` of `tool`".

    close: the property that was meant, "" if none is near. is_ignored: the tool takes it and does nothing.
    """

    path: Path
    kind: Kind
    message: str
    help: str = ""
    close: str = ""
    is_ignored: bool = False


def value_of(node: JsonNode) -> Any:
    """What is known of the value that a JSON template will come to."""
    match node:
        case BareNode():
            return UNKNOWN
        case TextNode(value, None):
            return value
        case TextNode(_, template):
            return UNKNOWN if template is not None and template.is_value else SOME_TEXT
        case ArrayNode(entries):
            return [value_of(entry) for entry in entries]
        case ObjectNode(members):
            if any(key.template is not None for key, _ in members):
                return UNKNOWN
            return {key.value: value_of(entry) for key, entry in members}


def misfits(value: Any, schema: Any, root: Mapping[str, Any], path: Path = ()) -> Iterator[Misfit]:
    """What surely does not fit to a schema. root: the whole schema, in which `$ref` is looked up."""
    schema = _resolved(schema, root)
    if value is UNKNOWN or not isinstance(schema, dict) or len(path) > _DEEPEST:
        return
    branches = _branches(schema, root)
    if branches is not None:
        yield from _of_branches(value, branches, root, path)
    for part in schema.get("allOf") or ():
        yield from misfits(value, part, root, path)
    wrong = list(_of_kind(value, schema, path))
    yield from wrong
    if wrong:
        return
    if isinstance(value, dict):
        yield from _of_object(value, schema, root, path)
    elif isinstance(value, list):
        items = schema.get("items")
        for index, entry in enumerate(value if isinstance(items, dict) else ()):
            yield from misfits(entry, items, root, (*path, index))


def _resolved(schema: Any, root: Mapping[str, Any]) -> Any:
    """The schema behind a `$ref` into the same document; None, which says nothing, behind any other."""
    for _ in range(_DEEPEST):
        if not isinstance(schema, dict) or "$ref" not in schema:
            return schema
        pointer = schema["$ref"]
        if not isinstance(pointer, str) or not pointer.startswith("#/"):
            return None
        schema = root
        for part in pointer[2:].split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            schema = schema.get(name) if isinstance(schema, dict) else None
    return None


def _branches(schema: dict[str, Any], root: Mapping[str, Any]) -> list[Any] | None:
    for word in ("anyOf", "oneOf"):
        if isinstance(schema.get(word), list):
            return [_resolved(branch, root) for branch in schema[word]]
    return None


def _of_branches(value: Any, branches: list[Any], root: Mapping[str, Any], path: Path) -> Iterator[Misfit]:
    """Wrong if it fits none; told in detail if there is only one that is of its kind."""
    found = [list(misfits(value, branch, root, path)) for branch in branches]
    if not found or any(all(misfit.is_ignored for misfit in one) for one in found):
        return
    near = [one for one in found if not any(m.path == path and m.kind == "type" for m in one)]
    if len(near) == 1:
        yield from near[0]
        return
    kinds = [kind for branch in branches for kind in _kinds(branch)]
    if not near and kinds:
        yield _wrong_type(value, kinds, path)
    elif not any(word in branch for branch in branches for word in ("anyOf", "oneOf", "allOf")):
        yield Misfit(path=path, kind="value", message="fits none of the ways in which it may be written")


def _kinds(schema: Any) -> list[str]:
    kind = schema.get("type") if isinstance(schema, dict) else None
    if isinstance(kind, str):
        return [kind]
    return [one for one in kind if isinstance(one, str)] if isinstance(kind, list) else []


def _of_kind(value: Any, schema: dict[str, Any], path: Path) -> Iterator[Misfit]:
    kinds = _kinds(schema)
    if kinds and set(kinds) <= set(_NAMES) and not any(_is(value, kind) for kind in kinds):
        yield _wrong_type(value, kinds, path)
        return
    words = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(words, list) and _is_known(value) and not any(_same(value, word) for word in words):
        texts = [str(word) for word in words if isinstance(word, str)]
        close = close_word(value, texts) if isinstance(value, str) else None
        named = one_of([_shown(word) for word in words][:12])
        yield Misfit(
            path=path,
            kind="word",
            message=f"cannot be `{_shown(value)}`",
            help=f"did you mean `{close}`?" if close else f"use {named}",
        )
        return
    yield from _of_bounds(value, schema, path)


def _of_bounds(value: Any, schema: dict[str, Any], path: Path) -> Iterator[Misfit]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return
    for word, said, is_within in _BOUNDS:
        bound = schema.get(word)
        if isinstance(bound, int | float) and not isinstance(bound, bool) and not is_within(value, bound):
            yield Misfit(
                path=path,
                kind="value",
                message=f"should be {said} {bound:g}, not {value:g}",
                help=f"write a number of {said} {bound:g}",
            )
            return


def _of_object(
    value: dict[str, Any], schema: dict[str, Any], root: Mapping[str, Any], path: Path
) -> Iterator[Misfit]:
    properties = schema.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    required = [name for name in schema.get("required") or () if isinstance(name, str)]
    further = schema.get("additionalProperties")
    is_open = bool(schema.get("patternProperties")) or "allOf" in schema or "$dynamicRef" in schema
    absent = [name for name in properties if name not in value]
    meant: set[str] = set()
    for name, entry in value.items():
        if name in properties:
            yield from misfits(entry, properties[name], root, (*path, name))
        elif isinstance(further, dict):
            yield from misfits(entry, further, root, (*path, name))
        elif not is_open and (misfit := _unknown(name, absent, properties, further, (*path, name))):
            meant.add(misfit.close)
            yield structs.replace(misfit, is_ignored=misfit.is_ignored and misfit.close not in required)
    missing = [name for name in required if name not in value and name not in meant]
    if missing:
        noun = "arguments" if len(missing) > 1 else "argument"
        help = "add " + "; ".join(_described(name, properties.get(name)) for name in missing)
        yield Misfit(path=path, kind="missing", message=f"the {noun} {one_of(missing, 'and')}", help=help)


def _described(name: str, schema: Any) -> str:
    """A property that is to be added, and what it is if that can be told in a word."""
    kind = _NAMES.get(str(schema.get("type")), "") if isinstance(schema, Mapping) else ""
    return f"`{name}`, which is {kind}" if kind else f"`{name}`"


def _unknown(
    name: str, absent: list[str], properties: Mapping[str, Any], further: Any, path: Path
) -> Misfit | None:
    """A property that the schema does not have: told if that is refused, or if it is surely misspelt."""
    close = close_word(name, absent) or ""
    if further is not False and not close:
        return None
    if close:
        help = f"did you mean `{close}`?"
    elif properties:
        help = f"it takes {one_of(list(properties), 'and')}"
    else:
        help = "take it out: the tool takes no arguments"
    return Misfit(
        path=path, kind="unknown", message="", help=help, close=close, is_ignored=further is not False
    )


def _wrong_type(value: Any, kinds: list[str], path: Path) -> Misfit:
    wanted = " or ".join(dict.fromkeys(_NAMES.get(kind, kind) for kind in kinds))
    quotes = isinstance(value, str) and set(kinds) & {"integer", "number", "boolean"} and _looks_plain(value)
    if quotes:
        help = "take the quotes away"
    elif kinds[0] == "string" and isinstance(value, int | float):
        help = "put it in quotes"
    else:
        help = f"write {wanted}"
    return Misfit(path=path, kind="type", message=f"should be {wanted}, not {_kind_of(value)}", help=help)


def _looks_plain(text: str) -> bool:
    return text in ("true", "false") or text.lstrip("-").replace(".", "", 1).isdigit()


def _is(value: Any, kind: str) -> bool:
    if value is SOME_TEXT:
        return kind == "string"
    match kind:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return kind == "number" or isinstance(value, int) or value.is_integer()


def _is_known(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_known(entry) for entry in value.values())
    if isinstance(value, list):
        return all(_is_known(entry) for entry in value)
    return value is not UNKNOWN and value is not SOME_TEXT


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _kind_of(value: Any) -> str:
    if value is SOME_TEXT or isinstance(value, str):
        return "text"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value:g}" if abs(value) < 1e6 else "a number"
    return "a list" if isinstance(value, list) else "an object"


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
