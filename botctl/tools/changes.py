"""The changes: what became of a server's tools since they were locked, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

from botctl.tools.lock import Catalogued
from botctl.tools.tool import Tool

_HINTS = ("read_only", "destructive", "idempotent", "open_world")


class Change(Struct, frozen=True, kw_only=True):
    """One thing that is different. tool is "" where it is about a server as a whole."""

    server: str
    tool: str = ""
    kind: Literal["added", "removed", "input", "output", "annotations", "description"]
    told: str


def changes(locked: Catalogued, live: Catalogued) -> Iterator[Change]:
    """What is different now, by server and tool. Servers that only one side knows are told as a whole."""
    for server in sorted({*locked, *live}):
        if server not in live:
            yield Change(server=server, kind="removed", told="the server is not in the workspace any more")
        elif server not in locked:
            yield Change(server=server, kind="added", told="the server is not in the lock yet")
        else:
            yield from _of_tools(server, locked[server], live[server])


def _of_tools(server: str, locked: Mapping[str, Tool], live: Mapping[str, Tool]) -> Iterator[Change]:
    for name in sorted({*locked, *live}):
        if name not in live:
            yield Change(server=server, tool=name, kind="removed", told="the tool is gone")
        elif name not in locked:
            yield Change(server=server, tool=name, kind="added", told="the tool is new")
        else:
            yield from _of_tool(server, locked[name], live[name])


def _of_tool(server: str, locked: Tool, live: Tool) -> Iterator[Change]:
    for told in _of_schema(locked.input_schema, live.input_schema, "argument"):
        yield Change(server=server, tool=live.name, kind="input", told=told)
    if (locked.output_schema is None) != (live.output_schema is None):
        told = "has no output schema any more" if live.output_schema is None else "has an output schema now"
        yield Change(server=server, tool=live.name, kind="output", told=told)
    elif locked.output_schema is not None and live.output_schema is not None:
        for told in _of_schema(locked.output_schema, live.output_schema, "field of the result"):
            yield Change(server=server, tool=live.name, kind="output", told=told)
    for hint in _HINTS:
        before, now = getattr(locked.hints, hint), getattr(live.hints, hint)
        if before != now:
            told = f"{hint.replace('_', '-')} was {_claim(before)} and is {_claim(now)}"
            yield Change(server=server, tool=live.name, kind="annotations", told=told)
    if locked.description != live.description:
        yield Change(server=server, tool=live.name, kind="description", told="its description changed")


def _of_schema(locked: Mapping[str, Any], live: Mapping[str, Any], what: str) -> Iterator[str]:
    """What is different in two JSON Schemas, as far as it is about their fields; else that something is."""
    before, now = _properties(locked), _properties(live)
    needed_before, needed_now = _required(locked), _required(live)
    told = False
    for name in sorted({*before, *now}):
        if name not in now:
            yield f"{what} `{name}` is gone"
        elif name not in before:
            yield f"{what} `{name}` is new{' and required' if name in needed_now else ''}"
        elif before[name] != now[name]:
            yield f"{what} `{name}` was {kind_of_schema(before[name])} and is {kind_of_schema(now[name])}"
        elif (name in needed_before) != (name in needed_now):
            yield f"{what} `{name}` is {'required now' if name in needed_now else 'not required any more'}"
        else:
            continue
        told = True
    if not told and locked != live:
        yield (
            "the schema of its arguments changed"
            if what == "argument"
            else "the schema of its result changed"
        )


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def _required(schema: Mapping[str, Any]) -> list[Any]:
    found = schema.get("required")
    return found if isinstance(found, list) else []


def kind_of_schema(schema: Any) -> str:
    """What a schema takes, in a word or two where that is possible."""
    if not isinstance(schema, dict):
        return "anything"
    if isinstance(schema.get("enum"), list):
        return "one of " + ", ".join(str(word) for word in schema["enum"])
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(str(one) for one in kind)
    branches = schema.get("anyOf") or schema.get("oneOf")
    if kind is None and isinstance(branches, list):
        return " or ".join(dict.fromkeys(kind_of_schema(branch) for branch in branches))
    return str(kind) if kind is not None else "anything"


def _claim(said: bool | None) -> str:
    return "not said" if said is None else str(said).lower()
