"""Rules about nodes that no run comes to."""

from __future__ import annotations

from collections.abc import Iterator

from botctl.lint.workflow_site import WorkflowSite
from botctl.project.analysis import unreachable
from botctl.source.rule import Finding, Rule


def check_unreachable(site: WorkflowSite) -> Iterator[Finding]:
    """A node that can never be reached.

    No path leads from a trigger to it, so it is never executed. An error_handler needs no edge: it is entered
    when another node fails. Of several nodes that hang together only the first is told.

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
    if not site.graph.triggers:
        return
    for id in unreachable(site.graph):
        yield Finding(
            f"node `{id}` can never be reached",
            at=(*site.graph.nodes[id].path, "id"),
            label="no edge leads here from a trigger",
            help=f"add an edge to `{id}`, or delete the node",
        )


UNREACHABLE = Rule(code="WF203", severity="error", check=check_unreachable, doc=check_unreachable.__doc__)
