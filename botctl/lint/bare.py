"""Bare workflow files: checked by themselves, without loading what only bots and projects need.

`botctl validate workflow.yaml` is what editors and hooks call; this keeps it quick.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from botctl.lint.workflow import NOTHING_KNOWN, lint_workflow
from botctl.lint.workflow_site import Surroundings
from botctl.project.workflow_file import BOT_FILE, PROJECT_FILE, LoadedWorkflow, load_workflow
from botctl.source.diagnostic import Diagnostic
from botctl.source.render import Sources, in_order, read_source

SUFFIXES = (".yaml", ".yml", ".json")
_WORKFLOW_KEYS = {"nodes", "edges", "workflow_json"}


class Checked(Struct, frozen=True, kw_only=True):
    """What was found, in the order of files and lines, and where the renderer finds their texts."""

    diagnostics: list[Diagnostic]
    sources: Sources


def check_bare_files(paths: Sequence[Path]) -> Checked | None:
    """What is wrong with workflow files; None unless all paths are such files that belong to no bot."""
    if not paths or not all(_may_be_bare(path) for path in paths):
        return None
    loaded = [load_workflow(path) for path in paths]
    if not all(path.suffix == ".json" or _is_workflow(one) for path, one in zip(paths, loaded, strict=True)):
        return None
    found = [diagnostic for one in loaded for diagnostic in linted(one)]
    return Checked(diagnostics=in_order(found), sources=read_source)


def linted(loaded: LoadedWorkflow, around: Surroundings = NOTHING_KNOWN) -> list[Diagnostic]:
    """What loading told, and what the rules find."""
    if loaded.graph is None or loaded.document is None:
        return list(loaded.diagnostics)
    return [*loaded.diagnostics, *lint_workflow(loaded.graph, loaded.document, around)]


def is_workflow_value(value: object) -> bool:
    """Whether a file with this value is surely meant to be a workflow."""
    return isinstance(value, dict) and not _WORKFLOW_KEYS.isdisjoint(value)


def _may_be_bare(path: Path) -> bool:
    folder = os.path.abspath(os.path.dirname(path))
    return (
        path.suffix in SUFFIXES
        and path.name not in (BOT_FILE, PROJECT_FILE)
        and os.path.basename(folder) not in ("workspaces", "tests")
        and os.path.isfile(path)
        and not os.path.exists(os.path.join(folder, BOT_FILE))
    )


def _is_workflow(loaded: LoadedWorkflow) -> bool:
    return loaded.document is not None and is_workflow_value(loaded.document.value)
