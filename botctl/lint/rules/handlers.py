"""Rules about errors: handlers that catch none, and edges for errors that cannot be."""

from __future__ import annotations

from collections.abc import Iterator

from botctl.lint.flow.ways import CANNOT_FAIL
from botctl.lint.workflow_site import WorkflowSite
from botctl.project.analysis import cycles, unreachable
from botctl.project.graph import ERROR, Edge, Graph
from botctl.source.rule import Finding, Rule
from botctl.spec.fields import with_article


def check_handler(site: WorkflowSite) -> Iterator[Finding]:
    """An error_handler that catches nothing.

    An error looks for a handler that the edges of the node that failed lead to. Before this one no node can
    fail, or it stands alone beside another that comes first. Entered without an error it says nothing, and
    its edges are not followed.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: rescue, type: error_handler, data: {fallback_message: Something went wrong.}}
      - {id: greet, type: send_message, data: {message: Hello!}}
    edges:
      - start -> rescue
      - start -> greet
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: rescue, type: error_handler, data: {fallback_message: Something went wrong.}}
      - {id: greet, type: send_message, data: {message: Hello!}}
    edges:
      - start -> greet
      - greet -> rescue
    ```
    """
    graph = site.graph
    if not graph.triggers or unreachable(graph) or cycles(graph):
        return  # an edge is told that may be the one to the handler
    failing = {id for id, node in graph.nodes.items() if node.type.name not in CANNOT_FAIL}
    caught = graph.reachable(target for id in failing for target in graph.onward(id))
    for id, node in graph.nodes.items():
        if node.type.name != "error_handler":
            continue
        if id not in graph.lone_handlers and id not in caught:
            yield Finding(
                f"the error_handler `{id}` catches nothing",
                at=(*node.path, "id"),
                label="no node before it can fail",
                help="lead an edge here from the nodes whose errors it is for, or take its edges away: a"
                " handler without any catches what no other does",
            )
        elif id in graph.lone_handlers[1:]:
            first = graph.lone_handlers[0]
            yield Finding(
                f"the error_handler `{id}` comes only after `{first}` has run",
                at=(*node.path, "id"),
                label="a second handler that no edge leads to",
                help=f"lead an `error` edge here from the nodes it is for, or keep only `{first}`",
                others=(((*graph.nodes[first].path, "id"), "this one catches first"),),
            )


def check_error_edge(site: WorkflowSite) -> Iterator[Finding]:
    """An edge for an error that cannot be.

    A trigger, a parallel and an error_handler never fail, so their `error` edge is never taken.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: greet, type: send_message, data: {message: Hello!}}
      - {id: rescue, type: error_handler, data: {fallback_message: Something went wrong.}}
    edges:
      - start -> greet
      - greet -> rescue
      - start.error -> rescue
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: greet, type: send_message, data: {message: Hello!}}
      - {id: rescue, type: error_handler, data: {fallback_message: Something went wrong.}}
    edges:
      - start -> greet
      - greet.error -> rescue
    ```
    """
    graph = site.graph
    for edge in graph.edges:
        kind = graph.nodes[edge.source].type.name
        if edge.handle == ERROR and kind in CANNOT_FAIL and not _is_needed(graph, edge.target):
            yield Finding(
                f"the node `{edge.source}` never fails",
                at=edge.path,
                label="this edge is never taken",
                help=f"take the edge out: no step of {with_article(kind)} fails",
            )


def _is_needed(graph: Graph, target: str) -> bool:
    """Whether the handler at the end is told of already: nothing but such edges leads to it."""
    into = [edge for edge in graph.edges if edge.target == target]
    is_handler = graph.nodes[target].type.name == "error_handler"
    return is_handler and all(graph.nodes[edge.source].type.name in CANNOT_FAIL for edge in into)


def check_into_trigger(site: WorkflowSite) -> Iterator[Finding]:
    """An edge that leads to a trigger.

    Triggers are where runs start: all of them have run before anything else, and an edge to a node that
    already ran is not followed.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: greet, type: send_message, data: {message: Hello!}}
      - {id: other, type: trigger, data: {}}
      - {id: goodbye, type: send_message, data: {message: Goodbye!}}
    edges:
      - start -> greet
      - greet -> other
      - other -> goodbye
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: greet, type: send_message, data: {message: Hello!}}
      - {id: goodbye, type: send_message, data: {message: Goodbye!}}
    edges:
      - start -> greet
      - greet -> goodbye
    ```
    """
    graph = site.graph
    with_node = {edge.path for edge in led_to_trigger(graph)}
    for edge in _into_triggers(graph):
        if edge.path not in with_node:
            yield Finding(
                f"an edge leads to the trigger `{edge.target}`",
                at=edge.path,
                label="every trigger has run by then, so this edge is not followed",
                help="lead it to what follows the trigger",
            )


def _into_triggers(graph: Graph) -> list[Edge]:
    """The edges to triggers that a run could follow and that do not lead round."""
    into = [edge for edge in graph.edges if edge.target in graph.triggers]
    if not into:
        return []
    round_ = {edge.path for edge, _ in cycles(graph)}
    reached = graph.reachable([*graph.triggers, *graph.lone_handlers])
    return [edge for edge in into if edge.path not in round_ and edge.source in reached]


def led_to_trigger(graph: Graph) -> list[Edge]:
    """The edges to triggers that surely should lead to a node that can never be reached: no other edge
    leaves by the same way out. They are told with the node."""
    if not graph.triggers or not unreachable(graph):
        return []
    return [
        edge for edge in _into_triggers(graph) if graph.targets(edge.source, edge.handle) == (edge.target,)
    ]


HANDLER = Rule(code="WF214", severity="warning", check=check_handler, doc=check_handler.__doc__)
INTO_TRIGGER = Rule(
    code="WF215", severity="warning", check=check_into_trigger, doc=check_into_trigger.__doc__
)
ERROR_EDGE = Rule(code="WF217", severity="warning", check=check_error_edge, doc=check_error_edge.__doc__)
