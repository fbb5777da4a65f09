"""JSON templates: JSON with placeholders, read to a tree once; a value fills a leaf, never changes it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from botctl.expr.path import PATH_PATTERN, ExpressionError
from botctl.expr.template import Placeholder, Template, Unknown, parse_template

JsonSource = str | Mapping[str, Any] | Sequence[Any] | None

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\{\{\s*(' + PATH_PATTERN + r")\s*\}\}", re.DOTALL)
_FIRST_MARK, _FILLER = 0xE000, "\uf8ff"


class _Bare:
    """A placeholder that stands where a JSON value stands; unknown, it is null."""

    __slots__ = ("template",)

    def __init__(self, template: Template) -> None:
        self.template = template


class JsonTemplate:
    """A JSON value with placeholders in its leaves and keys."""

    __slots__ = ("_tree", "placeholders")

    def __init__(self, tree: Any, placeholders: tuple[Placeholder, ...]) -> None:
        self._tree = tree
        self.placeholders = placeholders

    def render(self, variables: Mapping[str, Any], unknown: Unknown | None = None) -> Any:
        """The JSON value. A text that is one placeholder takes its value with its type."""
        return _fill(self._tree, variables, unknown)


def parse_json_template(source: JsonSource) -> JsonTemplate:
    """Read JSON written as text, or a mapping or list whose texts are templates. None is {}."""
    if source is None:
        return JsonTemplate({}, ())
    if isinstance(source, str):
        return _parse_text(source)
    found: list[Placeholder] = []
    return JsonTemplate(_compile(source, found, {}), tuple(found))


@lru_cache(maxsize=4096)
def _parse_text(source: str) -> JsonTemplate:
    if not source.strip():
        return JsonTemplate({}, ())
    bare: dict[str, Template] = {}

    def mark(token: re.Match[str]) -> str:
        """Put a JSON text of the same length in place of a bare placeholder, so that offsets stay right."""
        if token[1] is None:
            return token[0]
        text = chr(_FIRST_MARK + len(bare)) + _FILLER * (len(token[0]) - 3)
        bare[text] = parse_template(token[0])
        return f'"{text}"'

    marked = _TOKEN.sub(mark, source)
    try:
        value = json.loads(marked, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise ExpressionError(
            f"this is not JSON: {error.msg.lower()} at line {error.lineno}, column {error.colno}",
            offset=min(error.pos, max(len(source) - 1, 0)),
            length=1,
            help='write it like {"order_id": "{{order_id}}"}',
        ) from error
    except RecursionError as error:
        raise ExpressionError("this JSON is nested too deeply", length=len(source)) from error
    tree = _compile(value, [], bare)
    return JsonTemplate(tree, _placeholders_in(source))


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    whole = dict(pairs)
    if len(whole) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ExpressionError(f"the key `{twice}` stands twice in one object", help="remove one of them")
    return whole


def _refuse_constant(word: str) -> Any:
    raise ExpressionError(f"{word} is not JSON", help="use null, or a text")


def _placeholders_in(source: str) -> tuple[Placeholder, ...]:
    """All placeholders with their offsets in the source; strings were checked when they were compiled."""
    found = re.finditer(r"\{\{\s*(" + PATH_PATTERN + r")\s*\}\}", source)
    return tuple(
        Placeholder(one[1], tuple(one[1].split(".")), one[0], one.start(), len(one[0])) for one in found
    )


def _compile(value: Any, found: list[Placeholder], bare: Mapping[str, Template]) -> Any:
    """The same value with templates in place of texts that have placeholders."""
    if isinstance(value, str):
        if value in bare:
            return _Bare(bare[value])
        template = parse_template(value)
        found += template.placeholders
        return template if template.placeholders else value
    if isinstance(value, Mapping):
        return {_key(key, found): _compile(part, found, bare) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_compile(part, found, bare) for part in value]
    return value


def _key(key: Any, found: list[Placeholder]) -> str | Template:
    template = parse_template(str(key))
    found += template.placeholders
    return template if template.placeholders else str(key)


def _fill(tree: Any, variables: Mapping[str, Any], unknown: Unknown | None) -> Any:
    if isinstance(tree, Template):
        return tree.value(variables, unknown)
    if isinstance(tree, _Bare):
        return tree.template.fill(variables, unknown)
    if isinstance(tree, dict):
        return {
            key if isinstance(key, str) else key.render(variables, unknown): _fill(part, variables, unknown)
            for key, part in tree.items()
        }
    if isinstance(tree, list):
        return [_fill(part, variables, unknown) for part in tree]
    return tree
