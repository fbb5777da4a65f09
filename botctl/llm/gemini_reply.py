"""A Gemini reply: what generateContent answers, and what its refusals mean."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from botctl.llm.chat import ChatReply, ChatRequest, StopReason, ToolCall, Usage, counted
from botctl.llm.service import Refusal, Service
from botctl.llm.tool_calls import made_up_id, malformed_call
from botctl.llm.tool_names import ToolNames

USED_UP = "quota of the day"
"""The code that a 429 gets when waiting for some seconds does not cure it."""

# google-genai 3.4, types.FinishReason.
_REFUSALS = frozenset(
    {
        *("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "LANGUAGE"),
        *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
    }
)
_UNREADABLE_CALLS = frozenset({"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"})


def read_gemini(
    service: Service, document: Mapping[str, Any], request: ChatRequest, names: ToolNames
) -> ChatReply:
    """The reply in an answer; an OutsideError if there is none. Its model is "" where it is not told."""
    candidates = document.get("candidates")
    candidate = candidates[0] if isinstance(candidates, list) and candidates else None
    blocked = _mapping(document.get("promptFeedback")).get("blockReason")
    if not isinstance(candidate, dict):
        if not blocked:
            raise service.broken("an answer without a candidate")
        candidate = {"finishReason": "SAFETY", "finishMessage": f"the prompt was blocked ({blocked})"}
    reason = str(candidate.get("finishReason") or "")
    told = str(candidate.get("finishMessage") or "")
    if reason in _UNREADABLE_CALLS:
        if not request.tools:
            raise service.broken("a tool call though no tool was offered")
        return _reply(service, document, "", "tools", (malformed_call(told or reason, request, names),))
    written = _mapping(candidate.get("content")).get("parts")
    parts = [part for part in written if isinstance(part, dict)] if isinstance(written, list) else []
    text = "".join(str(part.get("text") or "") for part in parts if not part.get("thought"))
    calls = _calls(parts, request, names)
    if reason in _REFUSALS:
        why = f"{service.name} gave no answer: {told or reason}"
        return _reply(service, document, text, "refusal", notes=(why,))
    if reason == "MAX_TOKENS":
        return _reply(service, document, text, "length", calls)
    if not text and not calls:
        raise service.broken("an empty answer" if reason in ("", "STOP") else f"an empty answer ({reason})")
    return _reply(service, document, text, "tools" if calls else "end", calls)


def put_right(refusal: Refusal) -> None:
    """Google's codes are words in `status`, a wrong key is a 400, and what to wait stands in the details."""
    refusal.code = str(refusal.error.get("status") or refusal.code)
    written = refusal.error.get("details")
    for detail in written if isinstance(written, list) else ():
        detail = _mapping(detail)
        kind = str(detail.get("@type") or "").rpartition(".")[2]
        if kind == "ErrorInfo" and detail.get("reason") == "API_KEY_INVALID":
            refusal.status = 401
        elif kind == "QuotaFailure" and refusal.status == 429 and "PerDay" in json.dumps(detail):
            refusal.code = USED_UP
        elif kind == "RetryInfo" and "retry-after" not in refusal.headers:
            seconds = str(detail.get("retryDelay") or "").removesuffix("s")
            refusal.headers = {**refusal.headers, "retry-after": seconds}


def whole_answer(pieces: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The pieces of a streamed answer as if it had come at once: parts in order, else the last word."""
    document: dict[str, Any] = {}
    candidate: dict[str, Any] = {}
    parts: list[Any] = []
    for piece in pieces:
        document |= {name: value for name, value in piece.items() if name != "candidates"}
        candidates = piece.get("candidates")
        first = _mapping(candidates[0]) if isinstance(candidates, list) and candidates else {}
        written = _mapping(first.get("content")).get("parts")
        parts += written if isinstance(written, list) else []
        candidate |= first
    if candidate:
        document["candidates"] = [candidate | {"content": {"role": "model", "parts": parts}}]
    return document


def has_ended(document: Mapping[str, Any]) -> bool:
    """Whether an answer says that it has come to its end, or that there will be none."""
    candidates = document.get("candidates")
    return bool(
        _mapping(document.get("promptFeedback")).get("blockReason")
        or (isinstance(candidates, list) and candidates and _mapping(candidates[0]).get("finishReason"))
    )


def text_of(piece: Mapping[str, Any]) -> str:
    """The words in a piece, without what the model thought."""
    parts = _mapping(whole_answer([piece]).get("candidates", [{}])[0]).get("content", {}).get("parts", ())
    return "".join(
        str(part.get("text") or "") for part in parts if isinstance(part, dict) and not part.get("thought")
    )


def _reply(
    service: Service,
    document: Mapping[str, Any],
    text: str,
    stop: StopReason,
    calls: tuple[ToolCall, ...] = (),
    notes: tuple[str, ...] = (),
) -> ChatReply:
    usage = document.get("usageMetadata")
    if not isinstance(usage, dict):
        notes = (*notes, f"{service.name} did not count the tokens")
    return ChatReply(
        text=text,
        model=str(document.get("modelVersion") or ""),
        stop=stop,
        tool_calls=calls,
        usage=_usage(_mapping(usage)),
        notes=notes,
    )


def _calls(parts: list[dict[str, Any]], request: ChatRequest, names: ToolNames) -> tuple[ToolCall, ...]:
    calls: list[ToolCall] = []
    for part in parts:
        written = part.get("functionCall")
        if not isinstance(written, dict):
            continue
        arguments = written.get("args", {})
        is_object = isinstance(arguments, dict)
        calls.append(
            ToolCall(
                id=str(written.get("id") or made_up_id(request, len(calls) + 1)),
                name=names.real(str(written.get("name") or "")),
                arguments=arguments if is_object else None,
                raw="" if is_object else json.dumps(arguments, ensure_ascii=False),
                opaque=str(part.get("thoughtSignature") or ""),
            )
        )
    return tuple(calls)


def _usage(told: Mapping[str, Any]) -> Usage:
    """Thinking is billed as output and not among the candidates' tokens."""

    def total(*fields: str) -> int:
        return sum(counted(told.get(field)) for field in fields)

    return Usage(
        input_tokens=total("promptTokenCount", "toolUsePromptTokenCount"),
        output_tokens=total("candidatesTokenCount", "thoughtsTokenCount"),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
