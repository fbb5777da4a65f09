"""Talking to a model: one request, one reply, in nobody's wire format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from botctl.messages import Attachment


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolCall:
    """A model's wish to call a tool. arguments is a JSON object, or None when what came was not one
    (then `raw` holds it)."""

    id: str
    name: str
    arguments: Mapping[str, Any] | None
    raw: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One entry of a conversation with a model. `tool` turns answer the call named by `tool_call_id`."""

    role: Literal["user", "assistant", "tool"]
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    tool_name: str = ""
    is_error: bool = False
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolOffer:
    """A tool that the model may call; `parameters` is its JSON Schema."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatRequest:
    """What a model is asked. temperature None: the model's own (some models refuse any, PLATFORMS 0).

    model "" means the model that the ChatModel was connected with. schema asks for a JSON object of that
    JSON Schema as the whole answer.
    """

    turns: tuple[Turn, ...]
    system: str = ""
    model: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    tools: tuple[ToolOffer, ...] = ()
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Tokens as the provider counted them."""

    input_tokens: int = 0
    output_tokens: int = 0


StopReason = Literal["end", "length", "tools", "refusal"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatReply:
    """What a model said. notes are sentences for the trace ("temperature was left out: ...")."""

    text: str
    model: str
    stop: StopReason = "end"
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    notes: tuple[str, ...] = ()


class ChatModel(Protocol):
    """A model that is ready to be asked; safe to use from many conversations at once."""

    async def reply(self, request: ChatRequest) -> ChatReply:
        """Ask once. OutsideError: the service did not answer. UserError: the request or the key is wrong."""

    async def close(self) -> None:
        """Let go of connections."""
