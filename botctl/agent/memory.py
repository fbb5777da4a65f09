"""Memory: what an agent keeps while it waits for people and other bots, and how its calls look as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict

from botctl.execution.outcome import Event
from botctl.llm.chat import ChatReply, ToolCall, ToolOffer, Turn
from botctl.tools.tool import Tool, ToolHints


class Memory(Struct, kw_only=True):
    """The state of a waiting agent. asked: handoffs that were asked; decisions: those that were decided, by
    handoff; calling: the call whose bot is answering; answers: what called bots said, by call."""

    asked: list[str] = field(default_factory=list)
    decisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    calling: str = ""
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def take(self, event: Event | None) -> None:
        """Note what woke the agent."""
        if event is not None and event.kind == "decision":
            self.decisions[event.value["handoff"]] = event.value
        elif event is not None and event.kind == "returned":
            self.answers[self.calling] = {"text": event.value["text"], "error": event.value["error"]}
            self.calling = ""


def memory_of(state: Any) -> Memory:
    """What the last wait kept; of a fresh step nothing."""
    return Memory(**state) if isinstance(state, dict) else Memory()


def memory_json(memory: Memory) -> dict[str, Any]:
    """The inverse."""
    return asdict(memory)


def reply_json(reply: ChatReply) -> dict[str, Any]:
    """A model's reply, for the journal."""
    return {
        "text": reply.text,
        "calls": [asdict(call) for call in reply.tool_calls],
        "input": reply.usage.input_tokens,
        "output": reply.usage.output_tokens,
        "model": reply.model,
        "stop": reply.stop,
        "notes": list(reply.notes),
        "micro_cents": reply.micro_cents,
    }


def calls_of(reply: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    """The tool calls of a remembered reply."""
    return tuple(ToolCall(**call) for call in reply["calls"])


def tool_json(tool: Tool) -> dict[str, Any]:
    """A tool as it was when the run began: the list is frozen for the run."""
    return {
        "name": tool.name,
        "description": tool.description,
        "schema": dict(tool.input_schema),
        "repeatable": tool.hints.may_be_repeated,
    }


def tool_of(kept: Mapping[str, Any]) -> Tool:
    """The inverse, as far as calling it needs."""
    return Tool(
        name=kept["name"],
        description=kept["description"],
        input_schema=kept["schema"],
        hints=ToolHints(idempotent=True) if kept["repeatable"] else ToolHints(),
    )


def offer(tool: Tool) -> ToolOffer:
    """A tool as a model is offered it."""
    schema = tool.input_schema or {"type": "object", "properties": {}}
    return ToolOffer(name=tool.name, description=tool.description, parameters=schema)


def result_turn(call: ToolCall, result: Mapping[str, Any]) -> Turn:
    """What a call gave, for the model."""
    return Turn(
        role="tool",
        text=result["text"],
        tool_call_id=call.id,
        tool_name=call.name,
        is_error=bool(result["is_error"]),
    )
