"""Conditions: `{{intent.text}} == billing and {{total}} >= 500`.

The text is taken apart first and the operands are filled in after, so what a user wrote can never become an
operator, a bracket or a quote. Texts are compared trimmed and case-sensitively; if both sides are numbers, as
numbers. A bare word that is an operator or a joining word must be quoted: `{{x}} == "salt and pepper"`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from botctl.expr.path import ExpressionError
from botctl.expr.template import Placeholder, Template, Unknown, parse_template, to_text

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_LONGEST_SUBJECT = 100_000

_TOKEN = re.compile(
    r"(?P<placeholder>\{\{[^{}]*\}\})"
    r"|(?P<quoted>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<open>\()|(?P<close>\))"
    r"|(?P<symbol>===|!==|==|!=|>=|<=|>|<|=|&&|\|\|)"
    r"|(?P<word>(?:(?!\{\{|[\s()<>=]|!=|&&|\|\|).)+)",
    re.DOTALL,
)
_UNARY = ("is_empty", "is_not_empty")
_WORD_OPERATORS = ("contains", "not_contains", "starts_with", "ends_with", "matches", *_UNARY)
_SYMBOLS = ("==", "!=", ">=", "<=", ">", "<")
_INSTEAD = {"=": "==", "===": "==", "!==": "!=", "&&": "and", "||": "or"}


@dataclass(frozen=True, slots=True)
class Operand:
    """One side of a comparison as written; offset in the condition's text."""

    template: Template
    text: str
    offset: int
    is_null: bool = False

    def value(self, variables: Mapping[str, Any], unknown: Unknown | None) -> Any:
        """What it comes to: a JSON value, null for an unknown name; a model's answer counts as its text."""
        if self.is_null:
            return None
        value = self.template.fill(variables, unknown)
        if isinstance(value, dict) and "text" in value and "tokensInput" in value:
            return str(value["text"]).strip()
        return value


class _Part(Protocol):
    def holds(self, variables: Mapping[str, Any], unknown: Unknown | None) -> bool: ...


@dataclass(frozen=True, slots=True)
class Comparison:
    """left operator right. operator "" asks whether left is true; right is None where there is one side."""

    left: Operand
    operator: str
    right: Operand | None

    def holds(self, variables: Mapping[str, Any], unknown: Unknown | None) -> bool:
        """Whether it is so."""
        left = self.left.value(variables, unknown)
        if self.right is None:
            return _ASKED[self.operator](left)
        return _COMPARED[self.operator](left, self.right.value(variables, unknown))


@dataclass(frozen=True, slots=True)
class _Both:
    parts: tuple[_Part, ...]

    def holds(self, variables: Mapping[str, Any], unknown: Unknown | None) -> bool:
        return all(part.holds(variables, unknown) for part in self.parts)


@dataclass(frozen=True, slots=True)
class _Either:
    parts: tuple[_Part, ...]

    def holds(self, variables: Mapping[str, Any], unknown: Unknown | None) -> bool:
        return any(part.holds(variables, unknown) for part in self.parts)


