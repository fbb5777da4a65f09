"""Open calls: nodes that call a tool which wants a guard, and can be reached without one."""

from __future__ import annotations

from collections.abc import Iterator

from botctl.lint.guards import unguarded, way_to
from botctl.lint.workflow_site import WorkflowSite
from botctl.nodes.mcp_tool import McpToolData
from botctl.project.graph import Node
from botctl.tools.tool import Tool


def is_destructive(tool: Tool) -> bool:
    """Whether a tool says so itself; silence is no claim."""
    return tool.hints.destructive is True and not tool.hints.read_only


def open_calls(site: WorkflowSite) -> Iterator[tuple[Node, Tool, list[str]]]:
    """The calls of known tools that are reached past all guards, each with such a way."""
    if not site.around.tools or site.around.allows_only_some:
        return
    calls = [
        (node, tool)
        for node in site.graph.nodes.values()
        if isinstance(node.data, McpToolData)
        and (tool := site.around.tools.get(node.data.toolName)) is not None
        and (is_destructive(tool) or site.around.decide(tool.name) == "ask")
        and site.around.decide(tool.name) != "deny"
    ]
    before = unguarded(site.graph) if calls else {}
    for node, tool in calls:
        if node.id in before:
            yield node, tool, way_to(node.id, before)
