"""The spans: runs, steps, model calls and tool calls, told to an OpenTelemetry collector.

Names and attributes are those of the GenAI semantic conventions (1.41, in development, 2026-10). A run is
`invoke_agent` or `invoke_workflow`; each turn of it, until it ends or waits, is a span. All turns of a run
are in one trace, whose id is made of the run's: a run that waited for days, through restarts, is one story.
What users, models and tools say is left out, unless OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT asks
for it; then it is masked. opentelemetry is imported when the first Spans is made.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Mapping
from contextvars import Token as Attached
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Struct

from botctl.engine.journal import Visit
from botctl.engine.life import Life
from botctl.engine.run import RunStatus, Token, frame_text
from botctl.engine.transition import Failure
from botctl.errors import BotctlError
from botctl.execution.outcome import Done
from botctl.llm.chat import ChatReply, ChatRequest, Turn
from botctl.project.agent_graph import AGENT_DEFINITION
from botctl.runtime.masking import Mask, masked
from botctl.tools.tool import ToolResult

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, SpanContext, SpanKind

_PROVIDERS = {"google": "gcp.gemini"}
"""Names that the conventions write differently; those they do not know are written as botctl does."""
_FINISH = {"end": "stop", "tools": "tool_call", "length": "length", "refusal": "content_filter"}
_CONVERSATION = "botctl.conversation"


class ModelPlace(Struct, frozen=True, kw_only=True):
    """Which model is asked for which bot. base_url: where; "" where that is not known."""

    bot: str
    provider: str
    model: str = ""
    base_url: str = ""


@dataclass(slots=True)
class _Turn:
    """A turn under way. steps: those that were entered and not visited yet, by number."""

    span: Span
    attached: Attached[Context]
    steps: dict[int, tuple[Span, Attached[Context]]] = field(default_factory=dict)
    tokens_input: int = 0
    tokens_output: int = 0


class _Ids:
    """Makes random ids, unless it was told which ones to make."""

    def __init__(self) -> None:
        self.next_trace = 0
        self.next_span = 0

    def generate_trace_id(self) -> int:
        return self.next_trace or random.getrandbits(128) or 1

    def generate_span_id(self) -> int:
        return self.next_span or random.getrandbits(64) or 1

    def is_trace_id_random(self) -> bool:
        return True  # those that are made of a run's id are as evenly spread, which is what samplers need


class Spans:
    """An observer that makes spans of runs and steps; `chat` and `tool` make those of calls.

    provider: where ended spans go. captures: whether what is said goes into spans too, masked.
    """

    def __init__(
        self, provider_of: Callable[[Any], TracerProvider], mask: Mask, *, captures: bool = False
    ) -> None:
        """provider_of: makes the provider, given what makes its ids."""
        from opentelemetry import context, trace

        self._ids = _Ids()
        self.provider = provider_of(self._ids)
        self._tracer = self.provider.get_tracer("botctl")
        self._context = context
        self._trace = trace
        self._mask = mask
        self._captures = captures
        self._turns: dict[str, _Turn] = {}

    def began(self, life: Life) -> None:
        """See `Observer.began`."""
        bot, message = life.program.bot.name, life.stored.message
        is_agent = life.program.definition == AGENT_DEFINITION
        operation = "invoke_agent" if is_agent else "invoke_workflow"
        conversation = str(life.stored.conversation)
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": operation,
            "gen_ai.agent.name": bot,
            "gen_ai.conversation.id": conversation,
            "botctl.run.id": life.id,
            "botctl.platform": message.platform,
        }
        if not is_agent:
            attributes["gen_ai.workflow.name"] = bot
        if self._captures:
            attributes["gen_ai.input.messages"] = self._json([_said("user", message.text)])
        name = f"{operation} {bot}"
        span = self._start_turn(life, name, attributes)
        inside = self._trace.set_span_in_context(span, self._context.set_value(_CONVERSATION, conversation))
        self._turns[life.id] = _Turn(span, self._context.attach(inside))

    def entered(self, life: Life, token: Token, seq: int) -> None:
        """See `Observer.entered`."""
        node = life.program.graph.nodes[token.node]
        attributes: dict[str, Any] = {
            "botctl.run.id": life.id,
            "botctl.node.id": node.id,
            "botctl.node.type": node.type.name,
            "botctl.step.seq": seq,
        }
        if token.frame:
            attributes["botctl.node.frame"] = frame_text(token.frame)
        if token.waiting is not None and token.waiting.event is not None:
            attributes["botctl.step.woken_by"] = token.waiting.event.kind
        span = self._tracer.start_span(f"{node.type.name} {node.id}", attributes=attributes)
        attached = self._context.attach(self._trace.set_span_in_context(span))
        self._turns[life.id].steps[seq] = (span, attached)

    def visited(self, life: Life, visit: Visit) -> None:
        """See `Observer.visited`."""
        turn, outcome, log = self._turns[life.id], visit.result.outcome, visit.log
        span, attached = turn.steps.pop(visit.seq)
        turn.tokens_input += log.tokens_input
        turn.tokens_output += log.tokens_output
        span.set_attribute("botctl.step.outcome", type(outcome).__name__.lower())
        if isinstance(outcome, Done):
            span.set_attribute("botctl.step.handle", outcome.handle)
        if visit.retries:
            span.set_attribute("botctl.step.retries", visit.retries)
        if isinstance(outcome, Failure):
            self._fail(span, _class_of(outcome), outcome.message)
        span.end()
        self._context.detach(attached)

    def left(self, life: Life) -> None:
        """See `Observer.left`."""
        turn = self._turns.pop(life.id)
        for step, _ in turn.steps.values():
            self._fail(step, "cancelled")
            step.end()
        span = turn.span
        span.set_attributes(
            {
                "botctl.run.status": life.status.value,
                "botctl.run.nodes_executed": life.run.executed,
                "gen_ai.usage.input_tokens": turn.tokens_input,
                "gen_ai.usage.output_tokens": turn.tokens_output,
            }
        )
        if self._captures and life.spoken:
            said = [_said("assistant", text) for text in life.spoken]
            span.set_attribute("gen_ai.output.messages", self._json(said))
        if life.status is RunStatus.BUDGET:
            self._fail(span, "over_budget", life.error_message)
        elif life.status is RunStatus.ERROR:
            self._fail(span, "in_doubt" if life.in_doubt else "failed", life.error_message)
        elif life.status is RunStatus.RUNNING:
            self._fail(span, "cancelled")
        span.end()
        self._context.detach(turn.attached)

    def chat(self, place: ModelPlace, request: ChatRequest) -> ChatSpan:
        """The span of one try of a model call, for a `with` statement."""
        model = request.model or place.model
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": _PROVIDERS.get(place.provider, place.provider),
            "gen_ai.agent.name": place.bot,
            **self._of_conversation(),
            **_server(place.base_url),
        }
        optional = {
            "gen_ai.request.model": model,
            "gen_ai.request.temperature": request.temperature,
            "gen_ai.request.max_tokens": request.max_tokens,
            "gen_ai.output.type": "json" if request.schema is not None else None,
        }
        attributes |= {key: value for key, value in optional.items() if value not in (None, "")}
        if self._captures:
            attributes["gen_ai.input.messages"] = self._json([_message(turn) for turn in request.turns])
            if request.system:
                instructions = [{"type": "text", "content": request.system}]
                attributes["gen_ai.system_instructions"] = self._json(instructions)
        kind = self._trace.SpanKind.CLIENT
        return ChatSpan(self, *self._enter(f"chat {model}".strip(), kind, attributes))

    def tool(self, bot: str, name: str, arguments: Mapping[str, Any]) -> ToolSpan:
        """The span of one call of a tool, for a `with` statement."""
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.type": "function",
            "gen_ai.agent.name": bot,
            **self._of_conversation(),
        }
        if self._captures:
            attributes["gen_ai.tool.call.arguments"] = self._json(dict(arguments))
        kind = self._trace.SpanKind.INTERNAL
        return ToolSpan(self, *self._enter(f"execute_tool {name}", kind, attributes))

    def answered(self, span: Span, reply: ChatReply) -> None:
        """Tell what a model's answer came to."""
        span.set_attributes(
            {
                "gen_ai.response.model": reply.model,
                "gen_ai.response.finish_reasons": [_FINISH[reply.stop]],
                "gen_ai.usage.input_tokens": reply.usage.input_tokens,
                "gen_ai.usage.output_tokens": reply.usage.output_tokens,
            }
        )
        if self._captures:
            turn = Turn(role="assistant", text=reply.text, tool_calls=reply.tool_calls)
            said = {**_message(turn), "finish_reason": _FINISH[reply.stop]}
            span.set_attribute("gen_ai.output.messages", self._json([said]))

    def gave(self, span: Span, result: ToolResult) -> None:
        """Tell what a tool's call came to."""
        if result.is_error:
            self._fail(span, "tool_error", result.text)
        if self._captures:
            given = result.text if result.is_error else result.value
            span.set_attribute("gen_ai.tool.call.result", self._json(given))

    def end_call(
        self, span: Span, attached: Attached[Context], error: BaseException | None, *, is_harmless: bool
    ) -> None:
        """End the span of a call. is_harmless: an expected error's words are our own and quote nobody."""
        if error is not None:
            may_tell = is_harmless and isinstance(error, BotctlError)
            self._fail(span, type(error).__name__, str(error), is_harmless=may_tell)
        span.end()
        self._context.detach(attached)

    def _start_turn(self, life: Life, name: str, attributes: dict[str, Any]) -> Span:
        """The span of a turn: in the caller's if it was called just now, else in the trace of its run."""
        if life.parent is not None and self._trace.get_current_span().get_span_context().is_valid:
            return self._tracer.start_span(name, attributes=attributes)
        digest = hashlib.sha256(life.id.encode()).digest()
        trace_id, first_id = int.from_bytes(digest[:16]) or 1, int.from_bytes(digest[16:24]) or 1
        empty = self._context.Context()
        if life.run.steps:
            first = self._first_turn(trace_id, first_id, name)
            context = self._trace.set_span_in_context(self._trace.NonRecordingSpan(first), empty)
            return self._tracer.start_span(name, context, attributes=attributes)
        self._ids.next_trace, self._ids.next_span = trace_id, first_id
        span = self._tracer.start_span(name, empty, attributes=attributes)
        self._ids.next_trace = self._ids.next_span = 0
        return span

    def _first_turn(self, trace_id: int, span_id: int, name: str) -> SpanContext:
        """A run's first turn, which ended long ago. Whether it was sampled is asked again: as that is
        decided by the trace's id, the answer is the same."""
        found = self.provider.sampler.should_sample(self._context.Context(), trace_id, name)
        flags_of = self._trace.TraceFlags
        flags = flags_of(flags_of.SAMPLED if found.decision.name == "RECORD_AND_SAMPLE" else flags_of.DEFAULT)
        return self._trace.SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags)

    def _enter(self, name: str, kind: SpanKind, attributes: dict[str, Any]) -> tuple[Span, Attached[Context]]:
        span = self._tracer.start_span(name, kind=kind, attributes=attributes)
        return span, self._context.attach(self._trace.set_span_in_context(span))

    def _of_conversation(self) -> dict[str, str]:
        found = self._context.get_value(_CONVERSATION)
        return {"gen_ai.conversation.id": str(found)} if found is not None else {}

    def _fail(self, span: Span, kind: str, told: str = "", *, is_harmless: bool = False) -> None:
        """error.type is the class of an exception, or: failed, in_doubt, over_budget, cancelled, tool_error.
        What is told may quote a user or a tool, and then counts as content."""
        description = self._mask(told) if told and (is_harmless or self._captures) else None
        span.set_attribute("error.type", kind)
        span.set_status(self._trace.StatusCode.ERROR, description)

    def _json(self, value: Any) -> str:
        return json.dumps(masked(value, self._mask), ensure_ascii=False, separators=(",", ":"))


