"""A growing completion: the pieces of a streamed chat completion, put together as if it had come at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class GrowingCompletion:
    """What came so far. text: of the answer; is_whole: whether the server said that it is all."""

    def __init__(self) -> None:
        self.text = ""
        self.is_whole = False
        self._model = ""
        self._refusal = ""
        self._reason: object = None
        self._usage: object = None
        self._calls: dict[int, dict[str, Any]] = {}

    def add(self, chunk: Mapping[str, Any]) -> bool:
        """Add a piece; whether the text has grown by it."""
        self._model = str(chunk.get("model") or self._model)
        self._usage = chunk.get("usage") or self._usage
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            return False
        if choice.get("finish_reason"):
            self._reason, self.is_whole = choice["finish_reason"], True
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            return False
        self._refusal += _text(delta.get("refusal"))
        for call in delta.get("tool_calls") or ():
            if isinstance(call, dict):
                self._add_call(call)
        more = _text(delta.get("content"))
        self.text += more
        return bool(more)

    def document(self) -> dict[str, Any]:
        """The completion."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self._refusal:
            message["refusal"] = self._refusal
        if self._calls:
            message["tool_calls"] = [self._calls[index] for index in sorted(self._calls)]
        choice = {"index": 0, "message": message, "finish_reason": self._reason}
        return {"model": self._model, "choices": [choice], "usage": self._usage}

    def _add_call(self, piece: Mapping[str, Any]) -> None:
        """Pieces of one call have the same index; servers that send calls whole may leave it out."""
        index = piece.get("index")
        number = index if isinstance(index, int) else len(self._calls)
        call = self._calls.setdefault(number, {"id": "", "function": {"name": "", "arguments": ""}})
        call["id"] = call["id"] or piece.get("id") or ""
        function = piece.get("function")
        if isinstance(function, dict):
            call["function"]["name"] += _text(function.get("name"))
            call["function"]["arguments"] += _text(function.get("arguments"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
