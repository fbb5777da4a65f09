"""Tool names on the wire: every name as providers accept it, and back again."""

from __future__ import annotations

import re
from collections.abc import Iterable

from botctl.llm.chat import ChatRequest

# The set that Anthropic, OpenAI and Groq all accept; MCP allows more (PLATFORMS 7, 2026-11). Gemini wants a
# letter or an underscore at the start (google-genai 3.4, FunctionDeclaration.name).
_LEGAL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}\Z")
_NOT_LEGAL = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST = 64
_DIGITS = 8


class ToolNames:
    """The names of one request, mapped both ways. A legal name stays; no two names ever become the same.

    The same names in the same order map in the same way, so that a history stays consistent between calls.
    """

    def __init__(self, names: Iterable[str]) -> None:
        distinct = dict.fromkeys(names)
        self._safe = {name: name for name in distinct if _LEGAL.match(name)}
        self._real = dict(self._safe)
        for name in distinct:
            if name not in self._safe:
                safe = self._unused(name)
                self._safe[name], self._real[safe] = safe, name

    def safe(self, name: str) -> str:
        """The name as a provider accepts it."""
        return self._safe[name]

    def real(self, name: str) -> str:
        """The tool that a model meant; a name that was never offered stays as it is."""
        return self._real.get(name, name)

    def _unused(self, name: str) -> str:
        from hashlib import sha256

        start = _NOT_LEGAL.sub("_", name)[: _LONGEST - _DIGITS - 2]
        start = start if _LEGAL.match(start) else f"_{start}"
        salt = 0
        while True:
            digest = sha256(f"{salt}{name}".encode()).hexdigest()[:_DIGITS]
            safe = f"{start}_{digest}"
            if safe not in self._real:
                return safe
            salt += 1


def names_in(request: ChatRequest) -> ToolNames:
    """The names of all tools that a request offers or remembers."""
    offered = [tool.name for tool in request.tools]
    remembered = [call.name for turn in request.turns for call in turn.tool_calls]
    return ToolNames([*offered, *remembered])
