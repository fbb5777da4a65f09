"""Rules about where a workflow begins."""

from __future__ import annotations

from collections.abc import Iterator

from botctl.lint.workflow_site import WorkflowSite
from botctl.source.rule import Finding, Rule


def check_empty(site: WorkflowSite) -> Iterator[Finding]:
    """Workflow is empty.

    A workflow without nodes cannot answer anything. The least that works is a trigger.

    Bad:

    ```yaml
    nodes: []
    edges: []
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: greet, type: send_message, data: {message: Hello!}}
    edges:
      - start -> greet
    ```
    """
    if not site.graph.nodes:
        yield Finding("Workflow is empty", help="add a node of type `trigger`, and what should follow it")


def check_no_trigger(site: WorkflowSite) -> Iterator[Finding]:
    """No trigger node in workflow.

    Every run starts at the triggers. Without one nothing is ever executed.

    Bad:

    ```yaml
    nodes:
      - {id: greet, type: send_message, data: {message: Hello!}}
    edges: []
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: greet, type: send_message, data: {message: Hello!}}
    edges:
      - start -> greet
    ```
    """
    graph = site.graph
    if graph.nodes and not graph.triggers:
        first = next(iter(graph.nodes.values()))
        yield Finding(
            "No trigger node in workflow",
            at=(*first.path, "type"),
            label="nothing starts this node",
            help=f"add a node of type `trigger`, and an edge from it to `{first.id}`",
        )


EMPTY = Rule(code="WF202", severity="error", check=check_empty, doc=check_empty.__doc__)
NO_TRIGGER = Rule(code="WF201", severity="error", check=check_no_trigger, doc=check_no_trigger.__doc__)
