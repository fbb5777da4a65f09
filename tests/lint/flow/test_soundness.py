"""What the flow claims, against runs of the real engine on random workflows."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from botctl.lint.flow.flow import Flow
from botctl.lint.flow.turns import Turns
from tests.lint.flow.world import (
    FAN_OUT,
    WAIT,
    ask,
    call,
    code,
    count,
    each,
    graph,
    put,
    say,
    seen_in,
    think,
)

NAMES = ["v", "w", "x"]
RUNS = 4
QUICKLY = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@st.composite
def workflows(draw: st.DrawFn, *, decides: str, forks: bool, fails: bool) -> tuple[dict[str, Any], list[str]]:
    """Nodes with edges forward only. decides: what conditions are about; forks: whether nodes may lead to
    several at once; fails: whether tools may fail."""
    random = Random(draw(st.integers(0, 2**32)))
    nodes: dict[str, Any] = {}
    for number in range(draw(st.integers(3, 14))):
        nodes[f"n{number}"] = a_node(random, decides, fails)
    names = ["t", *nodes]
    edges: list[str] = []
    used: set[str] = set()
    for place, id in enumerate(names[1:], 1):
        for _ in range(random.choice([1, 1, 1, 2, 2, 3])):
            source = names[random.randrange(max(0, place - 4), place)]
            way = f"{source}.{random.choice(ways_out(nodes.get(source)))}"
            if forks or way not in used:
                used.add(way)
                edges.append(f"{way} -> {id}")
    return nodes, list(dict.fromkeys(edges))


def a_node(random: Random, decides: str, fails: bool) -> Any:
    name = random.choice(NAMES)
    condition = random.choice(["1 == 1", "1 == 2"])
    if decides == "variables":
        condition = random.choice(
            [
                f"{{{{{name}}}}} is_not_empty",
                f"not {{{{{name}}}}} == 1",
                f"{{{{{name}}}}} > 0",
                "{{message}} == x",
            ]
        )
    kinds = [
        put(name, "1"),
        say("".join(f"{{{{{one}}}}}" for one in NAMES)),
        say("-"),
        ask(condition),
        ask(condition),
        FAN_OUT,
        WAIT,
        code(f"ctx.variables.{name} = 1"),
        code(f"if (ctx.message) ctx.variables.{name} = 1"),
        think(name),
        count(random.choice([0, 1, 2]), name),
        each("attachments", name),
        call(name, "shop__fails" if fails else "shop__find"),
        ("logic", {"logicType": "switch", "variable": name, "cases": ["1"]}),
        ("action", {"actionType": "human_handoff"}),
    ]
    if decides == "constants":
        kinds = [kind for kind in kinds if kind[1].get("logicType") != "switch"]
    return random.choice(kinds)


def ways_out(node: tuple[str, dict[str, Any]] | None) -> list[str]:
    kind, data = node if node is not None else ("trigger", {})
    word = str(data.get("logicType", data.get("actionType", "")))
    known = {
        "loop": ["loop_body", "loop_done"],
        "mcp_tool": ["next", "next", "error"],
        "if_else": ["true", "false"],
        "switch": ["case_1", "case_default"],
        "human_handoff": ["approved", "rejected"],
    }
    return known.get(word) or known.get(kind) or ["next"]


@QUICKLY
@given(workflows(decides="variables", forks=True, fails=False), st.randoms(use_true_random=False))
def test_what_is_called_surely_set_is_set_in_every_run(
    workflow: tuple[dict[str, Any], list[str]], random: Random
) -> None:
    flow = Flow(graph(*workflow))
    assume(flow.ways.is_regular)

    seen = [one for _ in range(RUNS) for one in seen_in(flow.graph, random)]

    assert [
        (id, name)
        for id, variables in seen
        for name in NAMES
        if flow.is_surely_set(id, name) and name not in variables
    ] == []


@QUICKLY
@given(workflows(decides="variables", forks=False, fails=True), st.randoms(use_true_random=False))
def test_what_a_failing_node_did_not_set_is_not_called_set(
    workflow: tuple[dict[str, Any], list[str]], random: Random
) -> None:
    flow = Flow(graph(*workflow))
    assume(flow.ways.is_regular)

    seen = [one for _ in range(RUNS) for one in seen_in(flow.graph, random)]

    assert [
        (id, name)
        for id, variables in seen
        for name in NAMES
        if flow.is_surely_set(id, name) and name not in variables
    ] == []


@QUICKLY
@given(workflows(decides="constants", forks=True, fails=False), st.randoms(use_true_random=False))
def test_what_was_not_set_when_it_was_read_has_been_doubted(
    workflow: tuple[dict[str, Any], list[str]], random: Random
) -> None:
    flow = Flow(graph(*workflow))
    assume(flow.ways.is_regular)

    seen = [one for _ in range(RUNS) for one in seen_in(flow.graph, random)]

    doubted = {(read.node, read.name) for read in flow.reads if flow.doubt(read) is not None}
    turns = Turns(flow.ways)
    assert [
        (read.node, read.name)
        for read in flow.reads
        for id, variables in seen
        if id == read.node and read.name not in variables and (id, read.name) not in doubted
        # whoever may set it at the same time, or earlier, is given the benefit of the doubt
        if not any(
            turns.may_run_together(write.node, id) for write in flow.writes[read.name] if write.node != id
        )
    ] == []
