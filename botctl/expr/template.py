"""The template: text in which `{{ path }}` stands for a variable, filled in once and never expanded again."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct

from botctl.expr.path import MISSING, PATH, ExpressionError, Parts, look_up, parse_path

Unknown = Callable[[str], None] | None
"""Who is told the name of each placeholder that leads nowhere."""

_PLACEHOLDER = re.compile(rf"\{{\{{\s*({PATH})\s*\}}\}}")
# Prompts that were once Python code hold JSON in doubled braces, `{{"intent": "..."}}`: that is text.
_DOUBLED_JSON = re.compile(r"\{\{\s*(?:\"[^\"]*\"|'[^']*')\s*:")


class Placeholder(NamedTuple):
    """One `{{ path }}`. name: the path as it is told to people; source: the placeholder as written, with its
    braces; offset and length: where that stands in the text, in characters."""

    name: str
    parts: Parts
    offset: int
    length: int
    source: str


class Template(Struct, frozen=True):
    """Text and placeholders in turn, as `pieces`."""

    text: str
    pieces: tuple[str | Placeholder, ...]
    placeholders: tuple[Placeholder, ...]
    is_value: bool
    """It is one placeholder and nothing else, so that its value keeps its type."""
    plain: str
    """What it comes to where it has no placeholder."""

    def render(self, variables: Mapping[str, Any], unknown: Unknown = None) -> str:
        """The text with every placeholder replaced by its value's text.

        A placeholder that leads nowhere stays as it was written, and `unknown` is called with its name.
        """
        if not self.placeholders:
            return self.plain
        texts: list[str] = []
        for piece in self.pieces:
            if isinstance(piece, str):
                texts.append(piece)
                continue
            value = look_up(piece.parts, variables)
            if value is MISSING:
                texts.append(piece.source)
                if unknown is not None:
                    unknown(piece.name)
            else:
                texts.append(to_text(value))
        return "".join(texts)

    def value(self, variables: Mapping[str, Any], unknown: Unknown = None) -> Any:
        """As `render`, but one placeholder that is the whole gives its value itself, not to be changed."""
        if self.is_value:
            value = look_up(self.placeholders[0].parts, variables)
            if value is not MISSING:
                return value
        return self.render(variables, unknown)

    def fill(self, variables: Mapping[str, Any], unknown: Unknown = None) -> Any:
        """As `value`, but what leads nowhere is null, and nothing within a text: how conditions see it."""
        if self.is_value:
            return known(self.placeholders[0], variables, unknown)
        if not self.placeholders:
            return self.plain
        return "".join(
            piece if isinstance(piece, str) else to_text(known(piece, variables, unknown))
            for piece in self.pieces
        )


@lru_cache(maxsize=4096)
def parse_template(text: str) -> Template:
    """Read a template. ExpressionError where `{{` is not followed by a path and `}}`.

    A lone `}}`, `{ {`, and JSON in doubled braces (`{{"a": 1}}`) are text. Of three braces in a row the last
    two belong to the placeholder.
    """
    return joined(text, split_placeholders(text, 0, len(text)))


def known(placeholder: Placeholder, variables: Mapping[str, Any], unknown: Unknown) -> Any:
    """Its value; null, told to `unknown`, where it leads nowhere."""
    value = look_up(placeholder.parts, variables)
    if value is not MISSING:
        return value
    if unknown is not None:
        unknown(placeholder.name)
    return None


def joined(source: str, pieces: Iterator[str | Placeholder]) -> Template:
    """The template of these pieces, neighbouring texts made one."""
    kept: list[str | Placeholder] = []
    for piece in pieces:
        if isinstance(piece, str) and kept and isinstance(kept[-1], str):
            kept[-1] += piece
        elif piece:
            kept.append(piece)
    placeholders = tuple(piece for piece in kept if isinstance(piece, Placeholder))
    is_value = len(kept) == len(placeholders) == 1
    plain = "" if placeholders else "".join(piece for piece in kept if isinstance(piece, str))
    return Template(source, tuple(kept), placeholders, is_value, plain)


def split_placeholders(text: str, start: int, end: int) -> Iterator[str | Placeholder]:
    """Texts as written and placeholders of text[start:end], in order; offsets count from text[0]."""
    position = start
    while (found := text.find("{{", position, end)) != -1:
        while found + 2 < end and text[found + 2] == "{":
            found += 1
        placeholder = placeholder_at(text, found, end)
        if placeholder is None:
            yield text[position : found + 2]
            position = found + 2
        else:
            yield text[position:found]
            yield placeholder
            position = found + placeholder.length
    yield text[position:end]


def placeholder_at(text: str, offset: int, end: int) -> Placeholder | None:
    """The placeholder that begins with the `{{` at `offset`; None where the braces are only text.

    Raises ExpressionError where somebody meant to write a placeholder and did not.
    """
    match = _PLACEHOLDER.match(text, offset, end)
    if match is not None:
        path = match[1]
        return Placeholder(path, parse_path(path), offset, match.end() - offset, match[0])
    if _DOUBLED_JSON.match(text, offset, end):
        return None
    raise _broken(text, offset, end)


def to_text(value: Any) -> str:
    """A JSON value as people read it: text as it is, the shortest form of a number, nothing for null, true or
    false, and compact JSON for objects and arrays."""
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
    return json.dumps(_with_short_numbers(value), ensure_ascii=False, separators=(",", ":"), default=str)


def _number_text(number: float) -> str:
    """As JavaScript writes it, where this product's workflows come from: 3, 0.00001, 1e-7, 1e+21."""
    if not math.isfinite(number):
        return "NaN" if number != number else "Infinity" if number > 0 else "-Infinity"
    if number.is_integer() and abs(number) < 1e21:
        return str(int(number))
    mantissa, _, exponent = repr(number).partition("e")
    if not exponent:
        return mantissa
    if -7 < int(exponent) < 0:
        sign = "-" if number < 0 else ""
        return f"{sign}0.{'0' * (-int(exponent) - 1)}{mantissa.lstrip('-').replace('.', '')}"
    return f"{mantissa}e{int(exponent):+d}"


def _with_short_numbers(value: Any) -> Any:
    """The same JSON value, with 3.0 as 3 and numbers that JSON does not have as null."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 1e21 else value
    if isinstance(value, Mapping):
        return {
            key if isinstance(key, str) else to_text(key): _with_short_numbers(entry)
            for key, entry in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_with_short_numbers(entry) for entry in value]
    return value


def _broken(text: str, offset: int, end: int) -> ExpressionError:
    close = text.find("}}", offset + 2, end)
    again = text.find("{{", offset + 2, end)
    if close == -1 or -1 < again < close:
        return ExpressionError(
            "this placeholder is not closed",
            offset=offset,
            length=2,
            help="close it, `{{name}}`; for braces that are only text write `{ {`",
        )
    inside = text[offset + 2 : close]
    length = close + 2 - offset
    if not inside.strip():
        return ExpressionError(
            "this placeholder is empty",
            offset=offset,
            length=length,
            help="write a variable's name, `{{name}}`; for braces that are only text write `{ {`",
        )
    try:
        parse_path(inside)
    except ExpressionError as error:
        return ExpressionError(error.message, offset=offset, length=length, help=error.help)
    raise AssertionError(f"a path that is no placeholder: {inside!r}")
