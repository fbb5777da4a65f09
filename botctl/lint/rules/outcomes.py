"""Rules about ways out that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from botctl.lint.workflow_site import WorkflowSite
from botctl.project.analysis import loop_bodies
from botctl.project.graph import LOOP_BODY, Graph, Node
from botctl.source.rule import Finding, Rule


def check_loop_body(site: WorkflowSite) -> Iterator[Finding]:
    """A loop without a body.

    Nothing hangs on the loop's `loop_body`, so it turns and does nothing. What `loop_done` leads to is behind
    the loop, and not in its body, whatever else leads there.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: each, type: loop, data: {loopType: for_each, arrayVariable: attachments}}
      - {id: done, type: send_message, data: {message: Done.}}
    edges:
      - start -> each
      - each.loop_done -> done
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: each, type: loop, data: {loopType: for_each, arrayVariable: attachments}}
      - {id: tell, type: send_message, data: {message: "{{item.name}}"}}
      - {id: done, type: send_message, data: {message: Done.}}
    edges:
      - start -> each
      - each.loop_body -> tell
      - each.loop_done -> done
    ```
    """
    graph = site.graph
    bodies = loop_bodies(graph) if graph.triggers else {}
    for node in graph.nodes.values():
        if node.id in bodies and not bodies[node.id]:
            has_edge = set(graph.targets(node.id, LOOP_BODY)) - {node.id}
            yield Finding(
                f"the loop `{node.id}` has no body",
                at=(*node.path, "id"),
                label="`loop_done` leads to the same" if has_edge else "it turns and does nothing",
                help=f"add an edge from the `loop_body` of `{node.id}` to what should be repeated",
            )


def check_decision(site: WorkflowSite) -> Iterator[Finding]:
    """A decision that changes nothing.

    No edge leaves an if_else or a switch, whatever it decides, or all of its ways out lead to the same.
    Leaving some of them without an edge is fine: the branch then ends there.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: check, type: logic, data: {logicType: if_else, condition: "{{message}} contains hello"}}
    edges:
      - start -> check
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: check, type: logic, data: {logicType: if_else, condition: "{{message}} contains hello"}}
      - {id: greet, type: send_message, data: {message: Hello!}}
    edges:
      - start -> check
      - check.true -> greet
    ```
    """
    graph = site.graph
    for node in graph.nodes.values():
        if not graph.triggers or node.type.name != "logic" or node.is_loop:
            continue
        handles = node.type.handles(node.data)
        if "next" not in handles and not graph.onward(node.id):
            ways = ", ".join(f"`{handle}`" for handle in handles)
            yield Finding(
                f"nothing follows the decision `{node.id}`",
                at=(*node.path, "id"),
                label="no edge leaves this node",
                help=f"add an edge for {ways if len(handles) < 6 else 'one of its ways out'}",
            )
        elif "next" not in handles and _all_lead_to_the_same(graph, node, handles):
            yield Finding(
                f"nothing depends on the decision `{node.id}`",
                at=(*node.path, "id"),
                label="all its ways out lead to the same",
                help="lead one of them elsewhere, or take the node out",
            )


def _all_lead_to_the_same(graph: Graph, node: Node, handles: Sequence[str]) -> bool:
    first = set(graph.targets(node.id, handles[0]))
    return bool(first) and all(set(graph.targets(node.id, handle)) == first for handle in handles)


NO_BODY = Rule(code="WF209", severity="warning", check=check_loop_body, doc=check_loop_body.__doc__)
NO_CONSEQUENCE = Rule(code="WF210", severity="warning", check=check_decision, doc=check_decision.__doc__)
