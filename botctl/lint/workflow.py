"""Linting a workflow: rules over what could be bound. Mistakes in a file's form are found when it is read."""

from __future__ import annotations

from botctl.lint.ignore import without_ignored
from botctl.lint.javascript import CODE as JAVASCRIPT
from botctl.lint.javascript import JavaScriptCheck
from botctl.lint.rules import RULES
from botctl.lint.workflow_site import Surroundings, WorkflowSite
from botctl.nodes import NODE_TYPES
from botctl.nodes.site import Site
from botctl.project.graph import Graph, Node
from botctl.source.diagnostic import Diagnostic
from botctl.source.document import Document

IGNORABLE = frozenset(
    {JAVASCRIPT}
    | {rule.code for rule in RULES}
    | {rule.code for node_type in NODE_TYPES for rule in node_type.rules}
)
"""The codes that an ignore comment may name."""

NOTHING_KNOWN = Surroundings()


def lint_workflow(graph: Graph, document: Document, around: Surroundings = NOTHING_KNOWN) -> list[Diagnostic]:
    """What the rules find in a workflow, without what its comments ignore."""
    javascript = JavaScriptCheck(graph)
    site = WorkflowSite(graph=graph, around=around, value=document.value)
    found = [
        document.diagnose(rule.code, rule.severity, finding) for rule in RULES for finding in rule.check(site)
    ]
    for node in graph.nodes.values():
        found += _lint_node(node, graph, document, around)
    for node, finding in javascript.findings():
        found.append(document.diagnose(JAVASCRIPT, "error", finding, (*node.path, "data")))
    return without_ignored(found, document, IGNORABLE)


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
        unlocked=around.unlocked,
    )
    at = (*node.path, "data")
    return [
        document.diagnose(rule.code, rule.severity, finding, at)
        for rule in node.type.rules
        for finding in rule.check(site)
    ]
