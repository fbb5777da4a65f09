"""What one node does in the reference model: written from SPEC 4 alone, for the node types that it knows.

Nothing here is shared with botctl: a mistake made twice would need two people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PLACEHOLDER = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
COMPARISON = re.compile(r"^(.*?)\s*(==|!=|>=|<=|>|<)\s*(.*)$", re.DOTALL)
ASSIGNMENT = re.compile(r"^ctx\.variables\.(\w+) = (.*)$", re.DOTALL)
COUNTER = re.compile(r"^\(ctx\.variables\.(\w+) \|\| 0\) \+ 1$")
BOOM = "throw new Error('boom')"
MOST_ITERATIONS = 50
UNKNOWN = object()


@dataclass
class Rounds:
    """What a loop will do: the items it took at its start, or the condition it looks at before each
    iteration."""

    item_variable: str | None
    items: list[Any] | None
    condition: str | None
    most: int = MOST_ITERATIONS


@dataclass
class Outcome:
    """What came of one execution. `handle` None follows nothing."""

    handle: str | None = "next"
    writes: dict[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    failure: str | None = None
    ends_conversation: bool = False
    rounds: Rounds | None = None


def lookup(path: str, variables: Mapping[str, Any]) -> Any:
    """The value at a dotted path, or UNKNOWN. "dots walk objects, numbers index arrays, `.length`"."""
    value: Any = variables
    for step in path.split("."):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, list | str) and step == "length":
            value = len(value)
        else:
            return UNKNOWN
    return value


def as_text(value: Any) -> str:
    """ "Text as is; numbers in shortest form; true/false; null is empty; objects and arrays as compact
    JSON." """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def render(template: str, variables: Mapping[str, Any]) -> str:
    """One pass; "an unknown name stays as written"."""

    def put(found: re.Match[str]) -> str:
        value = lookup(found[1], variables)
        return found[0] if value is UNKNOWN else as_text(value)

    return PLACEHOLDER.sub(put, template)


def operand(text: str, variables: Mapping[str, Any]) -> Any:
    """ "Bare words and quoted text on either side"; "an unknown placeholder is null"."""
    whole = PLACEHOLDER.fullmatch(text.strip())
    if whole:
        value = lookup(whole[1], variables)
        return None if value is UNKNOWN else value
    text = text.strip()
    quoted = len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else text


def number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(as_text(value))
    except ValueError:
        return None


def holds(condition: str, variables: Mapping[str, Any]) -> bool:
    """A simple condition: one comparison, or truthiness of a lone operand."""
    parts = COMPARISON.match(condition)
    if parts is None:
        return operand(condition, variables) not in ("", "false", "0", 0, None, False, [], {})
    left, right = operand(parts[1], variables), operand(parts[3], variables)
    one: Any = number(left)
    other: Any = number(right)
    if one is None or other is None:
        one, other = as_text(left).strip(), as_text(right).strip()
    answers: dict[str, bool] = {"==": one == other, "!=": one != other, ">": one > other, "<": one < other}
    answers |= {">=": one >= other, "<=": one <= other}
    return answers[parts[2]]


def switch_handle(data: Mapping[str, Any], variables: Mapping[str, Any]) -> str:
    """ "trimmed, case-insensitive only if no exact case matches", else `case_default`."""
    value = lookup(data["variable"], variables)
    text = "" if value is UNKNOWN else as_text(value).strip()
    for case in data["cases"]:
        if case.strip() == text:
            return f"case_{case}"
    for case in data["cases"]:
        if case.strip().lower() == text.lower():
            return f"case_{case}"
    return "case_default"


def assigned(data: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
    """The value of set_variable: "keeps the type when the value is one placeholder"."""
    value = data["value"]
    if not isinstance(value, str):
        return value
    whole = PLACEHOLDER.fullmatch(value.strip())
    if whole:
        known = lookup(whole[1], variables)
        return value if known is UNKNOWN else known
    return render(value, variables)


def code_outcome(code: str, variables: Mapping[str, Any]) -> Outcome:
    """`throw`, a counter, or a JSON literal into a variable; nothing else is known here."""
    if code == BOOM:
        return Outcome(failure="boom")
    found = ASSIGNMENT.match(code.rstrip("; \n"))
    if found is None:
        raise ValueError(f"the reference model does not know this code: {code}")
    counter = COUNTER.match(found[2])
    if counter is None:
        return Outcome(writes={found[1]: json.loads(found[2])})
    before = variables.get(counter[1]) or 0
    if not isinstance(before, int | float):
        raise ValueError(f"the reference model counts numbers only, {counter[1]} is {before!r}")
    return Outcome(writes={found[1]: before + 1})


def loop_outcome(data: Mapping[str, Any], variables: Mapping[str, Any]) -> Outcome:
    """ "`for_each` takes its list once, at the start"; "`count` numbers from 0"; over a non-array: an
    error."""
    kind = data.get("loopType") or data.get("logicType")
    most = min(int(data.get("maxIterations", MOST_ITERATIONS)), MOST_ITERATIONS)
    if kind == "while":
        return Outcome(handle=None, rounds=Rounds(data.get("itemVariable"), None, data["condition"], most))
    if kind == "count":
        numbers: list[Any] = list(range(int(data["iterations"])))
        return Outcome(handle=None, rounds=Rounds(data.get("itemVariable", "index"), numbers, None, most))
    items = lookup(data["arrayVariable"], variables)
    if not isinstance(items, list):
        return Outcome(failure="not an array")
    return Outcome(handle=None, rounds=Rounds(data.get("itemVariable", "item"), list(items), None, most))


def is_loop(node: Mapping[str, Any]) -> bool:
    """ "`logic` with `while` is this loop, with the same handles." """
    turns = node["type"] == "logic" and node["data"].get("logicType") == "while"
    return bool(node["type"] == "loop" or turns)


def execute(node: Mapping[str, Any], caught: bool, variables: Mapping[str, Any]) -> Outcome:
    """One execution; `caught` is whether a handler was entered with an error."""
    kind, data = node["type"], node.get("data") or {}
    if is_loop(node):
        return loop_outcome(data, variables)
    if kind in ("trigger", "parallel"):
        return Outcome()
    if kind == "send_message":
        return Outcome(said=[render(data["message"], variables)])
    if kind == "logic" and data["logicType"] == "if_else":
        return Outcome(handle="true" if holds(data["condition"], variables) else "false")
    if kind == "logic" and data["logicType"] == "switch":
        return Outcome(handle=switch_handle(data, variables))
    if kind == "action" and data["actionType"] == "set_variable":
        return Outcome(writes={data["variable"]: assigned(data, variables)})
    if kind == "action" and data["actionType"] == "end_conversation":
        return Outcome(handle=None, ends_conversation=True)
    if kind == "code_block":
        return code_outcome(data["code"], variables)
    if kind == "error_handler":
        # "A handler entered without an error says nothing and follows nothing."
        said = [render(data["fallback_message"], variables)] if data.get("fallback_message") else []
        return Outcome(said=said) if caught else Outcome(handle=None)
    raise ValueError(f"the reference model does not know {kind} {data}")
