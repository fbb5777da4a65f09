"""Rules about ways out that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from botctl.lint.workflow_site import WorkflowSite
from botctl.project.analysis import cycles, loop_bodies, unreachable
from botctl.project.graph import ERROR, LOOP_BODY, Graph, Node
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
    cut = cut_off(site.graph)
    for node, why in _loops_without_body(site.graph):
        if cut is None or cut[0] is not node:
            yield Finding(
                f"the loop `{node.id}` has no body",
                at=(*node.path, "id"),
                label=why,
                help=f"add an edge from the `loop_body` of `{node.id}` to what should be repeated",
            )


def _loops_without_body(graph: Graph) -> Iterator[tuple[Node, str]]:
    """The loops that repeat nothing, each with why. Not those of which an edge is told already: one by a way
    out that they do not have, or one that leads round."""
    bodies = loop_bodies(graph) if graph.triggers else {}
    if all(bodies.values()):
        return
    closing = {edge.source for edge, _ in cycles(graph) if edge.handle == LOOP_BODY}
    for node in graph.nodes.values():
        if node.id not in bodies or bodies[node.id] or node.id in closing:
            continue
        if graph.wired(node.id) <= {*node.type.handles(node.data), ERROR}:
            has_edge = set(graph.targets(node.id, LOOP_BODY)) - {node.id}
            yield node, "`loop_done` leads to the same" if has_edge else "it turns and does nothing"


def check_decision(site: WorkflowSite) -> Iterator[Finding]:
    """A decision that changes nothing.

    No edge leaves an if_else or a switch, whatever it decides, or all of its ways out lead to the same.
    An if_else may leave one of its ways out without an edge: the branch then ends there.

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
    cut = cut_off(site.graph)
    for node, why in _decisions_without_consequence(site.graph):
        if cut is not None and cut[0] is node:
            continue
        if site.graph.onward(node.id):
            yield Finding(
                f"nothing depends on the decision `{node.id}`",
                at=(*node.path, "id"),
                label=why,
                help="lead one of them elsewhere, or take the node out",
            )
        else:
            handles = node.type.handles(node.data)
            ways = ", ".join(f"`{handle}`" for handle in handles)
            yield Finding(
                f"nothing follows the decision `{node.id}`",
                at=(*node.path, "id"),
                label=why,
                help=f"add an edge for {ways if len(handles) < 6 else 'one of its ways out'}",
            )


def _decisions_without_consequence(graph: Graph) -> Iterator[tuple[Node, str]]:
    """The decisions that do not matter, each with why."""
    for node in graph.nodes.values():
        handles = node.type.handles(node.data)
        if not graph.triggers or node.type.name != "logic" or node.is_loop or "next" in handles:
            continue
        if not graph.onward(node.id):
            yield node, "no edge leaves this node"
        elif _all_lead_to_the_same(graph, node, handles):
            yield node, "all its ways out lead to the same"


def cut_off(graph: Graph) -> tuple[Node, str] | None:
    """The loop or decision that surely should lead to the nodes that can never be reached, and why it does
    not; None if there is none. It is told with them."""
    if not graph.triggers or not unreachable(graph):
        return None
    reached = graph.reachable([*graph.triggers, *graph.lone_handlers])
    found = [*_loops_without_body(graph), *_decisions_without_consequence(graph)]
    return next(((node, why) for node, why in found if node.id in reached), None)


def _all_lead_to_the_same(graph: Graph, node: Node, handles: Sequence[str]) -> bool:
    first = set(graph.targets(node.id, handles[0]))
    return bool(first) and all(set(graph.targets(node.id, handle)) == first for handle in handles)


NO_BODY = Rule(code="WF209", severity="warning", check=check_loop_body, doc=check_loop_body.__doc__)
NO_CONSEQUENCE = Rule(code="WF210", severity="warning", check=check_decision, doc=check_decision.__doc__)
