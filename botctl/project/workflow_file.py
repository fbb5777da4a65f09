"""A workflow file: read, parsed and bound by itself, whatever bot it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from botctl.errors import UserError
from botctl.project.bind import bind_workflow
from botctl.project.graph import Graph
from botctl.source.diagnostic import Diagnostic
from botctl.source.document import Document, shown
from botctl.spec.workflow import WorkflowSpec
from botctl.spec.workflow_parse import parse_workflow, read_workflow, read_workflow_file

PROJECT_FILE = "botctl.yaml"
BOT_FILE = "bot.yaml"
"""What stands beside a workflow that belongs to a bot."""


class LoadedWorkflow(Struct, frozen=True, kw_only=True):
    """A workflow file, as far as it could be read: document, then workflow, then graph."""

    document: Document | None = None
    workflow: WorkflowSpec | None = None
    graph: Graph | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


def load_workflow(path: Path) -> LoadedWorkflow:
    """A workflow file by itself. It has a graph only if nothing that it says is wrong."""
    return _loaded(*read_workflow_file(path))


def workflow_of_file(path: Path) -> WorkflowSpec:
    """The workflow in a file, its node types not looked at; a UserError that says what is wrong with it."""
    document, diagnostics = read_workflow_file(path)
    if document is not None:
        workflow, diagnostics = parse_workflow(document)
        if workflow is not None and not diagnostics:
            return workflow
    raise refusal(f"{shown(path)} cannot be read as a workflow", diagnostics)


def pinned_graph(text: str, file: str) -> Graph:
    """The graph of a workflow that a run was started with, from its stored text."""
    loaded = _loaded(*read_workflow(text, file))
    if loaded.graph is None:
        raise refusal("the workflow that this run was started with can no longer be read", loaded.diagnostics)
    return loaded.graph


def _loaded(document: Document | None, diagnostics: list[Diagnostic]) -> LoadedWorkflow:
    if document is None:
        return LoadedWorkflow(diagnostics=tuple(diagnostics))
    workflow, diagnostics = parse_workflow(document)
    if workflow is None:
        return LoadedWorkflow(document=document, diagnostics=tuple(diagnostics))
    graph, found = bind_workflow(workflow, document)
    return LoadedWorkflow(
        document=document,
        workflow=workflow,
        graph=None if diagnostics else graph,
        diagnostics=(*diagnostics, *found),
    )


def refusal(message: str, diagnostics: Sequence[Diagnostic]) -> UserError:
    """The error of somebody who cannot go on: the message, and the first of the diagnostics."""
    errors = [found for found in diagnostics if found.severity == "error"]
    if not errors:
        return UserError(message)
    first = errors[0]
    place = f"{first.file}:{first.span.line}" if first.span is not None else first.file
    return UserError(f"{message}: {place}: {first.message}", help=first.help or None)
