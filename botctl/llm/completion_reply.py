"""A chat completions reply: what a model said, read from what servers of that wire send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botctl.llm.chat import ChatReply, ChatRequest, StopReason, ToolCall, Usage, counted
from botctl.llm.service import Refusal, Service
from botctl.llm.tool_calls import made_up_id, malformed_call
from botctl.llm.tool_names import ToolNames

_STOPS: Mapping[str, StopReason] = {"length": "length", "content_filter": "refusal"}


def read_completion(
    service: Service, completion: Mapping[str, Any], request: ChatRequest, names: ToolNames
) -> ChatReply:
    """The reply in a completion; an OutsideError if there is none. Its model is "" where the server does not
    tell it."""
    choices = completion.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise service.broken("an answer without a choice")
    refusal = message.get("refusal")
    text = refusal if isinstance(refusal, str) and refusal else _read_text(message.get("content"))
    calls = _read_calls(message.get("tool_calls"), request, names)
    stop: StopReason = "refusal" if refusal else _STOPS.get(str(choice.get("finish_reason")), "end")
    if calls and stop == "end":
        stop = "tools"
    if not text and stop == "end":
        raise service.broken("an empty answer")
    usage = completion.get("usage")
    told = usage if isinstance(usage, dict) else {}
    return ChatReply(
        text=text,
        model=str(completion.get("model") or ""),
        stop=stop,
        tool_calls=calls,
        usage=Usage(
            input_tokens=counted(told.get("prompt_tokens")),
            output_tokens=counted(told.get("completion_tokens")),
        ),
        notes=() if isinstance(usage, dict) else (_uncounted(service),),
    )


def read_failed_generation(
    service: Service, refusal: Refusal, request: ChatRequest, names: ToolNames
) -> ChatReply | None:
    """The reply that Groq holds back in a 400: a tool call that it could not read, or an answer that is not
    the JSON which was asked for. None if the refusal is of another kind.

    Its codes are tool_use_failed and json_validate_failed, with what the model wrote in failed_generation.
    """
    if refusal.code not in ("tool_use_failed", "json_validate_failed"):
        return None
    raw = str(refusal.error.get("failed_generation") or "")
    if refusal.code == "json_validate_failed":
        if not raw.strip():
            raise service.broken("an answer that is not JSON")
        return ChatReply(text=raw, model="", notes=(_uncounted(service),))
    if not request.tools:
        raise service.broken("a tool call though no tool was offered")
    call = malformed_call(raw or refusal.message, request, names)
    return ChatReply(text="", model="", stop="tools", tool_calls=(call,), notes=(_uncounted(service),))


def _uncounted(service: Service) -> str:
    return f"{service.name} did not count the tokens"


def _read_text(content: object) -> str:
    """The text of a message: a string, or with some servers a list of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))


def _read_calls(written: object, request: ChatRequest, names: ToolNames) -> tuple[ToolCall, ...]:
    calls = written if isinstance(written, list) else []
    functions = [(call, call.get("function")) for call in calls if isinstance(call, dict)]
    return tuple(
        _read_call(str(call.get("id") or made_up_id(request, number)), function, names)
        for number, (call, function) in enumerate(functions, 1)
        if isinstance(function, dict)
    )


def _read_call(call_id: str, function: Mapping[str, Any], names: ToolNames) -> ToolCall:
    name = names.real(str(function.get("name") or ""))
    written = function.get("arguments")
    if isinstance(written, dict):  # Some servers send the object itself instead of its text.
        return ToolCall(id=call_id, name=name, arguments=written)
    raw = str(written or "")
    try:
        arguments = json.loads(raw) if raw.strip() else {}
    except ValueError:
        arguments = None
    if isinstance(arguments, dict):
        return ToolCall(id=call_id, name=name, arguments=arguments)
    return ToolCall(id=call_id, name=name, arguments=None, raw=raw)
