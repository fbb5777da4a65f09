"""The linter's speed: nodes per second over 1,000 workflows, and how its work grows with their size."""

from __future__ import annotations

import cProfile
import pstats
import time

from botctl.lint.workflow import lint_workflow
from botctl.project.bind import bind_workflow
from botctl.spec.workflow_parse import parse_workflow, read_workflow

WORKFLOWS = 1_000
NODES = 50


BLOCK_NODES = """
  - {id: NAME_ask, type: llm_call, data: {prompt: "NUMBER {{message}}", outputVariable: NAME}}
  - {id: NAME_if, type: logic, data: {logicType: if_else, condition: "{{NAME.text}} == yes"}}
  - {id: NAME_yes, type: send_message, data: {message: "Yes: {{NAME.text}}"}}
  - {id: NAME_no, type: send_message, data: {message: No}}
  - {id: NAME_all, type: parallel}
  - {id: NAME_one, type: mcp_tool, data: {toolName: a__b, outputVariable: NAME_1, arguments: {of: 1}}}
  - {id: NAME_two, type: action, data: {actionType: set_variable, variable: NAME_2, value: 2}}
  - {id: NAME_each, type: loop, data: {loopType: count, iterations: 2, itemVariable: NAME_i}}
  - {id: NAME_say, type: send_message, data: {message: "{{NAME_i}} of {{NAME_2}}"}}
  - {id: NAME_sorry, type: error_handler, data: {fallback_message: "{{error.message}}"}}
"""
BLOCK_EDGES = """
  - NAME_ask -> NAME_if
  - NAME_if.true -> NAME_yes
  - NAME_if.false -> NAME_no
  - NAME_yes -> NAME_all
  - NAME_no -> NAME_all
  - NAME_all -> NAME_one
  - NAME_all -> NAME_two
  - NAME_one.error -> NAME_sorry
  - NAME_one -> NAME_each
  - NAME_two -> NAME_each
  - NAME_each.loop_body -> NAME_say
"""


def workflow_of(size: int, number: int = 0) -> str:
    """A workflow of about `size` nodes: the block above, again and again."""
    nodes = ["nodes:\n  - {id: start, type: trigger, data: {triggerType: message_received}}"]
    edges, last = ["edges:"], "start"
    for block in range(max(1, size // 10)):
        name = f"b{block}"
        nodes.append(BLOCK_NODES.replace("NAME", name).replace("NUMBER", str(number)).strip("\n"))
        edges += [f"  - {last} -> {name}_ask", BLOCK_EDGES.replace("NAME", name).strip("\n")]
        last = f"{name}_each.loop_done"
    return "\n".join([*nodes, *edges]) + "\n"


def check(text: str) -> int:
    """Lint one workflow; how many nodes it has."""
    document, found = read_workflow(text, "bench.yaml")
    assert document is not None, found
    workflow, found = parse_workflow(document)
    assert workflow is not None and not found, found
    graph, found = bind_workflow(workflow, document)
    assert graph is not None, found
    lint_workflow(graph, document)
    return len(graph.nodes)


def nodes_per_second(workflows: int = WORKFLOWS) -> float:
    """Over that many workflows of 50 nodes, each another text."""
    texts = [workflow_of(NODES, number) for number in range(workflows)]
    check(texts[0])
    start = time.perf_counter()
    nodes = sum(check(text) for text in texts)
    return nodes / (time.perf_counter() - start)


def work(size: int) -> tuple[int, int]:
    """(nodes, function calls): how much is done about a workflow, the same on every machine."""
    text = workflow_of(size)
    check(text)
    profile = cProfile.Profile()
    nodes = profile.runcall(check, text)
    return nodes, pstats.Stats(profile).total_calls  # type: ignore[attr-defined]
