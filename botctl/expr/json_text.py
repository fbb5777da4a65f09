"""JSON as text, with placeholders: read to a tree once, filled in with values after."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, NoReturn, TypeAlias

from botctl.expr.path import ExpressionError
from botctl.expr.template import (
    Placeholder,
    Template,
    Unknown,
    joined,
    known,
    placeholder_at,
    split_placeholders,
)

_DEEPEST = 100
_BLANK = re.compile(r"[ \t\n\r]*")
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_PLAIN = re.compile(r'(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![\w.+-])")
_WORD = re.compile(r"[^\s,:\[\]{}\"']+|.", re.DOTALL)
_WORDS = {"true": True, "false": False, "null": None}
_MISWRITTEN = {
    "None": "JSON writes `null`",
    "undefined": "JSON writes `null`",
    "True": "JSON writes `true`",
    "False": "JSON writes `false`",
    "NaN": "JSON has no such number: write `null`, or the text in quotes",
    "Infinity": "JSON has no such number: write `null`, or the text in quotes",
    "-Infinity": "JSON has no such number: write `null`, or the text in quotes",
    "'": 'JSON writes text in double quotes: "text"',
    "//": "JSON has no comments",
    "/*": "JSON has no comments",
}


JsonNode: TypeAlias = "TextNode | BareNode | ArrayNode | ObjectNode"
"""A place in a JSON template."""


class TextNode(NamedTuple):
    """A value that is written out or, with a template, a text that holds placeholders."""

    value: Any
    template: Template | None

    def render(self, variables: Mapping[str, Any], unknown: Unknown) -> Any:
        """The value; of a template that is one placeholder, with its type."""
        return self.value if self.template is None else self.template.value(variables, unknown)


class BareNode(NamedTuple):
    """A placeholder where a JSON value is expected."""

    placeholder: Placeholder

    def render(self, variables: Mapping[str, Any], unknown: Unknown) -> Any:
        """Its value with its type; null when it leads nowhere."""
        return known(self.placeholder, variables, unknown)


class ArrayNode(NamedTuple):
    """An array."""

    entries: tuple[JsonNode, ...]

    def render(self, variables: Mapping[str, Any], unknown: Unknown) -> list[Any]:
        """A new list."""
        return [entry.render(variables, unknown) for entry in self.entries]


class ObjectNode(NamedTuple):
    """An object. Its keys are text, also where they hold placeholders."""

    members: tuple[tuple[TextNode, JsonNode], ...]

    def render(self, variables: Mapping[str, Any], unknown: Unknown) -> dict[str, Any]:
        """A new dict. A key made of a user's text replaces no key that is written out, and no earlier one."""
        rendered = {}
        written = {key.value for key, _ in self.members if key.template is None}
        for key, entry in self.members:
            name = key.value if key.template is None else key.template.render(variables, unknown)
            value = entry.render(variables, unknown)
            if key.template is None or (name not in written and name not in rendered):
                rendered[name] = value
        return rendered


def read_json(text: str) -> tuple[JsonNode, tuple[Placeholder, ...]]:
    """The tree of a JSON text, and its placeholders in order; blank text is `{}`. Raises ExpressionError."""
    reader = _Reader(text)
    if reader.peek() == "":
        return ObjectNode(()), ()
    root = reader.value(0)
    if reader.peek():
        reader.refuse("the JSON is over before this", help="one value may stand here: one object, usually")
    return root, tuple(reader.placeholders)


