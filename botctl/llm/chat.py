"""Talking to a model: one request, one reply, in nobody's wire format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

from msgspec import Struct, field

from botctl.messages import Attachment


class ToolCall(Struct, frozen=True, kw_only=True):
    """A model's wish to call a tool. arguments is a JSON object, or None when what came was not one
    (then `raw` holds it). opaque: what the provider must get back with this call, and only it can read."""

    id: str
    name: str
    arguments: Mapping[str, Any] | None
    raw: str = ""
    opaque: str = ""


class Turn(Struct, frozen=True, kw_only=True):
    """One entry of a conversation with a model. `tool` turns answer the call named by `tool_call_id`."""

    role: Literal["user", "assistant", "tool"]
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    tool_name: str = ""
    is_error: bool = False
    attachments: tuple[Attachment, ...] = ()


class ToolOffer(Struct, frozen=True, kw_only=True):
    """A tool that the model may call; `parameters` is its JSON Schema."""

    name: str
    description: str
    parameters: Mapping[str, Any]


class ChatRequest(Struct, frozen=True, kw_only=True):
    """What a model is asked. temperature None: the model's own (some models refuse any, PLATFORMS 0).

    model "" means the model that the ChatModel was connected with. schema asks for a JSON object of that
    JSON Schema as the whole answer. on_text is told all that was said so far, again and again, while the
    answer is written, by providers that can; a try that fails is followed by one that begins with nothing.
    """

    turns: tuple[Turn, ...]
    system: str = ""
    model: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    tools: tuple[ToolOffer, ...] = ()
    schema: Mapping[str, Any] | None = None
    on_text: Callable[[str], None] | None = None


MOST_TOKENS = 1_000_000_000
"""Of one call; more is nonsense, and would be no number that a ledger can hold."""


def counted(number: object) -> int:
    """A number of tokens as a provider wrote it; 0 for what is none."""
    if not isinstance(number, int) or isinstance(number, bool):
        return 0
    return min(max(number, 0), MOST_TOKENS)


class Usage(Struct, frozen=True, kw_only=True):
    """Tokens as the provider counted them."""

    input_tokens: int = 0
    output_tokens: int = 0


StopReason = Literal["end", "length", "tools", "refusal"]


class ChatReply(Struct, frozen=True, kw_only=True):
    """What a model said. notes are sentences for the trace ("temperature was left out: ...").

    micro_cents: what it cost (a million are one cent), filled in by the meter; None: no price is known.
    """

    text: str
    model: str
    stop: StopReason = "end"
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    notes: tuple[str, ...] = ()
    micro_cents: int | None = None


class ChatModel(Protocol):
    """A model that is ready to be asked; safe to use from many conversations at once."""

    async def reply(self, request: ChatRequest) -> ChatReply:
        """Ask once. OutsideError: the service did not answer. UserError: the request or the key is wrong."""

    async def close(self) -> None:
        """Let go of connections."""
