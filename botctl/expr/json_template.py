"""The JSON template: JSON with placeholders, whose shape is settled before any value is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct

from botctl.expr.json_text import ArrayNode, JsonNode, ObjectNode, TextNode, read_json
from botctl.expr.path import ExpressionError
from botctl.expr.template import Placeholder, parse_template, to_text

Path = tuple[str | int, ...]

_DEEPEST = 100


class Place(NamedTuple):
    """A placeholder and the way to the text that holds it: () where the JSON was written as text."""

    path: Path
    placeholder: Placeholder


class JsonTemplate(Struct, frozen=True):
    """JSON whose texts, keys and bare places may hold placeholders."""

    root: JsonNode
    places: tuple[Place, ...]

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """All placeholders, in the order in which they are written."""
        return tuple(place.placeholder for place in self.places)

    def render(self, variables: Mapping[str, Any], unknown: Callable[[str], None] | None = None) -> Any:
        """The JSON value, made anew each time. A value is put in its place as it is, never read as JSON.

        A placeholder that is a whole text, or stands bare, keeps its type; within a text it becomes text. One
        that leads nowhere stays as it was written within a text, is null where it stands bare, and is told to
        `unknown`. A key that is made of placeholders never replaces another key.
        """
        return self.root.render(variables, unknown)


def parse_json_template(source: str | Mapping[str, Any] | Sequence[Any] | None) -> JsonTemplate:
    """Read JSON with placeholders from text, or from what YAML made of it. Nothing at all is `{}`.

    Raises ExpressionError, with the offset in the text, or the path to the text that it counts in.
    """
    if isinstance(source, str):
        return _parse_text(source)
    places: list[Place] = []
    root = _read_yaml({} if source is None else source, (), places)
    return JsonTemplate(root, tuple(places))


@lru_cache(maxsize=1024)
def _parse_text(text: str) -> JsonTemplate:
    root, placeholders = read_json(text)
    return JsonTemplate(root, tuple(Place((), placeholder) for placeholder in placeholders))


def _read_yaml(value: Any, path: Path, places: list[Place]) -> JsonNode:
    if len(path) > _DEEPEST:
        raise ExpressionError("this is nested too deeply", path=path, help=f"at most {_DEEPEST} levels")
    if isinstance(value, Mapping):
        members = [
            (_text_node(to_text(key), (*path, key), places), _read_yaml(entry, (*path, key), places))
            for key, entry in value.items()
        ]
        return ObjectNode(tuple(members))
    if isinstance(value, (list, tuple)):
        entries = [_read_yaml(entry, (*path, index), places) for index, entry in enumerate(value)]
        return ArrayNode(tuple(entries))
    return _text_node(value, path, places)


def _text_node(value: Any, path: Path, places: list[Place]) -> TextNode:
    if not isinstance(value, str):
        return TextNode(value, None)
    try:
        template = parse_template(value)
    except ExpressionError as error:
        error.path = path
        raise
    places.extend(Place(path, placeholder) for placeholder in template.placeholders)
    return TextNode(value, template) if template.placeholders else TextNode(value, None)
