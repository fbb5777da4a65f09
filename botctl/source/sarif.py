"""The SARIF log: diagnostics as code-scanning services read them (OASIS SARIF 2.1.0, errata 01 of 2023)."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from botctl.source.diagnostic import Diagnostic, Severity
from botctl.source.lines import Lines
from botctl.source.render import Sources, in_order
from botctl.source.span import Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "SRCROOT"
_FINGERPRINT = "codeAndLine/v1"


class Manual(Struct, frozen=True, kw_only=True):
    """What a log says of the tool that made it. pages: the manual page of each code, its title first."""

    version: str
    pages: Mapping[str, str]


def to_sarif(diagnostics: Iterable[Diagnostic], sources: Sources, manual: Manual) -> str:
    """One log with one run. Paths are relative to the folder the command was called in."""
    found = in_order(diagnostics)
    severities: dict[str, Severity] = {}
    for one in found:
        if severities.get(one.code) != "error":
            severities[one.code] = one.severity
    codes = sorted(severities)
    line_of = _line_reader(sources)
    seen: Counter[str] = Counter()
    results = [_result(one, codes.index(one.code), line_of, seen) for one in found]
    driver = {
        "name": "botctl",
        "version": manual.version,
        "semanticVersion": manual.version,
        "rules": [_rule(code, severities[code], manual.pages.get(code, code)) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True}],
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder in which botctl was called."}}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _rule(code: str, severity: Severity, page: str) -> dict[str, Any]:
    title, _, rest = page.strip().partition("\n")
    return {
        "id": code,
        "name": _name(title),
        "shortDescription": {"text": title},
        "fullDescription": {"text": " ".join(rest.partition("\nBad:\n")[0].split()) or title},
        "help": {"text": page.strip(), "markdown": page.strip()},
        "defaultConfiguration": {"level": severity},
    }


def _name(title: str) -> str:
    """A title as one word: "A loop without a body." is ALoopWithoutABody."""
    return "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", title))


def _result(
    found: Diagnostic, rule: int, line_of: Callable[[str, int], str], seen: Counter[str]
) -> dict[str, Any]:
    text = found.message + (f": {found.label}" if found.label else "")
    result: dict[str, Any] = {
        "ruleId": found.code,
        "ruleIndex": rule,
        "level": found.severity,
        "message": {"text": text + (f"\n{found.help}" if found.help else "")},
        "locations": [{"physicalLocation": _place(found.file, found.span)}],
        "partialFingerprints": {_FINGERPRINT: _fingerprint(found, line_of, seen)},
    }
    if found.others:
        result["relatedLocations"] = [
            {
                "id": number,
                "physicalLocation": _place(other.file, other.span),
                "message": {"text": other.text},
            }
            for number, other in enumerate(found.others, start=1)
        ]
    return result


def _place(file: str, span: Span | None) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": _artifact(file)}
    if span is not None:
        place["region"] = {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.end_line,
            "endColumn": span.end_column,
        }
    return place


def _artifact(file: str) -> dict[str, str]:
    """A file in the folder by its relative address, any other by its whole one."""
    if os.path.isabs(file):
        return {"uri": Path(file).as_uri()}
    return {"uri": quote(Path(file).as_posix()), "uriBaseId": _ROOT}


def _fingerprint(found: Diagnostic, line_of: Callable[[str, int], str], seen: Counter[str]) -> str:
    """What stays the same when lines are put in above: the code, and what the line says."""
    line = line_of(found.file, found.span.line).strip() if found.span is not None else ""
    digest = hashlib.sha256(f"{found.code}\0{found.message}\0{line}".encode(errors="replace")).hexdigest()[
        :32
    ]
    seen[found.file + digest] += 1
    return f"{digest}:{seen[found.file + digest]}"


def _line_reader(sources: Sources) -> Callable[[str, int], str]:
    texts: dict[str, Lines | None] = {}

    def line_of(file: str, number: int) -> str:
        if file not in texts:
            text = sources(file)
            texts[file] = Lines(text) if text is not None else None
        lines = texts[file]
        return lines.line(number) if lines is not None and number <= len(lines) else ""

    return line_of
