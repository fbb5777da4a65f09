"""A chat completions request: the turns, tools and schema of a conversation as that wire writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botctl.llm.chat import ToolCall, ToolOffer, Turn
from botctl.llm.pictures import Picture, Pictures
from botctl.llm.tool_calls import arguments_of
from botctl.llm.tool_names import ToolNames


def write_messages(
    system: str, turns: tuple[Turn, ...], names: ToolNames, pictures: Pictures
) -> list[dict[str, Any]]:
    """The messages; each tool result by itself, right behind the call it answers."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    for turn in turns:
        if turn.role == "tool":
            messages.append({"role": "tool", "tool_call_id": turn.tool_call_id, "content": turn.text})
        elif turn.tool_calls:
            calls = [_call(call, names) for call in turn.tool_calls]
            messages.append({"role": "assistant", "content": turn.text or None, "tool_calls": calls})
        else:
            messages.append({"role": turn.role, "content": _content(turn, pictures)})
    return messages


def write_tools(offers: tuple[ToolOffer, ...], names: ToolNames) -> list[dict[str, Any]]:
    """The tools that may be called."""
    return [{"type": "function", "function": _function(offer, names)} for offer in offers]


def write_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The wish for a JSON answer. Not `strict`: that takes only a part of JSON Schema, and whoever asks for
    a schema checks the answer."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(schema)}}


def _content(turn: Turn, pictures: Pictures) -> str | list[dict[str, Any]]:
    shown = [_picture(picture) for picture in pictures.of(turn)]
    if not shown:  # plain text, for many servers know nothing else
        return turn.text
    return [{"type": "text", "text": turn.text}, *shown] if turn.text else shown


def _picture(picture: Picture) -> dict[str, Any]:
    url = f"data:{picture.media_type};base64,{picture.base64}"
    return {"type": "image_url", "image_url": {"url": url}}


def _call(call: ToolCall, names: ToolNames) -> dict[str, Any]:
    arguments = json.dumps(arguments_of(call), ensure_ascii=False)
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": names.safe(call.name), "arguments": arguments},
    }


def _function(offer: ToolOffer, names: ToolNames) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {}, **offer.parameters}
    return {"name": names.safe(offer.name), "description": offer.description, "parameters": parameters}
