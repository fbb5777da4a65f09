"""A Gemini request: the turns, tools and schema of a conversation as generateContent takes them.

Calls and results are paired by name and order, all results of a round in one content right behind the calls.
What Gemini signed must come back with the call it stood at (`thoughtSignature`, Gemini 3; PLATFORMS 7).
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from typing import Any

from botctl.llm.chat import ChatRequest, ToolCall, ToolOffer, Turn
from botctl.llm.json_answer import with_instruction
from botctl.llm.pictures import Pictures
from botctl.llm.tool_calls import arguments_of, is_made_up
from botctl.llm.tool_names import ToolNames

_NOTHING = "(no text)"
# What Google's documents on thought signatures say to send with a call that another model made (2026).
UNSIGNED = b"skip_thought_signature_validator"


def write_contents(
    turns: tuple[Turn, ...], names: ToolNames, pictures: Pictures, *, signatures: bool
) -> list[dict[str, Any]]:
    """The contents, the user's first. signatures: False after Gemini refused those there were, or wanted some
    where there were none; then all calls are marked as another model's."""
    contents: list[dict[str, Any]] = []
    answering = False
    for turn in turns:
        role = "model" if turn.role == "assistant" else "user"
        if not contents and role == "model":
            contents.append({"role": "user", "parts": [{"text": _NOTHING}]})
        is_result = turn.role == "tool"
        if not contents or contents[-1]["role"] != role or answering != is_result:
            contents.append({"role": role, "parts": []})
        answering = is_result
        contents[-1]["parts"] += _parts(turn, names, pictures, signatures)
    return contents


def write_config(
    request: ChatRequest,
    names: ToolNames,
    *,
    schema_in_words: bool,
    temperature: float | None,
    max_tokens: int,
) -> dict[str, Any]:
    """What stands beside the contents, by the SDK's names."""
    config: dict[str, Any] = {"max_output_tokens": max_tokens}
    if temperature is not None:
        config["temperature"] = temperature
    system = request.system
    if request.schema is not None and schema_in_words:
        system = with_instruction(system, request.schema)
    elif request.schema is not None:
        config |= {"response_mime_type": "application/json", "response_json_schema": dict(request.schema)}
    if system.strip():
        config["system_instruction"] = system
    return config | _tools(request, names)


def _parts(turn: Turn, names: ToolNames, pictures: Pictures, signatures: bool) -> list[dict[str, Any]]:
    if turn.role == "tool":
        return [_result(turn, names)]
    calls = [
        _call(call, names, _signature(call, signatures, is_first=not number))
        for number, call in enumerate(turn.tool_calls)
    ]
    shown = [
        {"inline_data": {"mime_type": picture.media_type, "data": picture.content}}
        for picture in pictures.of(turn)
    ]
    more = [*shown, *calls]
    # The API refuses a part without anything in it.
    text = turn.text if turn.text.strip() else ("" if more else _NOTHING)
    return [{"text": text}, *more] if text else more


def _call(call: ToolCall, names: ToolNames, signature: bytes) -> dict[str, Any]:
    written: dict[str, Any] = {"name": names.safe(call.name), "args": dict(arguments_of(call))}
    if not is_made_up(call.id):
        written["id"] = call.id
    part: dict[str, Any] = {"function_call": written}
    return part | {"thought_signature": signature} if signature else part


def _signature(call: ToolCall, signatures: bool, *, is_first: bool) -> bytes:
    """What is to stand at a call: of several in one turn only the first is signed."""
    if not signatures:
        return UNSIGNED if is_first else b""
    try:
        return urlsafe_b64decode(call.opaque + "==") if call.opaque else b""
    except (binascii.Error, ValueError):
        return b""


def _result(turn: Turn, names: ToolNames) -> dict[str, Any]:
    key = "error" if turn.is_error else "output"
    written: dict[str, Any] = {"name": names.safe(turn.tool_name), "response": {key: turn.text}}
    if not is_made_up(turn.tool_call_id):
        written["id"] = turn.tool_call_id
    return {"function_response": written}


def _tools(request: ChatRequest, names: ToolNames) -> dict[str, Any]:
    """The tools offered; when none may be called any more, those that were: the history has need of them."""
    if request.tools:
        return {"tools": [{"function_declarations": [_offer(offer, names) for offer in request.tools]}]}
    called = dict.fromkeys(call.name for turn in request.turns for call in turn.tool_calls)
    if not called:
        return {}
    offers = [_offer(ToolOffer(name=name, description="", parameters={}), names) for name in called]
    forbidden = {"function_calling_config": {"mode": "NONE"}}
    return {"tools": [{"function_declarations": offers}], "tool_config": forbidden}


def _offer(offer: ToolOffer, names: ToolNames) -> dict[str, Any]:
    schema = {"type": "object", "properties": {}, **offer.parameters}
    return {
        "name": names.safe(offer.name),
        "description": offer.description or offer.name,
        "parameters_json_schema": schema,
    }
