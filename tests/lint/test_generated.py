"""Correct workflows bring no finding and run without an error: the linter and the engine agree about them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from random import Random
from sqlite3 import Connection
from typing import Any

import pytest

from botctl.clock import StandingClock
from botctl.engine.interpreter import Interpreter
from botctl.engine.life import Life
from botctl.engine.program import NobodyElse, Program
from botctl.engine.run import RunStatus
from botctl.engine.trace import story_of
from botctl.engine.transition import Limits
from botctl.errors import OutsideError
from botctl.execution.outcome import Decision, Event, Reply, Until
from botctl.execution.step import BotFacts
from botctl.lint.workflow import lint_workflow
from botctl.llm.chat import ChatReply, ChatRequest
from botctl.messages import IncomingMessage
from botctl.nodes import NODE_TYPES
from botctl.project.bind import bind_workflow
from botctl.project.graph import Graph
from botctl.sandbox.javascript import BotJavaScript, JavaScriptPool
from botctl.source.document import Document
from botctl.spec.workflow_parse import parse_workflow, read_workflow
from botctl.store import inbox, runs
from botctl.store.database import Database, open_database
from botctl.store.inbox import Stored
from botctl.tools.tool import Tool, ToolResult
from tests.lint.correct_workflows import AROUND, HELPER, TOOLS, correct_workflow

MANY = 500
AT_ONCE = 25
HELP = """
nodes:
  - {id: t, type: trigger}
  - {id: s, type: send_message, data: {message: "I help {{who}}"}}