@dataclass(frozen=True, slots=True)
class _Not:
    part: _Part

    def holds(self, variables: Mapping[str, Any], unknown: Unknown | None) -> bool:
        return not self.part.holds(variables, unknown)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was read once and can be asked often."""

    text: str
    comparisons: tuple[Comparison, ...]
    placeholders: tuple[Placeholder, ...]
    root: _Part

    def holds(self, variables: Mapping[str, Any], unknown: Unknown | None = None) -> bool:
        """Whether it is so with these variables; `unknown` is told names that are not set."""
        return self.root.holds(variables, unknown)


@lru_cache(maxsize=4096)
def parse_condition(text: str) -> Condition:
    """Read a condition; an ExpressionError says where it cannot be understood."""
    reader = _Reader(text)
    root = reader.whole()
    placeholders = tuple(
        Placeholder(p.name, p.parts, p.source, operand.offset + p.offset, p.length)
        for comparison in reader.comparisons
        for operand in (comparison.left, comparison.right)
        if operand is not None
        for p in operand.template.placeholders
    )
    return Condition(text, tuple(reader.comparisons), placeholders, root)


def is_true(value: Any) -> bool:
    """Truth of a single value: nothing, "", "false", "0", 0, [] and {} are false, all else is true."""
    return to_text(value).strip() not in ("", "false", "0", "[]", "{}")


class _Reader:
    """Reads a condition from left to right, one token ahead."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.comparisons: list[Comparison] = []
        self._tokens: list[re.Match[str]] = []
        self._next = 0
        end = 0
        for token in _TOKEN.finditer(text):
            self._nothing_between(end, token.start())
            self._tokens.append(token)
            end = token.end()
        self._nothing_between(end, len(text))

    def whole(self) -> _Part:
        """The whole text."""
        if not self._tokens:
            raise ExpressionError(
                "the condition is empty", length=len(self.text), help="write one such as {{total}} >= 500"
            )
        root = self._either()
        if self._next < len(self._tokens):
            token = self._tokens[self._next]
            raise self._error(
                token, f"`{token[0]}` has no place here", 'put text with brackets in quotes: "a (b)"'
            )
        return root

    def _either(self) -> _Part:
        parts = [self._both()]
        while self._take_word("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else _Either(tuple(parts))

    def _both(self) -> _Part:
        parts = [self._one()]
        while self._take_word("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else _Both(tuple(parts))

    def _one(self) -> _Part:
        if self._take_word("not"):
            return _Not(self._one())
        token = self._peek()
        if token is not None and token.lastgroup == "open":
            self._next += 1
            inner = self._either()
            closing = self._peek()
            if closing is None or closing.lastgroup != "close":
                raise self._error(token, "`(` is not closed by `)`", "close it")
            self._next += 1
            return inner
        comparison = self._comparison()
        self.comparisons.append(comparison)
        return comparison

    def _comparison(self) -> Comparison:
        left = self._operand(after="")
        operator = self._operator()
        if not operator or operator in _UNARY:
            return Comparison(left, operator, None)
        right = self._operand(after=operator)
        further = self._peek()
        if further is not None and self._operator_of(further):
            raise self._error(
                further,
                f"`{further[0]}` is a second operator",
                "join comparisons with `and` or `or`, or quote the text",
            )
        if operator == "matches" and not right.template.placeholders:
            try:
                _pattern(right.text)
            except ExpressionError as error:
                raise ExpressionError(
                    error.message, offset=right.offset, length=len(right.text), help=error.help
                ) from error
        return Comparison(left, operator, right)

    def _operand(self, *, after: str) -> Operand:
        taken: list[re.Match[str]] = []
        while (token := self._peek()) is not None:
            if token.lastgroup in ("open", "close", "symbol") or (
                token.lastgroup == "word" and token[0] in ("and", "or")
            ):
                break
            if taken and self._operator_of(token):
                break
            taken.append(token)
            self._next += 1
        if not taken:
            token = self._peek()
            side = f"after `{after}`" if after else "here"
            offset = token.start() if token else len(self.text)
            found = f", found `{token[0]}`" if token else ""
            raise ExpressionError(
                f"a value is missing {side}{found}",
                offset=offset,
                length=len(token[0]) if token else 0,
                help='write the value; empty text is ""',
            )
        return self._make(taken)

    def _make(self, taken: list[re.Match[str]]) -> Operand:
        start, end = taken[0].start(), taken[-1].end()
        text = self.text[start:end]
        if len(taken) == 1 and taken[0].lastgroup == "quoted":
            text, start = re.sub(r"\\(.)", r"\1", text[1:-1]), start + 1
        try:
            template = parse_template(text)
        except ExpressionError as error:
            raise ExpressionError(
                error.message, offset=start + error.offset, length=error.length, help=error.help
            ) from error
        is_null = len(taken) == 1 and taken[0].lastgroup == "word" and text == "null"
        return Operand(template, text, start, is_null)

    def _operator(self) -> str:
        token = self._peek()
        if token is None:
            return ""
        operator = self._operator_of(token)
        if operator:
            self._next += 1
        return operator

    def _operator_of(self, token: re.Match[str]) -> str:
        if token.lastgroup == "symbol":
            if token[0] in _INSTEAD:
                raise self._error(
                    token, f"`{token[0]}` is not an operator", f"did you mean `{_INSTEAD[token[0]]}`?"
                )
            return token[0]
        return token[0] if token.lastgroup == "word" and token[0] in _WORD_OPERATORS else ""

    def _take_word(self, word: str) -> bool:
        token = self._peek()
        if token is None or token.lastgroup != "word" or token[0] != word:
            if token is not None and token.lastgroup == "symbol" and token[0] in ("&&", "||"):
                self._operator_of(token)
            return False
        self._next += 1
        return True

    def _peek(self) -> re.Match[str] | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _nothing_between(self, start: int, end: int) -> None:
        """What no token took must be space; else a `{{` or a quote was not closed."""
        rest = self.text[start:end]
        if rest.strip():
            offset = start + len(rest) - len(rest.lstrip())
            raise ExpressionError(
                f"`{rest.strip()}` cannot be understood here",
                offset=offset,
                length=len(rest.strip()),
                help="close what was opened, or put the text in quotes",
            )

    def _error(self, token: re.Match[str], message: str, help: str) -> ExpressionError:
        return ExpressionError(message, offset=token.start(), length=len(token[0]), help=help)


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        text = value.strip()
        return float(text) if any(mark in text for mark in ".eE") else int(text) if len(text) < 300 else None
    return None


def _sides(left: Any, right: Any) -> tuple[Any, Any]:
    """Both sides as numbers if they are, else as trimmed texts."""
    left_number, right_number = _number(left), _number(right)
    if left_number is not None and right_number is not None:
        return left_number, right_number
    return to_text(left).strip(), to_text(right).strip()


def _equal(left: Any, right: Any) -> bool:
    one, other = _sides(left, right)
    return bool(one == other)


def _contains(left: Any, right: Any) -> bool:
    if isinstance(left, list):
        return any(_equal(element, right) for element in left)
    if isinstance(left, dict):
        return to_text(right).strip() in left
    return to_text(right).strip() in to_text(left)


def _compare(by: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: by(*_sides(left, right))


@lru_cache(maxsize=256)
def _pattern(text: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        what = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise ExpressionError(
            f"`{text}` is not a pattern: {what}",
            length=len(text),
            help="patterns are RE2: no look-around and no references to groups",
        ) from error


def _matches(left: Any, right: Any) -> bool:
    """Linear in the text (RE2), and of a long text only the beginning: no pattern can hold up a bot."""
    return _pattern(to_text(right)).search(to_text(left)[:_LONGEST_SUBJECT]) is not None


def _is_empty(value: Any) -> bool:
    return to_text(value).strip() in ("", "[]", "{}")


_ASKED: dict[str, Callable[[Any], bool]] = {
    "": is_true,
    "is_empty": _is_empty,
    "is_not_empty": lambda value: not _is_empty(value),
}
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    ">": _compare(lambda one, other: bool(one > other)),
    ">=": _compare(lambda one, other: bool(one >= other)),
    "<": _compare(lambda one, other: bool(one < other)),
    "<=": _compare(lambda one, other: bool(one <= other)),
    "contains": _contains,
    "not_contains": lambda left, right: not _contains(left, right),
    "starts_with": lambda left, right: to_text(left).strip().startswith(to_text(right).strip()),
    "ends_with": lambda left, right: to_text(left).strip().endswith(to_text(right).strip()),
    "matches": _matches,
}
