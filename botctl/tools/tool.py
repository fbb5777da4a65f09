"""A tool: something a bot may call, wherever it comes from, and what calling it gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

FUNCTIONS = "functions"
"""The server part of a function's tool name."""


class ToolHints(Struct, frozen=True, kw_only=True):
    """The MCP annotations of a tool; None where the server did not say. They are claims, not proofs."""

    read_only: bool | None = None
    destructive: bool | None = None
    idempotent: bool | None = None
    open_world: bool | None = None

    @property
    def may_be_repeated(self) -> bool:
        """Whether a call whose outcome is unknown may be made again (SPEC 9)."""
        return bool(self.read_only or self.idempotent)


class Tool(Struct, frozen=True, kw_only=True):
    """A callable of a workspace under its full name, `server__tool`. Schemas are JSON Schema objects."""

    name: str
    description: str = ""
    input_schema: Mapping[str, Any] = field(default_factory=dict)
    output_schema: Mapping[str, Any] | None = None
    hints: ToolHints = field(default_factory=ToolHints)


class ToolResult(Struct, frozen=True, kw_only=True):
    """What a tool gave: `value` is its structured content, or its text, parsed when that is JSON.

    is_error: the tool itself said that it failed; `text` then holds its words.
    """

    value: Any
    text: str = ""
    is_error: bool = False
