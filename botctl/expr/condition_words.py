"""The words of a condition: placeholders, quotes, operators, brackets and bare words, in their places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Final, NamedTuple

from botctl.expr.comparison import ASKED, COMPARED
from botctl.expr.path import ExpressionError
from botctl.expr.template import Placeholder, placeholder_at, split_placeholders


class Kind(Enum):
    """What a word of a condition is."""

    PLACEHOLDER = "a placeholder"
    QUOTED = "a quoted text"
    OPERATOR = "an operator"
    JOINER = "and, or"
    OPEN = "("
    CLOSE = ")"
    BARE = "a bare word"


class Word(NamedTuple):
    """One word. start and end count characters of the condition; text is as written."""

    kind: Kind
    start: int
    end: int
    text: str


_OPERATORS: Final = frozenset([*ASKED, *COMPARED]) - {""}
_BLANK = re.compile(r"\s*")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)
_AFTER_QUOTED = re.compile(r"\s|[()<>=]|!=|\Z")
_SYMBOL = re.compile(r"===|!==|=>|=<|<>|==|!=|>=|<=|>|<|=|(?:&&|\|\|)(?=\s|\{\{|\()|!(?=\{\{|\()")
_BARE = re.compile(r"(?:(?!\{\{|==|!=)[^\s()<>])+")
_QUOTE_IT: Final = 'put text that holds it in quotes: "..."'
_WRITE_INSTEAD: Final = {
    "=": "==",
    "===": "==",
    "!==": "!=",
    "<>": "!=",
    "=>": ">=",
    "=<": "<=",
    "&&": "and",
    "||": "or",
    "!": "not",
}


def split_words(text: str) -> tuple[Word, ...]:
    """The words of a condition, in order. Raises ExpressionError for what can be none."""
    words: list[Word] = []
    position = 0
    while (position := _skip_blank(text, position)) < len(text):
        word = _word_at(text, position, words[-1] if words else None)
        words.append(word)
        position = word.end
    return tuple(words)


def _skip_blank(text: str, position: int) -> int:
    blank = _BLANK.match(text, position)
    return blank.end() if blank else position


def _word_at(text: str, start: int, before: Word | None) -> Word:
    if text.startswith("{{", start):
        placeholder = placeholder_at(text, start, len(text))
        length = 2 if placeholder is None else placeholder.length
        kind = Kind.BARE if placeholder is None else Kind.PLACEHOLDER
        return Word(kind, start, start + length, text[start : start + length])
    if text[start] in "()":
        return Word(Kind.OPEN if text[start] == "(" else Kind.CLOSE, start, start + 1, text[start])
    if symbol := _SYMBOL.match(text, start):
        if symbol[0] in _WRITE_INSTEAD:
            raise ExpressionError(
                f"`{symbol[0]}` is not an operator",
                offset=start,
                length=len(symbol[0]),
                help=f"write `{_WRITE_INSTEAD[symbol[0]]}`, or {_QUOTE_IT}",
            )
        return Word(Kind.OPERATOR, start, symbol.end(), symbol[0])
    is_glued = before is not None and before.kind is Kind.PLACEHOLDER and before.end == start
    if text[start] in "\"'" and not is_glued and (quoted := _quoted_at(text, start, before)):
        return quoted
    bare = _BARE.match(text, start)
    end = bare.end() if bare else start + 1
    written = text[start:end]
    if is_glued or text.startswith("{{", end):
        return Word(Kind.BARE, start, end, written)
    if written in _OPERATORS:
        return Word(Kind.OPERATOR, start, end, written)
    return Word(Kind.JOINER if written in {"and", "or"} else Kind.BARE, start, end, written)


def _quoted_at(text: str, start: int, before: Word | None) -> Word | None:
    """The quoted text that begins here. Within an operand, a quote that is not closed is a character."""
    match = _QUOTED.match(text, start)
    if match is not None and _AFTER_QUOTED.match(text, match.end()):
        return Word(Kind.QUOTED, start, match.end(), match[0])
    if (
        before is not None
        and before.kind in {Kind.BARE, Kind.PLACEHOLDER, Kind.QUOTED}
        and before.text != "not"
    ):
        return None
    if match is None:
        raise ExpressionError(
            "this quote is not closed",
            offset=start,
            length=len(text) - start,
            help="close it; a quote within quotes is written with a backslash before it",
        )
    raise ExpressionError(
        "text goes on after the closing quote",
        offset=match.end() - 1,
        length=1,
        help="put the whole text in quotes; a quote within quotes is written with a backslash before it",
    )


def unquoted(text: str, word: Word) -> Iterator[str | Placeholder]:
    """The pieces of a quoted text. Only the quote is escaped in it: patterns stay as they are."""
    quote = word.text[0]
    for piece in split_placeholders(text, word.start + 1, word.end - 1):
        yield piece if isinstance(piece, Placeholder) else piece.replace(f"\\{quote}", quote)
