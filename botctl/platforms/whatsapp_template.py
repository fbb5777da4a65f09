"""A WhatsApp template: how it is written in YAML, and what the Graph API is told."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from botctl.platforms.platform import SendError

LONGEST_PARAMETER = 1000
"""Characters of a body's parameter: a body may have 1,024 with it (Meta's template page, 2026-06)."""

_WRITTEN = re.compile(r"([a-z0-9_]{1,512})(?::([a-z]{2,3}(?:_[A-Z]{2})?))?")
_DEFAULT_LANGUAGE = "en_US"
_HINT = "should be `name:language`, such as notice:en_US, or a JSON object with `name` and `language`"


def template_fault(written: str) -> str:
    """What is wrong with how a template is written; "" if nothing."""
    if written.lstrip().startswith("{"):
        return "" if _as_object(written) else _HINT
    return "" if _WRITTEN.fullmatch(written) else _HINT


def template_object(written: str, text: str) -> dict[str, Any]:
    """What the Graph API is told of a template that carries `text`; a SendError if it cannot be read."""
    if written.lstrip().startswith("{"):
        found = _as_object(written)
        if found is not None:
            return found
    named = _WRITTEN.fullmatch(written)
    if named is None:
        raise SendError(f"the template {_HINT}", permanent=True)
    if not text.strip():
        raise SendError("a template carries only text, and this message has none", permanent=True)
    parameter = {"type": "text", "text": parameter_text(text)}
    return {
        "name": named[1],
        "language": {"code": named[2] or _DEFAULT_LANGUAGE},
        "components": [{"type": "body", "parameters": [parameter]}],
    }


def parameter_text(text: str) -> str:
    """A text on one line: a parameter may hold no line ends, tabs or more than four spaces in a row (error
    132018, Meta's error page, 2026-06)."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_PARAMETER else line[: LONGEST_PARAMETER - 1] + "…"


def _as_object(written: str) -> dict[str, Any] | None:
    try:
        found = json.loads(written)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("name"), str):
        return None
    language = found.get("language", _DEFAULT_LANGUAGE)
    if isinstance(language, str):
        return {**found, "language": {"code": language}}
    return found if isinstance(language, Mapping) and isinstance(language.get("code"), str) else None