class _Reader:
    """A place in a JSON text, moved forward as it is read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.placeholders: list[Placeholder] = []

    def peek(self) -> str:
        """The next character that is not blank; "" at the end."""
        blank = _BLANK.match(self.text, self.position)
        self.position = blank.end() if blank else self.position
        return self.text[self.position : self.position + 1]

    def refuse(self, message: str, *, help: str | None = None, length: int = 0) -> NoReturn:
        """Raise the error that stands at the next word."""
        word = _WORD.match(self.text, self.position)
        found = word[0] if word else ""
        raise ExpressionError(
            f"JSON must parse: {message}",
            offset=self.position,
            length=length or max(len(found), 1),
            help=_MISWRITTEN.get(found) or _MISWRITTEN.get(found[:2]) or help,
        )

    def value(self, depth: int) -> JsonNode:
        character = self.peek()
        if depth > _DEEPEST:
            self.refuse("this is nested too deeply", help=f"at most {_DEEPEST} levels")
        if self.text.startswith("{{", self.position):
            placeholder = placeholder_at(self.text, self.position, len(self.text))
            if placeholder is not None:
                self.position += placeholder.length
                self.placeholders.append(placeholder)
                return BareNode(placeholder)
        if character == '"':
            return self.quoted()
        if character == "{":
            return self.object(depth)
        if character == "[":
            return self.array(depth)
        return self.plain()

    def object(self, depth: int) -> ObjectNode:
        opening = self.position
        self.position += 1
        members: list[tuple[TextNode, JsonNode]] = []
        written: set[str] = set()
        if self.peek() == "}":
            self.position += 1
            return ObjectNode(())
        while True:
            members.append(self.member(written, opening, depth))
            separator = self.peek()
            if separator not in {",", "}"}:
                self.unfinished("}", opening)
            self.position += 1
            if separator == "}":
                return ObjectNode(tuple(members))

    def member(self, written: set[str], opening: int, depth: int) -> tuple[TextNode, JsonNode]:
        start = self.peek()
        if start == "":
            self.unclosed("{", opening)
        if start == "}":
            self.refuse("a comma stands before the end of the object", help="remove the comma before it")
        if start != '"':
            self.refuse("a key in double quotes is expected", help='keys are written in double quotes: "key"')
        offset = self.position
        key = self.quoted()
        if key.template is None and key.value in written:
            raise ExpressionError(
                f"the key `{key.value}` stands twice in one object",
                offset=offset,
                length=self.position - offset,
                help="remove one of the two, or rename it",
            )
        written.add(key.value)
        if self.peek() != ":":
            self.refuse("a colon is expected after a key", help='an object is written {"key": value}')
        self.position += 1
        return key, self.value(depth + 1)

    def array(self, depth: int) -> ArrayNode:
        opening = self.position
        self.position += 1
        entries: list[JsonNode] = []
        if self.peek() == "]":
            self.position += 1
            return ArrayNode(())
        while True:
            start = self.peek()
            if start == "":
                self.unclosed("[", opening)
            if start == "]":
                self.refuse("a comma stands before the end of the array", help="remove the comma before it")
            entries.append(self.value(depth + 1))
            separator = self.peek()
            if separator not in {",", "]"}:
                self.unfinished("]", opening)
            self.position += 1
            if separator == "]":
                return ArrayNode(tuple(entries))

    def unfinished(self, closing: str, opening: int) -> NoReturn:
        """Refuse what follows a value where only a comma or the closing bracket may."""
        if self.peek() == "":
            self.unclosed("{" if closing == "}" else "[", opening)
        self.refuse(
            f"a comma or `{closing}` is expected",
            help='put a comma between two values, and text in double quotes: "order-{{id}}"',
        )

    def unclosed(self, bracket: str, opening: int) -> NoReturn:
        self.position = opening
        closing = "}" if bracket == "{" else "]"
        self.refuse(f"this `{bracket}` is not closed", help=f"add the missing `{closing}`", length=1)

    def quoted(self) -> TextNode:
        match = _TEXT.match(self.text, self.position)
        if match is None:
            self.refuse("this text is not closed", help="add the missing double quote", length=1)
        start, end = match.start() + 1, match.end() - 1
        template = joined(match[0], self.decoded(start, end))
        self.position = match.end()
        self.placeholders.extend(template.placeholders)
        if template.placeholders:
            return TextNode(match[0], template)
        return TextNode(template.plain, None)

    def decoded(self, start: int, end: int) -> Iterator[str | Placeholder]:
        """The pieces of a quoted text. It is split as it is written, so that offsets stay true."""
        position = start
        for piece in split_placeholders(self.text, start, end):
            if isinstance(piece, Placeholder):
                yield piece
                position += piece.length
                continue
            plain = _PLAIN.match(piece)
            stop = plain.end() if plain else 0
            if stop < len(piece):
                self.position = position + stop
                self.refuse_character(piece[stop : stop + 2])
            yield json.loads(f'"{piece}"') if "\\" in piece else piece
            position += len(piece)

    def refuse_character(self, found: str) -> NoReturn:
        if found[0] == "\\":
            self.refuse(
                f"`{found}` is not an escape that JSON knows",
                help="write `\\\\` for a backslash",
                length=len(found),
            )
        self.refuse(
            "a line break or another control character stands in a text",
            help="write `\\n` for a line break, or write the arguments as a YAML mapping",
            length=1,
        )

    def plain(self) -> TextNode:
        """A number, true, false or null."""
        word = _WORD.match(self.text, self.position)
        if word is None:
            self.refuse("a value is missing at the end")
        if word[0] in _WORDS:
            self.position = word.end()
            return TextNode(_WORDS[word[0]], None)
        number = _NUMBER.match(self.text, self.position)
        if number is None:
            self.refuse("a value is expected", help='text is written in double quotes: "text"')
        value = float(number[0])
        if not math.isfinite(value):
            self.refuse("this number is too large", length=len(number[0]))
        self.position = number.end()
        is_whole = number[1] is None and number[2] is None
        return TextNode(int(number[0]) if is_whole else value, None)
