"""The rule about variables in single braces, which texts leave as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from botctl.lint.workflow_site import WorkflowSite
from botctl.nodes.code_block import CodeBlockData
from botctl.nodes.templates import Writing, expressions
from botctl.project.graph import Node
from botctl.source.rule import Finding, Rule
from botctl.source.span import Path

_IN_BRACES = re.compile(r"(?<![{$\\])\{([A-Za-z_]\w*)\}(?!\})")
_TEXTS = {Writing.TEMPLATE, Writing.JSON_TEMPLATE}


def check_single_braces(site: WorkflowSite) -> Iterator[Finding]:
    """A variable in single braces.

    Only what stands in double braces is filled in: `{item_count}` is sent as it is written. Told where the
    name is exactly that of a variable which this workflow has; where the braces are meant, take an ignore
    comment.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: tell, type: send_message, data: {message: "You said {message}."}}
    edges:
      - start -> tell
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: tell, type: send_message, data: {message: "You said {{message}}."}}
    edges:
      - start -> tell
    ```
    """
    for node in site.graph.nodes.values():
        if isinstance(node.data, CodeBlockData):
            continue
        for at, text in _texts_of(node):
            for match in _IN_BRACES.finditer(text):
                if match[1] in site.flow.writes:
                    yield Finding(
                        f"`{match[0]}` is not filled in: it stands in single braces",
                        at=at,
                        within=(match.start(), len(match[0])),
                        label="stays as it is written",
                        help=f"a variable stands in double braces: write {{{{{match[1]}}}}}",
                    )


def _texts_of(node: Node) -> Iterator[tuple[Path, str]]:
    """The texts of a node that are filled in, and where they stand."""
    for written in expressions(node.data):
        if written.writing in _TEXTS:
            yield from _texts(written.value, (*node.path, "data", *written.path))


def _texts(value: Any, at: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _texts(entry, (*at, key))
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            yield from _texts(entry, (*at, index))


SINGLE_BRACES = Rule(
    code="VR215", severity="warning", check=check_single_braces, doc=check_single_braces.__doc__
)
"""`{message}` where `{{message}}` was meant."""
