"""Edits: what a reviewer sets with a decision, checked before it is decided."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from botctl.agent.memory import calls_of, tool_of
from botctl.errors import UserError
from botctl.spec.fields import close_word
from botctl.store import runs, steps
from botctl.store.handoffs import HandoffRow
from botctl.tools.arguments import check_arguments
from botctl.tools.tool import Tool


class _Asked(Struct, frozen=True):
    """The call that a handoff is about, as the model wants to make it."""

    tool: Tool
    arguments: Mapping[str, Any]


def edited(
    connection: sqlite3.Connection, handoff: HandoffRow, status: str, sets: Mapping[str, Any]
) -> Mapping[str, Any]:
    """What a decision sets, as the run takes it. Of an agent's call these are its arguments: all of them as
    `arguments`, or single ones by name. UserError when the call could not be made so, and when a workflow
    has no use for a variable whose name is close to one that it has."""
    run = runs.look_up(connection, handoff.run) if sets else None
    if run is None:
        return sets
    if run.kind != "agent":
        _refuse_slips(connection, handoff, run.definition, sets)
        return sets
    asked = _asked(connection, handoff) if status == "approved" else None
    if asked is None:
        return sets
    known = {**(asked.tool.input_schema.get("properties") or {}), **asked.arguments}
    example = "--set arguments='" + json.dumps(dict(asked.arguments), ensure_ascii=False) + "'"
    if set(sets) == {"arguments"} and "arguments" not in known:
        arguments = sets["arguments"]
        if not isinstance(arguments, dict):
            raise UserError("`arguments` is not a JSON object", help=f"write it as `{example}`")
    else:
        for name in sets:
            if name not in known:
                raise UserError(
                    f"`{name}` is no argument of `{asked.tool.name}`",
                    help="it takes " + (", ".join(f"`{one}`" for one in known) or "none"),
                )
        arguments = {**asked.arguments, **sets}
    problem = check_arguments(asked.tool, arguments)
    if problem:
        raise UserError(
            f"`{asked.tool.name}` cannot be called so: {problem}", help="nothing is decided yet; try again"
        )
    return {"arguments": arguments}


def _asked(connection: sqlite3.Connection, handoff: HandoffRow) -> _Asked | None:
    """None of a run that is over."""
    remembered = {
        row.key: json.loads(row.result)
        for row in steps.remembered(connection, handoff.run)
        if row.node == handoff.node and row.result is not None
    }
    place = next((key for key, value in remembered.items() if value == handoff.id), "")
    number, _, index = place.removeprefix("ask ").partition(".")
    reply, offered = remembered.get(f"model {number}"), remembered.get("tools")
    if not place.startswith("ask ") or reply is None or offered is None:
        return None
    call = calls_of(reply)[int(index)]
    tool = next((one for one in offered if one["name"] == call.name), None)
    return _Asked(tool_of(tool), call.arguments or {}) if tool is not None else None


def _refuse_slips(
    connection: sqlite3.Connection, handoff: HandoffRow, definition: str, sets: Mapping[str, Any]
) -> None:
    """A new variable is welcome if the workflow names it anywhere; what it never names changes nothing, and
    was most likely mistyped if it looks like a variable that was shown."""
    for name in sets:
        close = None if name in handoff.variables else close_word(name, handoff.variables)
        if close is None:
            continue
        _, text = runs.definition(connection, definition)
        if not re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", text):
            raise UserError(
                f"`{name}` is no variable of this workflow",
                help=f"did you mean `{close}`?",
            )
