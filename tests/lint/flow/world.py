"""The world of the flow's tests: workflows made of a few words, and runs of them in the real engine.

A run is walked by the engine's own `ready_tokens` and `apply_wave`, without a store; what is kept is which
variables were set when each node was executed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from random import Random
from typing import Any

from msgspec.structs import replace

from botctl.engine.run import Token
from botctl.engine.standing import ready_tokens
from botctl.engine.transition import Failure, Result, apply_wave, start_run, wake
from botctl.errors import BotctlError, OutsideError
from botctl.execution.outcome import Decision, Event, Iterate, Outcome
from botctl.lint.flow.flow import Flow
from botctl.llm.chat import ChatReply
from botctl.nodes.error_handler import CAUGHT
from botctl.project.graph import Graph
from botctl.tools.tool import ToolResult
from tests.engine.world import graph_of
from tests.nodes.world import RecordingTools, SpeakingModel, a_message, a_step

Seen = tuple[str, frozenset[str]]
MOST_WAVES = 200


def flow_of(nodes: Mapping[str, Any], edges: list[str], **options: Any) -> Flow:
    """The flow of a workflow: each node as (type, data), each edge as `a.true -> b`."""
    return Flow(graph(nodes, edges), **options)


def graph(nodes: Mapping[str, Any], edges: list[str]) -> Graph:
    """A graph of nodes as (type, data) and edges as `a.true -> b`. A trigger `t` is there already."""
    written = {"t": ("trigger", {}), **nodes}
    return graph_of(
        {
            "nodes": [{"id": id, "type": type, "data": data} for id, (type, data) in written.items()],
            "edges": [_edge(edge) for edge in edges],
        }
    )


def _edge(written: str) -> dict[str, str]:
    source, _, target = written.partition(" -> ")
    source, _, handle = source.partition(".")
    return {"source": source, "target": target, "sourceHandle": handle or "next"}


def doubts(flow: Flow) -> list[str]:
    """What is doubtful, as `node: variable lack`, with the way after it."""
    found = [doubt for read in flow.reads if (doubt := flow.doubt(read)) is not None]
    return [
        f"{doubt.read.node}: {doubt.read.name} {doubt.lack.name}{''.join(f' {id}' for id in doubt.way)}"
        for doubt in found
    ]


def say(text: str) -> tuple[str, dict[str, Any]]:
    return "send_message", {"message": text}


def put(variable: str, value: Any = "x") -> tuple[str, dict[str, Any]]:
    return "action", {"actionType": "set_variable", "variable": variable, "value": value}


def ask(condition: str) -> tuple[str, dict[str, Any]]:
    return "logic", {"logicType": "if_else", "condition": condition}


def each(list_variable: str, item: str = "item") -> tuple[str, dict[str, Any]]:
    return "loop", {"loopType": "for_each", "arrayVariable": list_variable, "itemVariable": item}


def count(times: Any, item: str = "index") -> tuple[str, dict[str, Any]]:
    return "loop", {"loopType": "count", "iterations": times, "itemVariable": item}


def think(variable: str) -> tuple[str, dict[str, Any]]:
    return "llm_call", {"prompt": "x", "outputVariable": variable}


def call(variable: str, tool: str = "shop__find") -> tuple[str, dict[str, Any]]:
    return "mcp_tool", {"toolName": tool, "outputVariable": variable}


def code(text: str) -> tuple[str, dict[str, Any]]:
    return "code_block", {"code": text}


WAIT = ("logic", {"logicType": "wait"})
FAN_OUT: tuple[str, dict[str, Any]] = ("parallel", {})


class Assigning:
    """A sandbox that knows `ctx.variables.name = ...`, and `if (...)` before it as a toss of a coin."""

    def __init__(self, random: Random) -> None:
        self.random = random

    async def run(
        self, code: str, variables: Mapping[str, Any], message: str, user_id: str
    ) -> dict[str, Any]:
        found = re.findall(r"(if \(.*?\) )?ctx\.variables\.(\w+) = (\d+)", code)
        return {
            name: int(value) for is_asked, name, value in found if not is_asked or self.random.random() < 0.5
        }


def seen_in(workflow: Graph, random: Random) -> list[Seen]:
    """The nodes that one run executes, each with the variables that are set when it begins."""

    async def walk() -> list[Seen]:
        run, seen = start_run(workflow, {}), []
        for _ in range(MOST_WAVES):
            if run.is_over:
                break
            wave = ready_tokens(workflow, run)
            if not wave:
                waiting = next(token for token in run.tokens if token.waiting and not token.waiting.event)
                run = wake(run, waiting, _event(waiting, random))
                continue
            seen += [(token.node, frozenset(run.variables)) for token in wave if token.waiting is None]
            results = [
                Result(token, await _outcome(workflow, token, run.variables, random)) for token in wave
            ]
            run, _ = apply_wave(workflow, run, results)
        return seen

    return asyncio.run(walk())


def _event(token: Token, random: Random) -> Event:
    assert token.waiting is not None
    waits = token.waiting.for_[0]
    if not isinstance(waits, Decision):
        return Event("reply", "again")
    status = random.choice(["approved", "rejected"])
    return Event(
        "decision", {"handoff": waits.handoff_id, "status": status, "by": "a", "note": "", "sets": {}}
    )


async def _outcome(
    workflow: Graph, token: Token, variables: Mapping[str, Any], random: Random
) -> Outcome | Failure:
    node = workflow.nodes[token.node]
    failing = OutsideError("down") if random.random() < 0.5 else ToolResult(value={"a": 1})
    step = a_step(
        variables=variables,
        message=a_message(random.choice(["x", "y"])),
        model=SpeakingModel(*[ChatReply(text=random.choice(["x", "y"]), model="m")] * 2),
        tools=RecordingTools(shop__find=ToolResult(value={"a": 1}), shop__fails=failing),
        state=CAUGHT if token.caught else token.waiting.state if token.waiting else None,
        event=token.waiting.event if token.waiting else None,
    )
    step = replace(step, sandbox=Assigning(random), wired=workflow.wired(token.node))
    try:
        outcome: Outcome = await node.type.execute(node.data, step)
    except BotctlError as error:
        return Failure(error.message)
    if isinstance(outcome, Iterate):
        return replace(outcome, limit=min(outcome.limit, 3))
    return outcome
