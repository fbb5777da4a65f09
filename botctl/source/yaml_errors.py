"""YAML that cannot be read, in our words: what libyaml says, and what people usually did."""

from __future__ import annotations

import re
from typing import Any

from botctl.source.bare_text import bare_text, quoted
from botctl.source.place import Fault, Unreadable

_QUOTES = 'put the text in "quotes"'
_INDENT = "indent with spaces so that entries of one mapping or list begin in the same column"

_WORDS: tuple[tuple[str, str, str], ...] = (
    # what the parser's problem contains, label, help
    (
        "mapping values are not allowed",
        "a second `:` on one line, or a line that is indented too far",
        _QUOTES,
    ),
    ("cannot start any token", "no value can begin with this character", _QUOTES),
    ("could not find expected ':'", "a `:` is missing after this key", "add a `:`, or " + _QUOTES),
    ("did not find expected key", "this does not belong to what stands before it", _INDENT),
    ("did not find expected '-' indicator", "this does not belong to the list before it", _INDENT),
    (
        "did not find expected ',' or",
        "a `,` or the closing bracket is missing before this",
        "add what is missing",
    ),
    (
        "block sequence entries are not allowed",
        "a list cannot begin here",
        "begin the list on a line of its own",
    ),
    ("block mapping entries are not allowed", "a mapping cannot begin here", _INDENT),
    ("block collections are not allowed", "a list or mapping cannot begin here", _INDENT),
    ("block mapping keys are not allowed", "a key cannot stand here", _INDENT),
    ("unexpected end of stream", "this text in quotes has no end", "add the closing quote"),
    ("unexpected document indicator", "this text in quotes has no end", "add the closing quote"),
    (
        "unknown escape character",
        "not an escape that YAML has",
        "write \\\\ for a backslash, or use 'single quotes'",
    ),
    ("invalid unicode character escape", "not a character", "write the character itself"),
    ("did not find expected hexdecimal number", "not a character's number", "write \\\\ for a backslash"),
    ("did not find expected hexadecimal number", "not a character's number", "write \\\\ for a backslash"),
    ("did not find expected alphabetic or numeric", "`*` and `&` have a meaning in YAML", _QUOTES),
    ("did not find expected whitespace or line break", "a blank should stand here", "add a blank"),
    ("did not find expected comment or line break", "nothing may follow on this line", "begin a new line"),
    ("found a tab character", "a tab", "indent with spaces"),
    ("found undefined tag handle", "`!` has a meaning in YAML", _QUOTES),
    ("undefined tag handle", "`!` has a meaning in YAML", _QUOTES),
    ("did not find expected <document start>", "the document has ended before this", _INDENT),
    ("expected '<document start>'", "the document has ended before this", _INDENT),
    ("while scanning a directive", "a line that begins with `%` is a directive", _QUOTES),
    ("control characters", "a control character", "take it out"),
    ("special characters are not allowed", "a control character", "take it out"),
    ("did not find expected node content", "a value should stand here", "write a value, or " + _QUOTES),
)
_VALUE_IS_TEMPLATE = r"(?:[:-]|^)\s+(\{\{.*)$"


def unreadable_yaml(text: str, error: Exception) -> Unreadable:
    """The one thing to say about a text that the parser gave up on."""
    at, problem = _where(text, error)
    at = _onto_text(text, at)
    line_start = text.rfind("\n", 0, at) + 1
    line_end = text.find("\n", at)
    line = text[line_start : line_end if line_end >= 0 else len(text)].rstrip()
    template = re.search(_VALUE_IS_TEMPLATE, line)
    if template and line_start + template.start(1) < at:
        start = line_start + template.start(1)
        return _bare_template(start, line_start + len(line), bare_text(text, start))
    character = text[at : at + 1]
    if character == "\t" or (problem.startswith("found character") and "\t" in line):
        tab = text.find("\t", line_start)
        return _unreadable(tab, "a tab", "indent with spaces")
    for words, label, help in _WORDS:
        if words in problem:
            return _unreadable(at, label, help)
    return _unreadable(at, "YAML cannot be read from here on", "look at the quotes and the indentation above")


def _where(text: str, error: Exception) -> tuple[int, str]:
    """The offset that the parser names, and its words in lower case. `error` is a yaml.YAMLError."""
    context_mark: Any = getattr(error, "context_mark", None)
    mark: Any = getattr(error, "problem_mark", None) or context_mark
    if hasattr(error, "problem_mark"):
        words = f"{getattr(error, 'problem', '') or ''} {getattr(error, 'context', '') or ''}".lower()
        is_open = "quoted scalar" in words and context_mark is not None
        if is_open and ("end of stream" in words or "document indicator" in words):
            mark = context_mark
        return (mark.index if mark is not None else len(text)), words
    position = getattr(error, "position", 0)
    # The C reader counts bytes, the one in Python characters.
    character = getattr(error, "character", None)
    if isinstance(character, int) and (found := text.find(chr(character))) >= 0:
        position = found
    return position, str(getattr(error, "reason", error)).lower()


def _onto_text(text: str, at: int) -> int:
    """The last character that can be seen, if the offset is behind it."""
    last = len(text.rstrip()) - 1
    return max(0, min(at, last))


def _bare_template(start: int, end: int, written: str) -> Unreadable:
    return Unreadable(
        Fault(
            code="YM110",
            message="a text that begins with `{{` needs quotes",
            start=start,
            end=start + len(written) if written else end,
            label="YAML takes this for a mapping",
            help=f"write {quoted(written)}" if written else _QUOTES,
        )
    )


def _unreadable(at: int, label: str, help: str) -> Unreadable:
    return Unreadable(
        Fault(code="YM101", message="this YAML cannot be read", start=at, end=at + 1, label=label, help=help)
    )
