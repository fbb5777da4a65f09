"""What bots hand over when they delegate: the keys of `context`, which become the other bot's variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botctl.expr.json_template import parse_json_template
from botctl.expr.json_text import ObjectNode
from botctl.expr.path import ExpressionError
from botctl.project.load import Project


def handed_over(project: Project, names: frozenset[str]) -> frozenset[str] | None:
    """The variables that workflows of the project hand over to the bot that has these names (its name, its
    id); None if that may be any. Reads the workflows of all bots."""
    found: set[str] = set()
    for data in _delegations(project):
        target = data.get("target_bot_id")
        if not isinstance(target, str) or (target not in names and "{{" not in target):
            continue
        keys = _keys(data.get("context"))
        if keys is None:
            return None
        found |= keys
    return frozenset(found)


def _delegations(project: Project) -> Iterator[Mapping[str, Any]]:
    """The `data` of every delegate_to_bot, as written."""
    for path in project.bot_files.values():
        document, _ = project.read(path)
        file = document.get(("workflow",)) if document is not None else None
        if not isinstance(file, str) or not (path.parent / file).is_file():
            continue
        workflow, _ = project.read(path.parent / file)
        nodes = workflow.get(("nodes",)) if workflow is not None else None
        for node in nodes if isinstance(nodes, list) else ():
            data = node.get("data") if isinstance(node, dict) else None
            if isinstance(data, dict) and node.get("type") == "delegate_to_bot":
                yield data


def _keys(context: Any) -> set[str] | None:
    if context is None or context == "":
        return set()
    try:
        root = parse_json_template(context).root
    except ExpressionError:
        return None
    if not isinstance(root, ObjectNode) or any(key.template is not None for key, _ in root.members):
        return None
    return {str(key.value) for key, _ in root.members}
