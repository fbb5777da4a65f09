"""Templates: text with `{{ path }}` in it, filled in one pass; what is put in is never read again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from botctl.expr.path import MISSING, PATH_PATTERN, ExpressionError, Parts, look_up

Unknown = Callable[[str], None]
"""Told the name of a placeholder whose path leads nowhere."""

_PLACEHOLDER = re.compile(r"\{\{\s*(" + PATH_PATTERN + r")\s*\}\}")
_ATTEMPT = re.compile(r"\{\{([^{}]*)(\}\})?")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One `{{ path }}`. offset and length: the whole of it, braces included, in the template's text."""

    name: str
    parts: Parts
    source: str
    offset: int
    length: int


class Template:
    """A text that was read once and can be filled often."""

    __slots__ = ("_pieces", "is_value", "placeholders", "text")

    def __init__(self, text: str, pieces: tuple[str | Placeholder, ...]) -> None:
        self.text = text
        self._pieces = pieces
        self.placeholders = tuple(piece for piece in pieces if isinstance(piece, Placeholder))
        self.is_value = len(pieces) == 1 and bool(self.placeholders)

    def render(self, variables: Mapping[str, Any], unknown: Unknown | None = None) -> str:
        """The filled text. An unknown name stays as it was written."""
        if not self.placeholders:
            return self.text
        filled = []
        for piece in self._pieces:
            if isinstance(piece, str):
                filled.append(piece)
                continue
            value = look_up(piece.parts, variables)
            if value is MISSING:
                if unknown:
                    unknown(piece.name)
                filled.append(piece.source)
            else:
                filled.append(value if isinstance(value, str) else to_text(value))
        return "".join(filled)

    def value(self, variables: Mapping[str, Any], unknown: Unknown | None = None) -> Any:
        """The value of a template that is one placeholder, with its type; else the filled text."""
        if not self.is_value:
            return self.render(variables, unknown)
        (placeholder,) = self.placeholders
        value = look_up(placeholder.parts, variables)
        if value is MISSING:
            if unknown:
                unknown(placeholder.name)
            return placeholder.source
        return value

    def fill(self, variables: Mapping[str, Any], unknown: Unknown | None = None) -> Any:
        """As `value`, but what is unknown is null, and nothing within a text: how conditions see it."""
        if self.is_value:
            (placeholder,) = self.placeholders
            value = look_up(placeholder.parts, variables)
            if value is not MISSING:
                return value
            if unknown:
                unknown(placeholder.name)
            return None
        if not self.placeholders:
            return self.text
        filled = []
        for piece in self._pieces:
            if isinstance(piece, str):
                filled.append(piece)
                continue
            value = look_up(piece.parts, variables)
            if value is not MISSING:
                filled.append(to_text(value))
            elif unknown:
                unknown(piece.name)
        return "".join(filled)


@lru_cache(maxsize=4096)
def parse_template(text: str) -> Template:
    """Read a template. ExpressionError for a `{{` that begins no placeholder."""
    if "{{" not in text:
        return Template(text, (text,))
    pieces: list[str | Placeholder] = []
    end = 0
    for found in _PLACEHOLDER.finditer(text):
        # `{{{x}}}` is a brace around a placeholder: the regular expression finds the innermost one
        _look_for_attempts(text, end, found.start())
        if found.start() > end:
            pieces.append(text[end : found.start()])
        name = found[1]
        pieces.append(Placeholder(name, tuple(name.split(".")), found[0], found.start(), len(found[0])))
        end = found.end()
    _look_for_attempts(text, end, len(text))
    if end < len(text):
        pieces.append(text[end:])
    return Template(text, tuple(pieces))


def _look_for_attempts(text: str, start: int, end: int) -> None:
    """Something between two placeholders that was meant to be one."""
    attempt = _ATTEMPT.search(text, start, end)
    if attempt is None:
        return
    place = {"offset": attempt.start(), "length": len(attempt[0])}
    inner = attempt[1].strip()
    if attempt[2] is None:
        raise ExpressionError("`{{` is not closed by `}}`", help="close it, or write one brace", **place)
    if not inner:
        raise ExpressionError("there is no name between `{{` and `}}`", help="name a variable", **place)
    raise ExpressionError(
        f"`{inner}` is not a path",
        help="between the braces stands a path such as order.items.0.price; there are no filters",
        **place,
    )


def to_text(value: Any) -> str:
    """A JSON value as text: numbers in shortest form, null as nothing, objects and arrays as compact JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number_text(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _number_text(value: float) -> str:
    """As JavaScript writes numbers: 3.0 is 3, and 1e-07 is 1e-7."""
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:].lstrip('0')}" if e else text
