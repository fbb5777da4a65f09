"""Rules about tools that do harm, called for anybody who asks."""

from __future__ import annotations

from collections.abc import Iterator

from botctl.lint.consequences import is_open_by_mistake
from botctl.lint.open_calls import is_destructive, open_calls
from botctl.lint.workflow_site import WorkflowSite
from botctl.source.rule import Finding, Rule


def check_destructive(site: WorkflowSite) -> Iterator[Finding]:
    """A destructive tool that anybody can have called.

    The tool says of itself that it may delete or overwrite something (`destructiveHint`, or `destructive` of
    a function), and there is a way to it on which nobody proved who they are (`verified` of an auth_gate) and
    no person agreed (`approved` of a human_handoff). One such way is enough, also one over an error edge or
    an error_handler. Nothing is told of a bot whose `allow: {users: [...]}` says who may talk to it.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger}
      - {id: refund, type: mcp_tool, data: {toolName: functions__refund}}
    edges:
      - start -> refund
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger}
      - {id: ask, type: action, data: {actionType: human_handoff, reason: "{{user_name}} wants money back"}}
      - {id: refund, type: mcp_tool, data: {toolName: functions__refund}}
      - {id: sorry, type: send_message, data: {message: Not this time.}}
    edges:
      - start -> ask
      - ask.approved -> refund
      - ask.rejected -> sorry
    ```
    """
    for node, tool, way in open_calls(site):
        if is_destructive(tool) and not is_open_by_mistake(site, node):
            yield Finding(
                f"anybody can have the destructive tool `{tool.name}` called",
                at=(*node.path, "data", "toolName"),
                label=f"reached by {_told(way)}",
                help="let every way to it pass `verified` of an auth_gate or `approved` of a human_handoff",
            )


def check_asked(site: WorkflowSite) -> Iterator[Finding]:
    """A tool that a person should be asked about, called without asking.

    `tools: {ask: [...]}` of the workspace makes agents wait for a person. A workflow calls its tools as it is
    told: the person is asked by a human_handoff, or the user proves who they are in an auth_gate.

    Bad:

    ```yaml
    - id: call
      type: mcp_tool
      data: {toolName: functions__call_back}
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger}
      - {id: ask, type: action, data: {actionType: human_handoff, reason: "Call {{user_name}} back?"}}
      - {id: call, type: mcp_tool, data: {toolName: functions__call_back}}
      - {id: sorry, type: send_message, data: {message: Not this time.}}
    edges:
      - start -> ask
      - ask.approved -> call
      - ask.rejected -> sorry
    ```
    """
    for node, tool, way in open_calls(site):
        is_asked = site.around.decide(tool.name) == "ask" and not is_destructive(tool)
        if is_asked and not is_open_by_mistake(site, node):
            yield Finding(
                f"`{tool.name}` is called although the workspace wants a person to be asked",
                at=(*node.path, "data", "toolName"),
                label=f"nobody is asked on the way {_told(way)}",
                help="put a human_handoff before it and lead its `approved` here",
            )


def _told(way: list[str]) -> str:
    shown = way if len(way) <= 6 else [*way[:2], "...", *way[-3:]]
    return f"`{' -> '.join(shown)}`"


DESTRUCTIVE = Rule(code="SC201", severity="warning", check=check_destructive, doc=check_destructive.__doc__)
ASKED = Rule(code="SC202", severity="warning", check=check_asked, doc=check_asked.__doc__)
