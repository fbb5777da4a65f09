"""Rules about nodes that no run comes to."""

from __future__ import annotations

from collections.abc import Iterator

from botctl.lint.consequences import misled
from botctl.lint.rules.handlers import led_to_trigger
from botctl.lint.rules.outcomes import cut_off
from botctl.lint.workflow_site import WorkflowSite
from botctl.project.analysis import cycles, unreachable
from botctl.project.graph import ERROR, LOOP_BODY, Graph, Node
from botctl.source.rule import Finding, Rule
from botctl.spec.fields import one_of


def check_unreachable(site: WorkflowSite) -> Iterator[Finding]:
    """A node that can never be reached.

    No path leads from a trigger to it, so it is never executed. An error_handler needs no edge: it is entered
    when another node fails. Of several nodes that hang together only the first is told. Where a loop or a
    decision has no edge that matters, the nodes are told there.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: greet, type: send_message, data: {message: Hello!}}
      - {id: refund, type: send_message, data: {message: Refunded.}}
    edges:
      - start -> greet
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: greet, type: send_message, data: {message: Hello!}}
      - {id: refund, type: send_message, data: {message: Refunded.}}
    edges:
      - start -> greet
      - greet -> refund
    ```
    """
    graph = site.graph
    lost = _lost(graph) if graph.triggers else []
    cut = cut_off(graph)
    if cut is not None and lost:
        yield _cut_off(graph, lost, *cut)
        return
    instead = misled(site)
    for id in lost:
        yield Finding(
            f"node `{id}` can never be reached",
            at=(*graph.nodes[id].path, "id"),
            label="no edge leads here from a trigger",
            help=f"add an edge to `{id}`, or delete the node",
            others=((instead[0].path, f"leads to `{instead[0].target}` instead"),)
            if instead is not None
            else tuple((edge.path, "leads to a trigger instead") for edge in led_to_trigger(graph)[:1]),
        )


def _lost(graph: Graph) -> list[str]:
    """The nodes that can never be reached, without those whose edge is told already: it leads round, or its
    own end is where it should begin."""
    lost = unreachable(graph)
    if not lost:
        return []
    if len(lost) <= len(cycles(graph)):
        return []
    turned = {edge.source for edge in graph.edges if not _is_possible(graph.nodes[edge.source], edge.handle)}
    return [id for id in lost if id not in turned]


def _is_possible(node: Node, handle: str) -> bool:
    return handle == ERROR or handle in node.type.handles(node.data)


def _cut_off(graph: Graph, lost: list[str], node: Node, why: str) -> Finding:
    """All nodes that can never be reached, told where the edges to them are missing."""
    what = f"node `{lost[0]}`" if len(lost) == 1 else f"nodes {one_of(lost, 'and')}"
    handles = [LOOP_BODY] if node.is_loop else list(node.type.handles(node.data))
    if len(lost) == 1 and node.is_loop:
        help = f"add an edge `{node.id}.{LOOP_BODY} -> {lost[0]}`, or delete the node"
    else:
        ways = f"its ways out {one_of(handles, 'and')}" if len(handles) < 6 else "its ways out"
        help = f"lead {ways} there, or delete what is not needed"
    return Finding(
        f"{what} can never be reached",
        at=(*node.path, "id"),
        label=why,
        help=help,
        others=tuple(((*graph.nodes[id].path, "id"), "no edge leads here") for id in lost[:3]),
    )


UNREACHABLE = Rule(code="WF203", severity="error", check=check_unreachable, doc=check_unreachable.__doc__)
