"""The world of a node under test: a step made by hand, a model that says its lines, recording tools."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from botctl.errors import BotctlError, UserError
from botctl.execution.outcome import Event, Outcome
from botctl.execution.step import BotFacts, Step, StepLog
from botctl.llm.chat import ChatReply, ChatRequest, Turn, Usage
from botctl.messages import IncomingMessage
from botctl.nodes import NODE_TYPES
from botctl.nodes.node_type import NodeType
from botctl.nodes.site import Site
from botctl.source.rule import Finding
from botctl.tools.tool import Tool, ToolResult

BY_NAME: dict[str, NodeType[Any]] = {node_type.name: node_type for node_type in NODE_TYPES}


class SpeakingModel:
    """Says its replies one after the other, and keeps what it was asked."""

    def __init__(self, *replies: ChatReply | str) -> None:
        self.replies = list(replies)
        self.requests: list[ChatRequest] = []

    async def reply(self, request: ChatRequest) -> ChatReply:
        self.requests.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, ChatReply):
            return reply
        return ChatReply(text=reply, model="scripted", usage=Usage(input_tokens=7, output_tokens=2))

    async def close(self) -> None:
        pass


class RecordingTools:
    """Tools by name, each with what a call of it gives; keeps the calls."""

    def __init__(self, **gives: ToolResult | BotctlError) -> None:
        self.gives = gives
        self.offered = {name: Tool(name=name) for name in gives}
        self.calls: list[tuple[str, Mapping[str, Any], float | None]] = []

    async def find(self, name: str) -> Tool | None:
        return self.offered.get(name)

    async def call(
        self, name: str, arguments: Mapping[str, Any], *, timeout: float | None = None
    ) -> ToolResult:
        self.calls.append((name, arguments, timeout))
        given = self.gives[name]
        if isinstance(given, BotctlError):
            raise given
        return given


@dataclass
class RecordingSandbox:
    """Gives `changed` for any code; keeps what it was given."""

    changed: dict[str, Any] = field(default_factory=dict)
    failure: UserError | None = None
    ran: list[tuple[str, str, str]] = field(default_factory=list)

    async def run(
        self, code: str, variables: Mapping[str, Any], message: str, user_id: str
    ) -> dict[str, Any]:
        self.ran.append((code, message, user_id))
        if self.failure is not None:
            raise self.failure
        return self.changed


@dataclass
class RememberingJournal:
    """A journal in memory: what was done once is not done again, and must be JSON."""

    remembered: dict[str, Any] = field(default_factory=dict)
    repeatable: dict[str, bool] = field(default_factory=dict)

    async def once(
        self, key: str, action: Callable[[], Awaitable[Any]], *, repeatable: bool, part: Any = None
    ) -> Any:
        self.repeatable[key] = repeatable
        if key not in self.remembered:
            self.remembered[key] = json.loads(json.dumps(await action()))
        return self.remembered[key]


def a_message(text: str = "hello", **more: Any) -> IncomingMessage:
    """A message of Ada's on the console."""
    return IncomingMessage(
        bot="support",
        platform="console",
        dedupe_key="",
        channel_id="c1",
        user_id="u1",
        user_name="Ada",
        text=text,
        received_at=0,
        **more,
    )


def a_step(
    *,
    variables: Mapping[str, Any] | None = None,
    message: IncomingMessage | None = None,
    model: SpeakingModel | None = None,
    tools: RecordingTools | None = None,
    sandbox: RecordingSandbox | None = None,
    journal: RememberingJournal | None = None,
    state: Any = None,
    event: Event | None = None,
    bot: BotFacts | None = None,
    history: tuple[Turn, ...] | None = None,
) -> Step:
    """A step of a node called `here`."""

    async def earlier() -> tuple[Turn, ...]:
        return history or ()

    return Step(
        node_id="here",
        variables=variables or {},
        message=message or a_message(),
        bot=bot or BotFacts(name="support", system_prompt="You help."),
        llm=model or SpeakingModel(),
        tools=tools or RecordingTools(),
        sandbox=sandbox or RecordingSandbox(),
        log=StepLog(),
        journal=journal or RememberingJournal(),
        now_ms=1_767_225_600_000,
        state=state,
        event=event,
        history=None if history is None else earlier,
    )


def execute(node_type: NodeType[Any], written: Mapping[str, Any], step: Step | None = None) -> Outcome:
    """Validate `data` as written and execute the node once."""
    step = step or a_step()

    async def visit() -> Outcome:
        return await node_type.execute(node_type.data.model_validate(written), step)

    return asyncio.run(visit())


def findings(node_type: NodeType[Any], written: Mapping[str, Any], **known: Any) -> list[tuple[str, Finding]]:
    """What the node type's own rules have to say, each with its rule's code."""
    data = node_type.data.model_validate(written)
    site = Site(node_id="here", data=data, raw=written, wired=frozenset(), **known)
    return [(rule.code, finding) for rule in node_type.rules for finding in rule.check(site)]


def codes(node_type: NodeType[Any], written: Mapping[str, Any], **known: Any) -> list[str]:
    """The codes of what the rules have to say."""
    return [code for code, _ in findings(node_type, written, **known)]


def examples(text: str, heading: str = "") -> list[dict[str, Any]]:
    """The nodes of the first YAML fence in a manual page, or of the first one after a heading."""
    rest = text[text.index(heading) :]
    fence = re.search(r"^ *```yaml\n(.*?)^ *```", rest, re.DOTALL | re.MULTILINE)
    assert fence is not None, f"no example after {heading!r}"
    nodes = yaml.safe_load(fence[1])
    assert isinstance(nodes, list)
    return nodes