class ChatSpan:
    """A model call under way; told its answer if there is one."""

    def __init__(self, spans: Spans, span: Span, attached: Attached[Context]) -> None:
        self._spans = spans
        self._span = span
        self._attached = attached

    def __enter__(self) -> ChatSpan:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._spans.end_call(self._span, self._attached, error, is_harmless=True)

    def answered(self, reply: ChatReply) -> None:
        """The model answered."""
        self._spans.answered(self._span, reply)


class ToolSpan:
    """A tool call under way; told its result if there is one."""

    def __init__(self, spans: Spans, span: Span, attached: Attached[Context]) -> None:
        self._spans = spans
        self._span = span
        self._attached = attached

    def __enter__(self) -> ToolSpan:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._spans.end_call(self._span, self._attached, error, is_harmless=False)

    def gave(self, result: ToolResult) -> None:
        """The tool gave this."""
        self._spans.gave(self._span, result)


def _class_of(failure: Failure) -> str:
    if failure.in_doubt:
        return "in_doubt"
    return "failed" if failure.cap_message is None else "over_budget"


def _server(base_url: str) -> dict[str, str | int]:
    """Where a service is, without paths and passwords."""
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname, parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError:  # its port is no number; the call will say so
        return {}
    return {"server.address": host, "server.port": port} if host else {}


def _said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _message(turn: Turn) -> dict[str, Any]:
    """A turn in the conventions' shape of messages; of attachments only what they are."""
    if turn.role == "tool":
        answer = {"type": "tool_call_response", "id": turn.tool_call_id, "response": turn.text}
        return {"role": "tool", "parts": [answer]}
    parts: list[dict[str, Any]] = [{"type": "text", "content": turn.text}] if turn.text else []
    parts += [{"type": "file", "modality": one.kind, "mime_type": one.media_type} for one in turn.attachments]
    parts += [
        {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments or call.raw}
        for call in turn.tool_calls
    ]
    return {"role": turn.role, "parts": parts}
