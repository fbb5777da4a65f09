"""The codes of all findings and their manual pages."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

from botctl.lint import javascript
from botctl.lint.bot_rules import BOT_RULES, PROJECT_RULES, WORKSPACE_RULES
from botctl.lint.rules import RULES
from botctl.nodes import NODE_TYPES
from botctl.source.rule import Rule

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


def pages() -> dict[str, str]:
    """Every code with its page."""
    found = {**_written_pages(), javascript.CODE: javascript.PAGE}
    listed: tuple[Rule[Any], ...] = (*RULES, *BOT_RULES, *WORKSPACE_RULES, *PROJECT_RULES)
    for rule in listed:
        found[rule.code] = inspect.cleandoc(rule.doc or "")
    for node_type in NODE_TYPES:
        for node_rule in node_type.rules:
            found[node_rule.code] = inspect.cleandoc(node_rule.doc or "")
    return dict(sorted(found.items()))


def page_of(code: str) -> str | None:
    """The page of a code, with the code before it; None if there is no such code."""
    page = pages().get(code)
    return f"{code}: {page.strip()}" if page is not None else None


def _written_pages() -> dict[str, str]:
    text = Path(__file__).with_name("codes.md").read_text("utf-8")
    _, *parts = _HEADING.split(text)
    return {
        code: body.strip()
        for heading, body in zip(parts[::2], parts[1::2], strict=True)
        for code in heading.split()
    }
