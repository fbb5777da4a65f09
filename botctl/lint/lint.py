"""Linting: rules over what could be bound. Mistakes in a file's form are found before, when it is read."""

from __future__ import annotations

from botctl.lint.ignore import without_ignored
from botctl.lint.javascript import CODE as JAVASCRIPT
from botctl.lint.javascript import JavaScriptCheck
from botctl.lint.rules import RULES
from botctl.lint.workflow_site import Surroundings, WorkflowSite
from botctl.nodes import NODE_TYPES
from botctl.nodes.site import Site
from botctl.project.graph import Graph, Node
from botctl.project.load import Bot, Project, load_bot
from botctl.secrets import Environment
from botctl.source.diagnostic import Diagnostic
from botctl.source.document import Document

IGNORABLE = frozenset(
    {JAVASCRIPT}
    | {rule.code for rule in RULES}
    | {rule.code for node_type in NODE_TYPES for rule in node_type.rules}
)
"""The codes that an ignore comment may name."""

_NOTHING_KNOWN = Surroundings()


def lint_workflow(
    graph: Graph, document: Document, around: Surroundings = _NOTHING_KNOWN
) -> list[Diagnostic]:
    """What the rules find in a workflow, without what its comments ignore."""
    javascript = JavaScriptCheck(graph)
    site = WorkflowSite(graph=graph, around=around)
    found = [
        document.diagnose(rule.code, rule.severity, finding) for rule in RULES for finding in rule.check(site)
    ]
    for node in graph.nodes.values():
        found += _lint_node(node, graph, document, around)
    for node, finding in javascript.findings():
        found.append(document.diagnose(JAVASCRIPT, "error", finding, (*node.path, "data")))
    return without_ignored(found, document, IGNORABLE)


def lint_bot(project: Project, bot: Bot) -> list[Diagnostic]:
    """What the rules find in a bot's workflow, given its platforms and the other bots."""
    if bot.graph is None or bot.workflow_document is None:
        return []
    return lint_workflow(bot.graph, bot.workflow_document, surroundings(project, bot))


def lint_project(project: Project, environment: Environment | None = None) -> list[Diagnostic]:
    """Everything that is wrong with a project: its files, their names for each other, its workflows."""
    found = list(project.diagnostics)
    for name in project.workspace_names():
        found += project.load_workspace(name)[1]
    for name in project.bot_names():
        bot, diagnostics = load_bot(project, name, environment)
        found += diagnostics
        if bot is not None:
            found += lint_bot(project, bot)
    return list(dict.fromkeys(found))


def surroundings(project: Project, bot: Bot) -> Surroundings:
    """What a bot's workflow may name. A bare workflow knows nothing."""
    if bot.document is None:
        return _NOTHING_KNOWN
    ids = (project.read(path)[0] for path in project.bot_files.values())
    named = {document.get(("id",)) for document in ids if document is not None}
    return Surroundings(
        platforms=frozenset(bot.spec.platforms or {"console"}),
        bots=frozenset(project.bot_files) | {name for name in named if isinstance(name, str) and name},
    )


def _lint_node(node: Node, graph: Graph, document: Document, around: Surroundings) -> list[Diagnostic]:
    if not node.type.rules:
        return []
    site = Site(
        node_id=node.id,
        data=node.data,
        raw=node.raw,
        wired=graph.wired(node.id),
        platforms=around.platforms,
        bots=around.bots,
        tools=around.tools,
    )
    at = (*node.path, "data")
    return [
        document.diagnose(rule.code, rule.severity, finding, at)
        for rule in node.type.rules
        for finding in rule.check(site)
    ]
