"""The comparison: two operands and what is asked of them, with every value already known."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct

from botctl.expr.path import ExpressionError
from botctl.expr.template import Placeholder, Template, Unknown, known, to_text

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")

# RE2 takes time in proportion to the text, so a bound on the text is a bound on the time.
_LONGEST_SUBJECT: Final = 100_000
_LONGEST_PATTERN: Final = 10_000


class _NullWord:
    """What the bare word `null` in a condition stands for: equal to null, and to the text "null"."""

    def __repr__(self) -> str:
        return "null"


_NULL_WORD: Final = _NullWord()


class Operand(Struct, frozen=True):
    """One side of a comparison. source: as written, quotes included, at `offset` in the condition."""

    source: str
    offset: int
    template: Template
    is_quoted: bool

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """Its placeholders; their offsets count in the condition."""
        return self.template.placeholders

    def value(self, variables: Mapping[str, Any], unknown: Unknown = None) -> Any:
        """What it comes to: the value of one placeholder (null if that leads nowhere), else text."""
        if self.source == "null":
            return _NULL_WORD
        return _plain(self.template.fill(variables, unknown))

    def pattern(self, variables: Mapping[str, Any], unknown: Unknown = None) -> str:
        """The regular expression that it comes to.

        Within a pattern that is written out a placeholder stands for its text, not for a pattern of its own.
        """
        if self.template.is_value or not self.placeholders:
            return as_text(self.value(variables, unknown))
        return "".join(
            piece if isinstance(piece, str) else _escaped(as_text(known(piece, variables, unknown)))
            for piece in self.template.pieces
        ).strip()


class Comparison(Struct, frozen=True):
    """left operator right. The operator is "" where `left` stands alone; `right` is None where there is no
    second side. operator_offset counts in the condition."""

    left: Operand
    operator: str
    right: Operand | None
    operator_offset: int

    def holds(self, variables: Mapping[str, Any], unknown: Unknown = None) -> bool:
        """Whether it is so. ExpressionError where a variable holds a pattern that cannot be read."""
        left = self.left.value(variables, unknown)
        if self.right is None:
            return ASKED[self.operator](left)
        if self.operator == "matches":
            return _matches(left, self.right.pattern(variables, unknown))
        return COMPARED[self.operator](left, self.right.value(variables, unknown))

    def check_pattern(self) -> None:
        """ExpressionError where the pattern is written out and RE2 cannot read it."""
        if self.operator != "matches" or self.right is None or self.right.template.is_value:
            return
        # a letter stands for each placeholder, because nothing would break a class such as [{{marks}}]
        pieces = self.right.template.pieces
        try:
            compile_pattern("".join(piece if isinstance(piece, str) else "x" for piece in pieces).strip())
        except ExpressionError as error:
            error.offset, error.length = self.right.offset, len(self.right.source)
            raise


def as_text(value: Any) -> str:
    """The text that a value is compared as, trimmed; of a model's answer, its text."""
    if isinstance(value, str):
        return value.strip()
    return "null" if value is _NULL_WORD else to_text(_plain(value)).strip()


def as_number(value: Any) -> int | float | None:
    """The number that a value is, or that its text is written as in JSON; None for everything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if not isinstance(value, str):
        return None
    match = _NUMBER.fullmatch(value.strip())
    if match is None:
        return None
    number = float(match[0])
    if not math.isfinite(number):
        return None
    return number if match[1] or match[2] else int(match[0])


def is_true(value: Any) -> bool:
    """Truth of a single value: null, false, 0, [], {} and, trimmed, "", "false" and "0" are false."""
    if value is _NULL_WORD or value in (None, [], {}, ()):
        return False
    return as_text(value) not in {"", "false", "0"}


def is_empty(value: Any) -> bool:
    """Nothing is in it: null, a text of white space only, [] or {}. 0 and false are not empty."""
    if value is _NULL_WORD or value in (None, [], {}, ()):
        return True
    return as_text(value) == ""


@lru_cache(maxsize=256)
def compile_pattern(text: str) -> Any:
    """The RE2 pattern. ExpressionError where RE2, which has no way to take long, cannot read it."""
    import re2

    if len(text) > _LONGEST_PATTERN:
        raise ExpressionError("this pattern is too long", help=f"at most {_LONGEST_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(_encodable(text), options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        shown = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise ExpressionError(
            f"`{text}` is not a pattern: {shown}",
            length=len(text),
            help="patterns are RE2's: without look-around and without references to groups",
        ) from error


def _plain(value: Any) -> Any:
    """The value itself; of what llm_call sets, its trimmed text."""
    if isinstance(value, Mapping) and "tokensInput" in value and "tokensOutput" in value:
        text = value.get("text")
        return text.strip() if isinstance(text, str) else value
    return value


def _escaped(text: str) -> str:
    from re2 import escape

    return str(escape(_encodable(text)))


def _encodable(text: str) -> str:
    """RE2 works on UTF-8, which half a surrogate pair cannot be written in."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def is_found(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text; it takes no longer than the text is long."""
    return compile_pattern(pattern).search(_encodable(text)) is not None


def _matches(left: Any, pattern: str) -> bool:
    return is_found(pattern, as_text(left)[:_LONGEST_SUBJECT])


def _equal(left: Any, right: Any) -> bool:
    if (left is None and right is _NULL_WORD) or (left is _NULL_WORD and right is None):
        return True
    if as_text(left) == as_text(right):
        return True
    left_number = as_number(left)
    return left_number is not None and left_number == as_number(right)


def _contains(left: Any, right: Any) -> bool:
    if isinstance(left, (list, tuple)):
        return any(_equal(element, right) for element in left)
    if isinstance(left, Mapping):
        return as_text(right) in left
    return as_text(right) in as_text(left)


def _ordered(by: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(left: Any, right: Any) -> bool:
        left_number, right_number = as_number(left), as_number(right)
        if left_number is None or right_number is None:
            return by(as_text(left), as_text(right))
        return by(left_number, right_number)

    return compare


ASKED: Final[Mapping[str, Callable[[Any], bool]]] = {
    "": is_true,
    "is_empty": is_empty,
    "is_not_empty": lambda value: not is_empty(value),
}
"""What is asked of one operand."""

COMPARED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    ">": _ordered(lambda left, right: bool(left > right)),
    ">=": _ordered(lambda left, right: bool(left >= right)),
    "<": _ordered(lambda left, right: bool(left < right)),
    "<=": _ordered(lambda left, right: bool(left <= right)),
    "contains": _contains,
    "not_contains": lambda left, right: not _contains(left, right),
    "starts_with": lambda left, right: as_text(left).startswith(as_text(right)),
    "ends_with": lambda left, right: as_text(left).endswith(as_text(right)),
    "matches": lambda left, right: _matches(left, as_text(right)),
}
"""What is asked of two operands."""