edges: [t -> s]
"""


def bound(text: str) -> tuple[Document, Graph]:
    """A workflow that can be bound."""
    file = "generated.json" if text.startswith("{") else "generated.yaml"
    document, found = read_workflow(text, file)
    assert document is not None, found
    workflow, found = parse_workflow(document)
    assert workflow is not None, found
    graph, more = bind_workflow(workflow, document)
    assert graph is not None and not found + more, found + more
    return document, graph


def found_in(text: str) -> list[str]:
    """What the linter has against it."""
    document, graph = bound(text)
    return [f"{one.code} {one.message}" for one in lint_workflow(graph, document, AROUND)]


class Model:
    """Answers with JSON where a schema wants it, and else with a word."""

    def __init__(self, random: Random) -> None:
        self._random = random

    async def reply(self, request: ChatRequest) -> ChatReply:
        word = self._random.choice(["order", "refund", "hello", "something else"])
        return ChatReply(text='{"name": "Ada", "score": 7}' if request.schema else word, model="m")

    async def close(self) -> None:
        pass


class Shop:
    """The tools that the workflows call; one fails every other time."""

    def __init__(self, random: Random) -> None:
        self._random = random

    async def find(self, name: str) -> Tool | None:
        return TOOLS.get(name)

    async def call(
        self, name: str, arguments: Mapping[str, Any], *, timeout: float | None = None
    ) -> ToolResult:
        if name == "shop__unsteady" and self._random.random() < 0.5:
            raise OutsideError("the shop is closed", retryable=False)
        items = [{"name": "tea"}, {"name": "cup"}]
        values = {
            "shop__order": {"status": "shipped", "total": 12.5, "items": items},
            "shop__count": {"count": 4},
        }
        return ToolResult(value=values.get(name, "done"))


class Gate:
    """Codes that are always right."""

    async def issue(self, **what: Any) -> str:
        return "sent"

    def hash_of(self, challenge: str) -> str:
        return "hash"

    def remembered(self, contact_type: str, since_ms: int) -> str:
        return ""


class Team:
    """The one bot that may be asked."""

    def __init__(self, helper: Program) -> None:
        self._helper = helper

    async def program_of(self, name: str) -> Program:
        assert name == HELPER
        return self._helper


def program(graph: Graph, random: Random, sandbox: BotJavaScript, team: Team | None = None) -> Program:
    return Program(
        bot=BotFacts(name="b", platforms=frozenset({"console", "telegram"})),
        graph=graph,
        definition="d",
        text=("w.json", "{}"),
        llm=Model(random),
        tools=Shop(random),  # type: ignore[arg-type]
        sandbox=sandbox,
        mask=lambda text: text,
        limits=Limits(),
        fallback_message="fallback",
        gate=lambda runner, run, stored: Gate(),
        team=team or NobodyElse(),
    )


async def run_to_the_end(database: Database, whole: Program, random: Random) -> Life:
    """Run a workflow; whatever it waits for comes."""
    clock = StandingClock()
    interpreter = Interpreter(database, clock, lambda leaving: None)

    async def write(text: str) -> Stored:
        message = IncomingMessage(
            bot="b", platform="console", dedupe_key="", channel_id="c", user_id="u", text=text,
            received_at=1, code_hash="hash" if text.isdecimal() else "",
        )  # fmt: skip
        return (await database.write(lambda connection: inbox.add(connection, message)))[0]

    stored = await write(random.choice(["hello", "where is my order 1042?", "x"]))
    life = await interpreter.begin(whole, stored)
    for _ in range(200):
        if life.status is not RunStatus.WAITING:
            break
        row = database.read(lambda connection: runs.get(connection, life.seq))  # noqa: B023
        kinds = [wait for token in life.run.tokens if token.waiting for wait in token.waiting.for_]
        event = Event("until", 0)
        if decisions := [wait for wait in kinds if isinstance(wait, Decision)]:
            status = random.choice(["approved", "rejected", "expired"])
            value = {"handoff": decisions[0].handoff_id, "status": status, "by": "p", "note": "", "sets": {}}
            event = Event("decision", value)
        elif any(isinstance(wait, Reply) for wait in kinds):
            moments = [wait for wait in kinds if isinstance(wait, Until)]
            if moments and random.random() < 0.2:
                event = Event("until", moments[0].at_ms)
            else:
                stored = await write(random.choice(["ada@example.com", "123456", "cancel", "order"]))
                event = Event("reply", stored.message.text)
        resumed = await interpreter.resume(whole, stored, row, event)
        assert resumed is not None
        life = resumed
    return life


def story_of_run(connection: Connection, run: int) -> tuple[str, str, list[str]]:
    """How a run ended, its error, and what its trace notes of names and tools that were not there."""
    story = story_of(connection, runs.get(connection, run))
    notes = [note for step in story.steps for note in json.loads(step.notes or "[]")]
    wrong = [note for note in notes if "not set" in note or "tool" in note]
    return story.row.status, story.row.error_message, wrong


@pytest.mark.parametrize("first", range(0, MANY, AT_ONCE))
def test_a_correct_workflow_brings_no_finding(first: int) -> None:
    found = {seed: found_in(correct_workflow(seed)) for seed in range(first, first + AT_ONCE)}

    assert {seed: told for seed, told in found.items() if told} == {}


@pytest.mark.parametrize("first", range(0, MANY, AT_ONCE))
def test_a_correct_workflow_runs_without_an_error(first: int, tmp_path: Path) -> None:
    async def play() -> dict[int, tuple[str, str, list[str]]]:
        pool, told = JavaScriptPool(size=1), {}
        javascript = pool.for_bot("b")
        database = await open_database(tmp_path / "state.db")
        helper = program(bound(HELP)[1], Random(first), javascript)
        for seed in range(first, first + AT_ONCE):
            random = Random(seed)
            whole = program(bound(correct_workflow(seed))[1], random, javascript, Team(helper))
            life = await run_to_the_end(database, whole, random)
            told[seed] = database.read(partial(story_of_run, run=life.seq))
        await database.close()
        await pool.close()
        return told

    told = asyncio.run(play())

    assert {seed: one for seed, one in told.items() if one != ("completed", "", [])} == {}


def test_the_workflows_have_every_node_type_and_are_not_small() -> None:
    graphs = [bound(correct_workflow(seed))[1] for seed in range(0, MANY, 5)]

    types = Counter(node.type.name for graph in graphs for node in graph.nodes.values())
    assert types.keys() == {node_type.name for node_type in NODE_TYPES}
    assert sum(types.values()) / len(graphs) > 12
