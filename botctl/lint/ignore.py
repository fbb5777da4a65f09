"""Ignore comments: `# botctl: ignore[WF203] because ...` takes a finding back, with a reason.

A comment at the end of a line is about the entry on that line, one on a line of its own about the entry that
begins on the next line. An entry reaches down to the next line that is not indented further.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from msgspec import Struct, field

from botctl.source.diagnostic import Diagnostic
from botctl.source.document import Document
from botctl.source.span import Span

MALFORMED, UNUSED = "YM201", "YM202"

_COMMENT = r"(?:^|(?<=\s))#\s*botctl:\s*(.*)$"
_IGNORE = r"ignore\s*\[([^\]]*)\]\s*(?:because\b\s*(.*))?$"
_EMPTY = r"\s*(#.*)?$"


class _Ignore(Struct, frozen=True):
    """One code of one comment, and the lines it is about. used fills up as findings are taken back."""

    code: str
    first: int
    last: int
    span: Span
    used: list[Diagnostic] = field(default_factory=list)


def without_ignored(
    diagnostics: list[Diagnostic], document: Document, known: Collection[str]
) -> list[Diagnostic]:
    """The findings that no comment takes back, and what is wrong with the comments. known: codes of rules."""
    if "botctl:" not in document.text or document.file.endswith(".json"):
        return diagnostics
    ignores: list[_Ignore] = []
    faults: list[Diagnostic] = []
    for number in range(1, len(document.lines) + 1):
        for found in _comments(document, number, known):
            if isinstance(found, _Ignore):
                ignores.append(found)
            else:
                faults.append(found)
    kept = [diagnostic for diagnostic in diagnostics if not _is_ignored(diagnostic, ignores)]
    return [*kept, *faults, *(_unused(document, ignore) for ignore in ignores if not ignore.used)]


def _is_ignored(diagnostic: Diagnostic, ignores: list[_Ignore]) -> bool:
    if diagnostic.span is None:
        return False
    for ignore in ignores:
        if ignore.code == diagnostic.code and ignore.first <= diagnostic.span.line <= ignore.last:
            ignore.used.append(diagnostic)
            return True
    return False


def _comments(document: Document, number: int, known: Collection[str]) -> Iterator[_Ignore | Diagnostic]:
    line = document.lines.line(number)
    comment = re.search(_COMMENT, line)
    if comment is None or document.is_text(document.lines.start(number) + comment.start()):
        return
    span = Span(number, comment.start() + 1, number, len(line.rstrip()) + 1)
    match = re.match(_IGNORE, comment[1].rstrip())
    if match is None:
        yield _malformed(document, span, "this comment is no `ignore[CODE] because ...`")
        return
    if not match[2]:
        yield _malformed(document, span, "an ignore needs a reason")
        return
    first, last = _reach(document, number, alone=not line[: comment.start()].strip())
    for code in re.split(r"[,\s]+", match[1].strip()):
        if code in known:
            yield _Ignore(code, first, last, span)
        else:
            yield _malformed(document, span, f"`{code[:20]}` is no code that can be ignored")


def _reach(document: Document, number: int, *, alone: bool) -> tuple[int, int]:
    """The lines that a comment is about."""
    lines = document.lines
    first = number
    if alone:
        first += 1
        while first < len(lines) and re.match(_EMPTY, lines.line(first)):
            first += 1
    if first > len(lines):
        return first, first
    indent = _indent(lines.line(first))
    last = first
    for following in range(first + 1, len(lines) + 1):
        text = lines.line(following)
        if re.match(_EMPTY, text):
            continue
        if _indent(text) <= indent:
            break
        last = following
    return first, last


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _malformed(document: Document, span: Span, message: str) -> Diagnostic:
    return Diagnostic(
        code=MALFORMED,
        severity="warning",
        message=message,
        file=document.file,
        span=span,
        label="has no effect",
        help="write `# botctl: ignore[WF203] because ...` with the code of a finding and a reason",
    )


def _unused(document: Document, ignore: _Ignore) -> Diagnostic:
    return Diagnostic(
        code=UNUSED,
        severity="warning",
        message=f"there is no {ignore.code} here to ignore",
        file=document.file,
        span=ignore.span,
        label="hides nothing",
        help="take the comment out",
    )
