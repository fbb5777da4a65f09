"""A world for engine tests: a workflow as JSON, run by the real engine over a real store."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botctl.clock import SystemClock
from botctl.engine.interpreter import Interpreter
from botctl.engine.program import Program
from botctl.engine.trace import story_json, story_of
from botctl.engine.transition import Limits
from botctl.execution.step import BotFacts
from botctl.llm.chat import ChatReply, ChatRequest
from botctl.messages import IncomingMessage
from botctl.nodes import NODE_TYPES
from botctl.project.graph import Edge, Graph, Node
from botctl.sandbox.javascript import ScriptError
from botctl.store import inbox, runs
from botctl.store.database import Database, open_database
from botctl.tools.tool import Tool, ToolResult

TYPES = {node_type.name: node_type for node_type in NODE_TYPES}


def graph_of(workflow: Mapping[str, Any]) -> Graph:
    """A workflow's graph, bound without the linter."""
    nodes = [
        Node(
            id=node["id"],
            type=TYPES[node["type"]],
            data=TYPES[node["type"]].data.model_validate(node.get("data", {})),
            raw=node.get("data", {}),
            path=("nodes", index),
        )
        for index, node in enumerate(workflow["nodes"])
    ]
    edges = [
        Edge(
            source=edge["source"],
            target=edge["target"],
            handle=edge.get("sourceHandle") or "next",
            path=("edges", index),
        )
        for index, edge in enumerate(workflow["edges"])
    ]
    return Graph(nodes, edges)


class Parrot:
    """A model that repeats what it is asked."""

    async def reply(self, request: ChatRequest) -> ChatReply:
        return ChatReply(text=request.turns[-1].text, model="parrot")

    async def close(self) -> None:
        pass


class Shelf:
    """Tools by name, each a function of its arguments."""

    def __init__(self, **tools: Any) -> None:
        self.tools = tools
        self.calls: list[tuple[str, dict[str, Any]]] = []

    async def find(self, name: str) -> Tool | None:
        return Tool(name=name) if name in self.tools else None

    async def call(
        self, name: str, arguments: Mapping[str, Any], *, timeout: float | None = None
    ) -> ToolResult:
        self.calls.append((name, dict(arguments)))
        value = self.tools[name](**arguments)
        return ToolResult(value=await value if asyncio.iscoroutine(value) else value)


class Boom:
    """A sandbox for tests in which all code throws `boom`, or counts `ctx.variables.n` up."""

    async def run(
        self, code: str, variables: Mapping[str, Any], message: str, user_id: str
    ) -> dict[str, Any]:
        if "n" in code and "boom" not in code:
            return {"n": (variables.get("n") or 0) + 1}
        raise ScriptError("the code threw Error: boom")


def program_of(graph: Graph, *, tools: Any = None, timeout: float = 30.0, **limits: int) -> Program:
    """A program around a graph, with stand-ins at the border."""
    return Program(
        bot=BotFacts(name="b", timeout=timeout),
        graph=graph,
        definition="d",
        text=("w.json", "{}"),
        llm=Parrot(),
        tools=tools or Shelf(),
        sandbox=Boom(),
        mask=lambda text: text,
        limits=Limits(**limits),
        fallback_message="fallback",
    )


def message_of(text: str, user: str = "u") -> IncomingMessage:
    """A message of a user."""
    return IncomingMessage(
        bot="b", platform="console", dedupe_key="", channel_id="c", user_id=user, text=text, received_at=1
    )


def play(workflow: Mapping[str, Any], message: str = "x", **options: Any) -> dict[str, Any]:
    """Run a workflow for one message; what `runs show --json` tells of it."""

    async def story(folder: str) -> dict[str, Any]:
        database = await open_database(Path(folder) / "state.db")
        told = await play_in(database, program_of(graph_of(workflow), **options), message)
        await database.close()
        return told

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(story(folder))


async def play_in(database: Database, program: Program, message: str) -> dict[str, Any]:
    """The same in a database that is open."""
    interpreter = Interpreter(database, SystemClock(), lambda leaving: None)
    stored, _ = await database.write(lambda connection: inbox.add(connection, message_of(message)))
    life = await interpreter.begin(program, stored)
    return story_json(database.read(lambda connection: story_of(connection, runs.get(connection, life.seq))))
