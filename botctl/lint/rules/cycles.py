"""Rules about ways that lead round."""

from __future__ import annotations

from collections.abc import Iterator

from botctl.lint.workflow_site import WorkflowSite
from botctl.project.analysis import cycles
from botctl.source.rule import Finding, Rule


def check_cycle(site: WorkflowSite) -> Iterator[Finding]:
    """Edges that lead round in a circle, outside of a loop.

    A node is executed once in a run. An edge that leads back to a node that already ran is not followed, so
    the circle does not repeat anything. To repeat use a `loop`; the edge back from a loop's body to the loop
    is fine.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: ask, type: send_message, data: {message: More?}}
      - {id: answer, type: send_message, data: {message: More.}}
    edges:
      - start -> ask
      - ask -> answer
      - answer -> ask
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: again, type: loop, data: {loopType: count, iterations: 3}}
      - {id: ask, type: send_message, data: {message: More?}}
      - {id: answer, type: send_message, data: {message: More.}}
    edges:
      - start -> again
      - again.loop_body -> ask
      - ask -> answer
    ```
    """
    for edge, nodes in cycles(site.graph):
        shown = [*nodes[:3], "...", nodes[-1]] if len(nodes) > 5 else [*nodes]
        way = " -> ".join([*shown, edge.target])
        yield Finding(
            f"the edges `{way}` lead round in a circle",
            at=(*edge.path, "target"),
            label=f"`{edge.target}` has run by then, so this edge is not followed",
            help="repeat with a `loop` node, or take this edge out",
        )


CYCLE = Rule(code="WF208", severity="error", check=check_cycle, doc=check_cycle.__doc__)
