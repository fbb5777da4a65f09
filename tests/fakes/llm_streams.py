"""Streams of model servers: an answer in pieces, as each wire sends it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

PIECE = 4
"""Letters that come at a time."""


def _pieces(text: str) -> Iterator[str]:
    yield from (text[start : start + PIECE] for start in range(0, len(text), PIECE))


def _sse(document: Mapping[str, Any], event: str = "") -> bytes:
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {json.dumps(document)}\n\n".encode()


def completion_events(document: Mapping[str, Any]) -> Iterator[bytes]:
    """A chat completion as OpenAI streams it."""
    choice = document["choices"][0]
    message = choice["message"]

    def chunk(delta: Mapping[str, Any], reason: str | None = None) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": reason}]
        common = {"id": document["id"], "object": "chat.completion.chunk", "created": 1}
        return _sse({**common, "model": document["model"], "choices": choices})

    yield chunk({"role": "assistant", "content": ""})
    for name in ("content", "refusal"):
        for piece in _pieces(message.get(name) or ""):
            yield chunk({name: piece})
    for index, call in enumerate(message.get("tool_calls", ())):
        function = call["function"]
        begun = {"index": index, "id": call["id"], "type": "function"}
        yield chunk({"tool_calls": [{**begun, "function": {"name": function["name"], "arguments": ""}}]})
        for piece in _pieces(function["arguments"]):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, choice["finish_reason"])
    usage = {"id": document["id"], "object": "chat.completion.chunk", "created": 1, "choices": []}
    yield _sse({**usage, "model": document["model"], "usage": document["usage"]})
    yield b"data: [DONE]\n\n"


def message_events(document: Mapping[str, Any]) -> Iterator[bytes]:
    """A message as Anthropic streams it."""
    begun = {**document, "content": [], "stop_reason": None}
    yield _sse({"type": "message_start", "message": begun}, "message_start")
    for index, block in enumerate(document["content"]):
        is_text = block["type"] == "text"
        empty = {**block, "text": ""} if is_text else {**block, "input": {}}
        start = {"type": "content_block_start", "index": index, "content_block": empty}
        yield _sse(start, "content_block_start")
        written = block["text"] if is_text else json.dumps(block["input"])
        for piece in _pieces(written):
            delta = (
                {"type": "text_delta", "text": piece}
                if is_text
                else {"type": "input_json_delta", "partial_json": piece}
            )
            yield _sse({"type": "content_block_delta", "index": index, "delta": delta}, "content_block_delta")
        yield _sse({"type": "content_block_stop", "index": index}, "content_block_stop")
    ended = {"stop_reason": document["stop_reason"], "stop_sequence": None}
    usage = {"output_tokens": document["usage"]["output_tokens"]}
    yield _sse({"type": "message_delta", "delta": ended, "usage": usage}, "message_delta")
    yield _sse({"type": "message_stop"}, "message_stop")


def gemini_events(document: Mapping[str, Any]) -> Iterator[bytes]:
    """A GenerateContentResponse as Gemini streams it: words in pieces, calls whole, the reason at the end."""
    candidate = document["candidates"][0]

    def chunk(parts: list[Any], more: Mapping[str, Any], rest: Mapping[str, Any]) -> bytes:
        content = {"content": {"role": "model", "parts": parts}} if parts else {}
        return _sse({"candidates": [{"index": 0, **content, **more}], **rest})

    for part in candidate.get("content", {}).get("parts", ()):
        if "text" in part:
            for piece in _pieces(part["text"]):
                yield chunk([{**part, "text": piece}], {}, {})
        else:
            yield chunk([part], {}, {})
    ends = {name: value for name, value in candidate.items() if name != "content"}
    yield chunk([], ends, {name: value for name, value in document.items() if name != "candidates"})
