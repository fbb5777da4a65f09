"""The bare text: one that begins with `{{` and lacks its quotes, and where it was meant to end."""

from __future__ import annotations

import re
from typing import Any

_COMMENT = re.compile(r"\s#")
_CLOSING = {"{": "}", "[": "]"}
_AFTER_COMMA = re.compile(r",\s*(?:[\"']?[\w$.-]+[\"']?\s*:|[}\]]|$)", re.MULTILINE)


def bare_text(text: str, start: int) -> str:
    """The text without quotes that begins at `start`; "" where nobody can tell how far it goes."""
    end = text.find("\n", start)
    line = text[start : end if end >= 0 else len(text)]
    around = _around(text[:start])
    if not around:
        return _COMMENT.split(line)[0].rstrip()
    length = _length_in_brackets(line)
    ending = line[length : length + 1]
    if not ending or ending not in (",", _CLOSING[around]):
        return ""
    if ending == "," and around == "{" and not _AFTER_COMMA.match(text, start + length):
        return ""  # a comma of the text, it seems
    return line[:length].rstrip()


def quoted(written: str) -> str:
    """A text in quotes that mean what it says."""
    if '"' not in written and "\\" not in written:
        return f'"{written}"'
    return "'" + written.replace("'", "''") + "'"


def _length_in_brackets(line: str) -> int:
    """Up to what ends a text within brackets; 0 if that is unclear."""
    at = 0
    while at < len(line) and line[at] not in ",]}":
        if line.startswith("{{", at) and (close := line.find("}}", at)) >= 0:
            at = close + 2
            continue
        if line[at] in "{[" or re.compile(r":(?=\s)|\s#").match(line, at):
            return 0
        at += 1
    return at


def _around(before: str) -> str:
    """The innermost bracket that is open behind a text: `{`, `[`, or "" if there is none."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    open_brackets: list[str] = []
    try:
        for token in yaml.scan(before, Loader=loader):
            kind = type(token).__name__
            if kind in ("FlowMappingStartToken", "FlowSequenceStartToken"):
                open_brackets.append("{" if "Mapping" in kind else "[")
            elif kind in ("FlowMappingEndToken", "FlowSequenceEndToken") and open_brackets:
                open_brackets.pop()
    except yaml.YAMLError:
        pass  # the end of the text comes too early for it, which is what was asked
    return open_brackets[-1] if open_brackets else ""
