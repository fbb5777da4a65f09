"""Rules about outcomes that nobody thought of."""

from __future__ import annotations

from collections.abc import Iterator

from botctl.lint.workflow_site import WorkflowSite
from botctl.nodes.action import ActionData
from botctl.nodes.llm_call import LlmCallData
from botctl.nodes.logic import LogicData
from botctl.project.analysis import unreachable
from botctl.project.graph import ERROR, Node
from botctl.source.rule import Finding, Rule


def check_unwired(site: WorkflowSite) -> Iterator[Finding]:
    """An outcome after which the user hears nothing.

    A node leaves by one of several ways, and the one for when it does not come out as hoped has no edge, so
    the run ends there without a word: `failed` of an auth_gate, `rejected` of a human_handoff, `case_default`
    of a switch on what a model said, which may be anything. Of a handoff in a workflow that writes to others
    (send_proactive) nothing is said: nobody may be waiting for an answer there.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: verify, type: auth_gate, data: {provider: resend, contact_type: email}}
      - {id: welcome, type: send_message, data: {message: Welcome back!}}
    edges:
      - start -> verify
      - verify.verified -> welcome
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: verify, type: auth_gate, data: {provider: resend, contact_type: email}}
      - {id: welcome, type: send_message, data: {message: Welcome back!}}
      - {id: sorry, type: send_message, data: {message: I could not make sure who you are.}}
    edges:
      - start -> verify
      - verify.verified -> welcome
      - verify.failed -> sorry
    ```
    """
    graph = site.graph
    if not graph.triggers or unreachable(graph):
        return  # an edge is missing, and the node that it would lead to is told
    for node in graph.nodes.values():
        handle, when = _hoped_not(node, site)
        wired = graph.wired(node.id)
        if not wired <= {*node.type.handles(node.data), ERROR}:
            continue  # an edge by a way out that there is not may be the one, and is told
        if handle and wired - {ERROR} and handle not in wired:
            yield Finding(
                f"nothing follows when `{node.id}` {when}",
                at=(*node.path, "id"),
                label=f"no edge leaves by `{handle}`",
                help=f"add an edge `{node.id}.{handle} -> ...` to what the user is told then",
            )


def _hoped_not(node: Node, site: WorkflowSite) -> tuple[str, str]:
    """The way out of a node that is easily forgotten, and when it is taken; "" if it has none."""
    data = node.data
    if node.type.name == "auth_gate":
        return "failed", "does not verify the user"
    if isinstance(data, ActionData) and data.actionType == "human_handoff":
        writes_to_others = any(one.type.name == "send_proactive" for one in site.graph.nodes.values())
        return ("", "") if writes_to_others else ("rejected", "is rejected, or expires")
    if isinstance(data, LogicData) and data.logicType == "switch" and _is_said_by_a_model(data, site):
        return "case_default", "is given none of its cases"
    return "", ""


def _is_said_by_a_model(data: LogicData, site: WorkflowSite) -> bool:
    path = data.variable.strip(" {}").split(".")
    nodes = site.graph.nodes
    writers = {write.node for write in site.flow.writes.get(path[0], ())}
    return (
        bool(writers)
        and path[1:] in ([], ["text"])
        and all(isinstance(nodes[id].data, LlmCallData) for id in writers)
    )


UNWIRED = Rule(code="WF212", severity="warning", check=check_unwired, doc=check_unwired.__doc__)
