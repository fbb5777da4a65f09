"""Linting a workflow: rules over what could be bound. Mistakes in a file's form are found when it is read."""

from __future__ import annotations

from msgspec.structs import replace

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
from botctl.spec.fields import close_word

IGNORABLE = frozenset(
    {JAVASCRIPT}
    | {rule.code for rule in RULES}
    | {rule.code for node_type in NODE_TYPES for rule in node_type.rules}
)
"""The codes that an ignore comment may name."""

_ABOUT_WORKFLOWS = frozenset(rule.code for rule in RULES)
"""Codes that a node's own rule leaves to one that knows more than the node."""

NOTHING_KNOWN = Surroundings()


def lint_workflow(graph: Graph, document: Document, around: Surroundings = NOTHING_KNOWN) -> list[Diagnostic]:
    """What the rules find in a workflow, without what its comments ignore."""
    javascript = JavaScriptCheck(graph)
    site = WorkflowSite(graph=graph, around=around, value=document.value)
    found = [
        document.diagnose(rule.code, rule.severity, finding) for rule in RULES for finding in rule.check(site)
    ]
    known = around
    if around.platforms is not None:
        known = replace(around, platforms=around.platforms | around.lacking)
    for node in graph.nodes.values():
        found += _lint_node(node, graph, document, known)
        known = _with_what_is_told(node, known)
    for node, finding in javascript.findings():
        found.append(document.diagnose(JAVASCRIPT, "error", finding, (*node.path, "data")))
    return without_ignored(found, document, IGNORABLE)


def _with_what_is_told(node: Node, around: Surroundings) -> Surroundings:
    """What is known, and a platform or server besides that this node names and that is not there: it is told
    with the first node. Not one that is only misspelt."""
    platform = getattr(node.data, "target_platform", "")
    if platform and around.platforms is not None and not close_word(platform, around.platforms):
        around = replace(around, platforms=around.platforms | {platform})
    server, is_full, _ = getattr(node.data, "toolName", "").partition("__")
    servers = {name.partition("__")[0] for name in around.tools or ()}
    if is_full and around.tools is not None and not close_word(server, servers):
        around = replace(around, unlocked=around.unlocked | {server})
    return around


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
        if rule.code not in _ABOUT_WORKFLOWS
        for finding in rule.check(site)
    ]
