"""Rules about loops that do not end as they should, and runs that would be too long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from botctl.expr.condition import parse_condition
from botctl.expr.path import ExpressionError
from botctl.lint.flow.variables import Use
from botctl.lint.workflow_site import WorkflowSite
from botctl.nodes.action import ActionData
from botctl.nodes.loop import MOST_ITERATIONS, LoopData
from botctl.project.analysis import cycles, loop_bodies, unreachable
from botctl.project.graph import LOOP_BODY, Graph, Node
from botctl.source.rule import Finding, Rule


def check_endless(site: WorkflowSite) -> Iterator[Finding]:
    """A `while` whose condition cannot change while it turns.

    Nothing in the loop's body sets a variable that the condition asks for, so it either never turns, or turns
    until it is cut.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: again, type: loop, data: {loopType: while, condition: "{{message}} contains more"}}
      - {id: say, type: send_message, data: {message: Here is more.}}
    edges:
      - start -> again
      - again.loop_body -> say
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: again, type: loop, data: {loopType: while, condition: "{{message}} contains more"}}
      - {id: say, type: send_message, data: {message: Here is more. Still more?}}
      - {id: answer, type: logic, data: {logicType: wait}}
    edges:
      - start -> again
      - again.loop_body -> say
      - say -> answer
    ```
    """
    graph, flow = site.graph, site.flow
    if not graph.triggers or not graph.loops or cycles(graph) or unreachable(graph):
        return  # what is never reached may be what should set the variable
    bodies = loop_bodies(graph)
    for node in graph.nodes.values():
        if node.id not in graph.loops or not getattr(node.data, "condition", ""):
            continue
        asked = {read.name for read in flow.reads if read.node == node.id and read.use is Use.CONDITION}
        turning = {node.id, *bodies[node.id], *_beside(graph, node.id)}
        setting = {write.node for name in asked for write in flow.writes.get(name, ())}
        if not bodies[node.id] or "error" in asked or turning & (setting | flow.open):
            continue
        if not _is_understood(node.data.condition):
            continue
        if asked and all(flow.is_never_set(read) for read in flow.reads if read.node == node.id):
            continue  # the variable is told
        if any(_asks_a_person(graph.nodes[id]) for id in turning):
            continue
        names = " and ".join(f"`{name}`" for name in sorted(asked))
        yield Finding(
            f"the condition of the loop `{node.id}` cannot change while it turns",
            at=(*node.path, "data", "condition"),
            label=f"nothing in the loop sets {names}" if asked else "no variable is asked for here",
            help="set what it asks for in the loop's body, or use `count` or `for_each`",
        )


def _is_understood(condition: str) -> bool:
    try:
        parse_condition(condition)
    except ExpressionError:
        return False
    return True


def _beside(graph: Graph, loop: str) -> set[str]:
    """The nodes that may run while a loop turns and are not of its body."""
    into: dict[str, list[str]] = {id: [] for id in graph.nodes}
    for edge in graph.edges:
        into[edge.target].append(edge.source)
    before: set[str] = set()
    waiting = [loop]
    while waiting:
        id = waiting.pop()
        if id not in before:
            before.add(id)
            waiting += into[id]
    return graph.nodes.keys() - before - graph.reachable([loop])


def _asks_a_person(node: Node) -> bool:
    """Whether a reviewer may set any variable at this node."""
    return isinstance(node.data, ActionData) and node.data.actionType == "human_handoff"


def check_length(site: WorkflowSite) -> Iterator[Finding]:
    """More nodes than one run may execute.

    A run executes at most 50 nodes outside of loops (`limits: {max_nodes: ...}` in bot.yaml) and 1,000 in
    loops (`max_loop_nodes`). This workflow would go beyond that whatever is decided on the way, and its run
    would end with an error.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: row, type: loop, data: {loopType: count, iterations: 40, itemVariable: row}}
      - {id: column, type: loop, data: {loopType: count, iterations: 40, itemVariable: column}}
      - {id: say, type: send_message, data: {message: "{{row}}, {{column}}"}}
    edges:
      - start -> row
      - row.loop_body -> column
      - column.loop_body -> say
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: row, type: loop, data: {loopType: count, iterations: 10, itemVariable: row}}
      - {id: column, type: loop, data: {loopType: count, iterations: 10, itemVariable: column}}
      - {id: say, type: send_message, data: {message: "{{row}}, {{column}}"}}
    edges:
      - start -> row
      - row.loop_body -> column
      - column.loop_body -> say
    ```
    """
    graph, around = site.graph, site.around
    if cycles(graph):
        return
    bodies = loop_bodies(graph)
    surely = _surely_run(graph, graph.triggers, frozenset())
    if len(surely) > around.max_nodes:
        node = graph.nodes[surely[around.max_nodes]]
        yield Finding(
            f"a run executes more than {around.max_nodes} nodes in any case",
            at=(*node.path, "id"),
            label=f"this would be number {around.max_nodes + 1}",
            help="do several things in one node, or raise `limits: {max_nodes: ...}` in bot.yaml",
        )
    most = around.max_loop_nodes
    for node in graph.nodes.values():
        is_inner = any(node.id in body for body in bodies.values())
        if node.id in graph.loops and not is_inner and _turned(graph, node, most) > most:
            yield Finding(
                f"the loop `{node.id}` executes more than {most:,} nodes in any case",
                at=(*node.path, "id"),
                label=f"{_turned(graph, node, most):,} with all that turns in it",
                help="let it turn less often, or raise `limits: {max_loop_nodes: ...}` in bot.yaml",
            )


def _surely_run(graph: Graph, starts: Iterable[str], never: frozenset[str]) -> list[str]:
    """The nodes that run whatever is decided, if nothing fails, as they are come by; not beyond `never`."""
    found: dict[str, None] = {}
    waiting = list(starts)
    for id in waiting:
        if id in found or id in never:
            continue
        found[id] = None
        node = graph.nodes[id]
        handles = node.type.handles(node.data)
        if node.type.name == "error_handler":
            continue
        if len(handles) == 1:
            waiting += graph.targets(id, handles[0])
        elif id in graph.loops:
            waiting += graph.targets(id, "loop_done")
    return list(found)


def _turned(graph: Graph, loop: Node, most: int) -> int:
    """How many nodes run in the body of a loop whose number is written, with the loops in it; 0 where the
    number is not known. It is not counted much further than `most`."""
    data = loop.data
    if not isinstance(data, LoopData) or not isinstance(data.iterations, int | float):
        return 0
    turns = min(int(data.iterations), data.maxIterations or MOST_ITERATIONS, MOST_ITERATIONS)
    outside = frozenset({loop.id}) | graph.past_loop(loop.id)
    body = _surely_run(graph, graph.targets(loop.id, LOOP_BODY), outside)
    inner = sum(_turned(graph, graph.nodes[id], most) for id in body if id in graph.loops)
    return turns * (len(body) + inner)


ENDLESS = Rule(code="WF213", severity="warning", check=check_endless, doc=check_endless.__doc__)
LENGTH = Rule(code="WF216", severity="warning", check=check_length, doc=check_length.__doc__)
