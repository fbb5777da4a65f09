"""The rule about ways out that were thought of, and after which a run ends without a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botctl.expr.path import ExpressionError, Parts, parse_bare_path
from botctl.expr.template import to_text
from botctl.lint.flow.variables import Write
from botctl.lint.rules.paths import check_switch
from botctl.lint.rules.unwired import check_unwired
from botctl.lint.workflow_site import WorkflowSite
from botctl.nodes.action import ActionData
from botctl.nodes.llm_call import LlmCallData
from botctl.nodes.logic import LogicData, case_texts
from botctl.nodes.mcp_tool import McpToolData
from botctl.project.analysis import cycles, unreachable
from botctl.project.graph import Graph, Node
from botctl.source.rule import Finding, Rule
from botctl.spec.fields import one_of

_SPEAKING = {
    "send_message",
    "send_proactive",
    "schedule_message",
    "error_handler",
    "auth_gate",
    "delegate_to_bot",
}


def check_silent_ends(site: WorkflowSite) -> Iterator[Finding]:
    """A way out after which the run ends without a word.

    A case of a switch that is listed and has no edge; `case_default` without an edge where a tool, a model or
    another bot may give anything and nobody has heard anything yet; an approval, a verification or a reply
    for which the run waits and which then leads nowhere, although its opposite does. In a loop, where only a
    turn ends, cases that are listed are told where `case_default` has no edge either.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: route, type: logic, data: {logicType: switch, variable: platform, cases: [slack, console]}}
      - {id: greet, type: send_message, data: {message: Hello Slack!}}
    edges:
      - start -> route
      - route.case_slack -> greet
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: route, type: logic, data: {logicType: switch, variable: platform, cases: [slack, console]}}
      - {id: greet, type: send_message, data: {message: Hello Slack!}}
      - {id: test, type: send_message, data: {message: Hello terminal!}}
    edges:
      - start -> route
      - route.case_slack -> greet
      - route.case_console -> test
    ```
    """
    graph = site.graph
    if not graph.triggers or unreachable(graph) or cycles(graph):
        return  # an edge is missing, or leads round: that is told
    told = {finding.at for check in (check_unwired, check_switch) for finding in check(site)}
    for node in graph.nodes.values():
        wired = graph.wired(node.id) - {"error"}
        if not wired or not wired.issubset(node.type.handles(node.data)):
            continue  # it is told that there are no edges, or one that leaves by a way that there is not
        if isinstance(node.data, LogicData) and node.data.logicType == "switch":
            if (*node.path, "data", "variable") in told:
                continue  # it is always `case_default`
            yield from _listed(node, node.data, wired, site)
            if "case_default" not in wired and (*node.path, "id") not in told:
                yield from _default(node, node.data, site)
        elif not site.flow.ways.loops_around(node.id):
            yield from _hoped(node, wired)


def _listed(node: Node, data: LogicData, wired: frozenset[str], site: WorkflowSite) -> Iterator[Finding]:
    """The cases that are listed and lead nowhere."""
    cases = case_texts(data)
    left = [index for index, case in enumerate(cases) if f"case_{case}" not in wired]
    if not left or ("case_default" in wired and site.flow.ways.loops_around(node.id)):
        return
    names = list(dict.fromkeys(cases[index] for index in left))
    first, *rest = ((*node.path, "data", "cases", index) for index in left)
    yield Finding(
        f"nothing follows when `{node.id}` comes to {one_of(names[:5])}",
        at=first,
        label=f"no edge leaves by `case_{names[0]}`",
        help=f"add an edge `{node.id}.case_{names[0]} -> ...`, or take the case out of the list",
        others=tuple((at, "nor by this one") for at in rest[:3]),
    )


def _default(node: Node, data: LogicData, site: WorkflowSite) -> Iterator[Finding]:
    """A switch on what may be anything, for which nothing is told if it is none of the cases."""
    if _may_be_else(data, site) and _has_heard_nothing(node, site):
        yield Finding(
            f"nothing follows when `{node.id}` is given none of its cases",
            at=(*node.path, "id"),
            label="no edge leaves by `case_default`",
            help=f"add an edge `{node.id}.case_default -> ...` to what the user is told then",
        )


def _hoped(node: Node, wired: frozenset[str]) -> Iterator[Finding]:
    """What a run waits for, where only the way for when it does not come leads on."""
    handle, when = "", ""
    if node.type.name == "auth_gate":
        handle, when = "verified", "verifies the user"
    elif isinstance(node.data, ActionData) and node.data.actionType == "human_handoff":
        handle, when = "approved", "is approved"
    elif isinstance(node.data, LogicData) and node.data.logicType == "wait":
        handle, when = "next", "gets a reply"
    if handle and handle not in wired:
        yield Finding(
            f"nothing follows when `{node.id}` {when}",
            at=(*node.path, "id"),
            label=f"no edge leaves by `{handle}`",
            help=f"add an edge `{node.id}{'' if handle == 'next' else '.' + handle} -> ...`",
        )


def _has_heard_nothing(node: Node, site: WorkflowSite) -> bool:
    """Whether nobody was told anything since the last message, nor is by a branch beside this node."""
    graph = site.graph
    into: dict[str, list[str]] = {}
    for edge in graph.edges:
        into.setdefault(edge.target, []).append(edge.source)
    seen: set[str] = set()
    waiting = list(into.get(node.id, ()))
    while waiting:
        id = waiting.pop()
        if id in seen:
            continue
        seen.add(id)
        if _speaks(graph.nodes[id]) or _forks(graph, id):
            return False
        if getattr(graph.nodes[id].data, "logicType", "") != "wait":
            waiting += into.get(id, ())
    return len(graph.triggers) == 1 and not site.flow.ways.loops_around(node.id)


def _speaks(node: Node) -> bool:
    return node.type.name in _SPEAKING or getattr(node.data, "actionType", "") in (
        "human_handoff",
        "create_ticket",
    )


def _forks(graph: Graph, id: str) -> bool:
    return any(len(graph.targets(id, handle)) > 1 for handle in graph.wired(id))


def _may_be_else(data: LogicData, site: WorkflowSite) -> bool:
    """Whether the value comes from where anything may come from, so that it may be none of the cases."""
    try:
        path = parse_bare_path(data.variable)
    except ExpressionError:
        return False
    writes = site.flow.writes.get(path[0], ())
    if not writes or site.flow.open or site.flow.may_be_given(path[0]):
        return False
    cases = {case.casefold() for case in case_texts(data)}
    return all(_is_open(site.graph.nodes[write.node], write, path, cases, site) for write in writes)


def _is_open(node: Node, write: Write, path: Parts, cases: set[str], site: WorkflowSite) -> bool:
    data = node.data
    if node.type.name == "delegate_to_bot":
        return len(path) == 1
    if isinstance(data, LlmCallData):
        answer = data.answer_schema
        return path[1:2] == ("json",) and answer is not None and _allows_else(answer, path[2:], cases)
    if isinstance(data, McpToolData):
        tool = (site.around.tools or {}).get(data.toolName)
        schema = tool.output_schema if tool is not None else None
        return schema is None or _allows_else(schema, path[1:], cases)
    if isinstance(data, ActionData) and len(path) == 1 and data.actionType == "set_variable":
        return not isinstance(data.value, dict | list) and _is_else(to_text(data.value), cases)
    return False


def _is_else(text: str, cases: set[str]) -> bool:
    return "{{" not in text and text.strip().casefold() not in cases


def _allows_else(schema: Any, path: Parts, cases: set[str]) -> bool:
    """Whether a JSON Schema lets there be a text at this path that is none of the cases."""
    for part in path:
        properties = schema.get("properties") if isinstance(schema, Mapping) else None
        schema = properties.get(part) if isinstance(properties, Mapping) else None
    if not isinstance(schema, Mapping):
        return False
    values = schema.get("enum")
    if isinstance(values, list):
        return not {to_text(value).strip().casefold() for value in values} <= cases
    return schema.get("type") == "string" and "const" not in schema and "pattern" not in schema


SILENT = Rule(code="WF218", severity="warning", check=check_silent_ends, doc=check_silent_ends.__doc__)
