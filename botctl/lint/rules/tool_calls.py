"""Rules about calls of tools: arguments that do not fit, tools that are not to be called, too little time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from botctl.duration import format_duration
from botctl.expr.json_template import parse_json_template
from botctl.expr.path import ExpressionError
from botctl.lint.argument_check import UNKNOWN, Misfit, misfits, value_of
from botctl.lint.workflow_site import WorkflowSite
from botctl.nodes.mcp_tool import McpToolData
from botctl.project.graph import Node
from botctl.source.rule import Finding, Rule
from botctl.source.span import Path
from botctl.tools.tool import Tool

_LABELS = {"type": "of another kind", "word": "not one of its words", "value": "outside of what it takes"}


class _Call(NamedTuple):
    node: Node
    data: McpToolData
    tool: Tool


def check_arguments(site: WorkflowSite) -> Iterator[Finding]:
    """Arguments that the tool does not take.

    Something that the tool needs is missing, or is of another kind than its JSON Schema says. The call is
    never made: the variable becomes {error, message, tool}. A placeholder that is a whole value may be of any
    kind; text with a placeholder in it is text. Told of a server's tools once they are locked
    (`botctl tools lock`), of functions always.

    Bad:

    ```yaml
    - id: pay_back
      type: mcp_tool
      data:
        toolName: functions__pay_back
        arguments: {order_id: "{{message}}", amount: "12.50"}
    ```

    Good:

    ```yaml
    - id: pay_back
      type: mcp_tool
      data:
        toolName: functions__pay_back
        arguments: {order_id: "{{message}}", amount: 12.5}
    ```
    """
    for call in _calls(site):
        for misfit in _misfits(call):
            if not misfit.is_ignored:
                yield _finding(call, misfit)


def check_ignored(site: WorkflowSite) -> Iterator[Finding]:
    """An argument that is surely misspelt.

    The tool's schema does not refuse what it does not know, so the call is made without what was meant.

    Bad:

    ```yaml
    - id: find
      type: mcp_tool
      data:
        toolName: functions__find_orders
        arguments: {email: "{{user_name}}", limitt: 3}
    ```

    Good:

    ```yaml
    - id: find
      type: mcp_tool
      data:
        toolName: functions__find_orders
        arguments: {email: "{{user_name}}", limit: 3}
    ```
    """
    for call in _calls(site):
        for misfit in _misfits(call):
            if misfit.is_ignored:
                yield _finding(call, misfit)


def check_denied(site: WorkflowSite) -> Iterator[Finding]:
    """A tool that the workspace does not let be called.

    `tools` in the workspace file denies it, or allows others only. The call is never made: the variable
    becomes {error, message, tool}.

    Bad:

    ```yaml
    - id: clear
      type: mcp_tool
      data:
        toolName: functions__delete_orders
    ```

    Good:

    ```yaml
    - id: find
      type: mcp_tool
      data:
        toolName: functions__find_orders
        arguments: {email: "{{user_name}}"}
    ```
    """
    denied: dict[str, list[Path]] = {}
    for node in site.graph.nodes.values():
        if not isinstance(node.data, McpToolData) or site.around.tools is None:
            continue
        name = node.data.toolName
        is_unknown = name not in site.around.tools and not any(
            name.startswith(f"{server}__") for server in site.around.unlocked
        )
        if not is_unknown and site.around.decide(name) == "deny":
            denied.setdefault(name, []).append((*node.path, "data", "toolName"))
    for name, places in denied.items():
        yield Finding(
            f"the workspace does not let `{name}` be called",
            at=places[0],
            label="denied by its `tools`",
            help="call another tool, or change `tools` in the workspace file",
            others=tuple((place, "also called here") for place in places[1:]),
        )


def check_timeout(site: WorkflowSite) -> Iterator[Finding]:
    """A tool that may take longer than the turn it is called in.

    All that a bot does about one message is one turn, for which `timeout` in bot.yaml gives it 30 seconds. A
    node's own `timeout` that is longer never comes to pass: the turn is over before.

    Bad:

    ```yaml
    - id: find
      type: mcp_tool
      data:
        toolName: functions__find_orders
        arguments: {email: "{{user_name}}"}
        timeout: 2m
    ```

    Good:

    ```yaml
    - id: find
      type: mcp_tool
      data:
        toolName: functions__find_orders
        arguments: {email: "{{user_name}}"}
        timeout: 20s
    ```
    """
    turn = site.around.turn_seconds
    for node in site.graph.nodes.values():
        own = node.data.timeout if isinstance(node.data, McpToolData) else None
        if turn is not None and own is not None and own > turn:
            yield Finding(
                f"`{node.id}` may take {format_duration(own)}, and the whole turn {format_duration(turn)}",
                at=(*node.path, "data", "timeout"),
                label="the turn is over before",
                help=f"write a shorter one, or `timeout: {format_duration(2 * own)}` in bot.yaml",
            )


def _calls(site: WorkflowSite) -> Iterator[_Call]:
    """The calls of tools whose schema is known."""
    for node in site.graph.nodes.values():
        if isinstance(node.data, McpToolData) and site.around.tools:
            tool = site.around.tools.get(node.data.toolName)
            if tool is not None and site.around.decide(tool.name) != "deny":
                yield _Call(node, node.data, tool)


def _misfits(call: _Call) -> list[Misfit]:
    try:
        value = value_of(parse_json_template(call.data.arguments or {}).root)
    except ExpressionError:
        return []
    if value is UNKNOWN:
        return []
    found = list(misfits(value, call.tool.input_schema, call.tool.input_schema))
    if isinstance(value, dict) or not found:
        return found
    return [
        Misfit(path=(), kind="type", message="should be an object", help='write it like {"name": "value"}')
    ]


def _finding(call: _Call, misfit: Misfit) -> Finding:
    name, place = call.tool.name, ".".join(str(part) for part in misfit.path)
    written = call.node.raw.get("arguments")
    at: Path = (*call.node.path, "data", "arguments")
    if misfit.kind == "missing":
        return Finding(
            f"`{name}` needs {misfit.message}" + (f" in `{place}`" if place else ""),
            at=(*at, *misfit.path)
            if isinstance(written, dict)
            else at
            if written
            else (*at[:-1], "toolName"),
            key=isinstance(written, dict) and not misfit.path,
            label="not given here",
            help=misfit.help,
        )
    if misfit.kind == "unknown":
        message, label = f"`{name}` has no argument `{place}`", "no such argument"
    elif not place:
        message, label = f"what `{name}` is given {misfit.message}", _LABELS.get(misfit.kind, "")
    else:
        message, label = f"argument `{place}` of `{name}` {misfit.message}", _LABELS.get(misfit.kind, "")
    if isinstance(written, dict):
        return Finding(
            message, at=(*at, *misfit.path), key=misfit.kind == "unknown", label=label, help=misfit.help
        )
    return Finding(message, at=at, within=_within(str(written), misfit.path), label=label, help=misfit.help)


def _within(text: str, path: Path) -> tuple[int, int] | None:
    """Where the last key of a path stands in JSON that is written as text; None if it stands there twice."""
    keys = [part for part in path if isinstance(part, str)]
    if not keys:
        return None
    places = list(re.finditer(re.escape(json.dumps(keys[-1], ensure_ascii=False)) + r"(?=\s*:)", text))
    return (places[0].start(), len(places[0][0])) if len(places) == 1 else None


ARGUMENTS = Rule(code="TL103", severity="error", check=check_arguments, doc=check_arguments.__doc__)
IGNORED = Rule(code="TL104", severity="warning", check=check_ignored, doc=check_ignored.__doc__)
DENIED = Rule(code="TL105", severity="error", check=check_denied, doc=check_denied.__doc__)
TIMEOUT = Rule(code="TL106", severity="warning", check=check_timeout, doc=check_timeout.__doc__)
