"""The lock: what the MCP servers of a workspace offered when somebody looked, as a file that is committed.

With it the linter knows tools and their schemas without starting a server, and `botctl tools diff` can tell
what a server has changed since. Functions and skills need none: the workspace file says all there is to them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct, field

from botctl.errors import UserError
from botctl.tools.tool import Tool, ToolHints

LOCK_SUFFIX = ".lock.json"

_HINTS = {
    "readOnlyHint": "read_only",
    "destructiveHint": "destructive",
    "idempotentHint": "idempotent",
    "openWorldHint": "open_world",
}

Catalogued = Mapping[str, Mapping[str, Tool]]
"""For each server, by name, its tools by full name."""


class _LockedTool(Struct, kw_only=True, forbid_unknown_fields=True):
    description: str
    inputSchema: dict[str, Any]
    outputSchema: dict[str, Any] | None = None
    annotations: dict[str, bool] = field(default_factory=dict)


class _LockFile(Struct, kw_only=True, forbid_unknown_fields=True):
    workspace: str
    hash: str
    servers: dict[str, dict[str, _LockedTool]]


def lock_text(workspace: str, servers: Catalogued, mask: Callable[[str], str] = str) -> str:
    """The lock file of a workspace: the same for the same tools, in whatever order they were listed.

    mask: takes secrets out of texts; names are left alone.
    """
    written = {
        server: {name: _masked(_written(tool), mask) for name, tool in tools.items()}
        for server, tools in servers.items()
    }
    content = {"workspace": workspace, "hash": _hash(written), "servers": written}
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read_lock(value: object) -> dict[str, dict[str, Tool]]:
    """What the value of a lock file says. A UserError if it is none, or if it was changed by hand."""
    try:
        lock = msgspec.convert(value, _LockFile)
    except msgspec.ValidationError as error:
        raise UserError(f"this lock cannot be read: {str(error).lower()}", help=_AGAIN) from None
    assert isinstance(value, dict)
    if _hash(value["servers"]) != lock.hash:
        raise UserError("this lock was changed by hand: its hash does not fit", help=_AGAIN)
    return {
        server: {name: _read(name, tool) for name, tool in tools.items()}
        for server, tools in lock.servers.items()
    }


_AGAIN = "`botctl tools lock` writes it anew"


def _hash(servers: Any) -> str:
    text = json.dumps(servers, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def _written(tool: Tool) -> dict[str, Any]:
    hints = {written: getattr(tool.hints, name) for written, name in _HINTS.items()}
    return {
        "description": tool.description,
        "inputSchema": dict(tool.input_schema),
        "outputSchema": dict(tool.output_schema) if tool.output_schema is not None else None,
        "annotations": {written: said for written, said in hints.items() if said is not None},
    }


def _read(name: str, tool: _LockedTool) -> Tool:
    return Tool(
        name=name,
        description=tool.description,
        input_schema=tool.inputSchema,
        output_schema=tool.outputSchema,
        hints=ToolHints(
            **{_HINTS[said]: claim for said, claim in tool.annotations.items() if said in _HINTS}
        ),
    )


def _masked(value: Any, mask: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {name: _masked(entry, mask) for name, entry in value.items()}
    if isinstance(value, list):
        return [_masked(entry, mask) for entry in value]
    return value
