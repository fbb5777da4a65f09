"""A lock says what servers offered, the same way each time, and does not let itself be edited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from botctl.errors import UserError
from botctl.tools.changes import changes
from botctl.tools.lock import lock_text, read_lock
from botctl.tools.tool import Tool, ToolHints


def tool(name: str, **fields: Any) -> Tool:
    return Tool(name=name, **fields)


def schema(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


TEXT, NUMBER = {"type": "string"}, {"type": "number"}
GET = tool(
    "orders__get",
    description="Look an order up.\nBy its number – Größe.",
    input_schema=schema(("id",), id=TEXT),
    output_schema=schema(total=NUMBER),
    hints=ToolHints(read_only=True, open_world=False),
)
PAY = tool("orders__pay", hints=ToolHints(destructive=True))


def test_what_was_locked_is_read_as_it_was() -> None:
    servers = {"orders": {"orders__get": GET, "orders__pay": PAY}, "empty": {}}

    assert read_lock(json.loads(lock_text("shop", servers))) == servers


def test_the_same_tools_give_the_same_text_in_whatever_order_they_come() -> None:
    one = {"orders": {"orders__get": GET, "orders__pay": PAY}, "empty": {}}
    other = {"empty": {}, "orders": {"orders__pay": PAY, "orders__get": GET}}

    assert lock_text("shop", one) == lock_text("shop", other)


def test_secrets_are_taken_out_of_texts_and_names_are_left_alone() -> None:
    told = tool(
        "orders__get",
        description="Asks sesame.",
        input_schema=schema(sesame={"type": "string", "default": "sesame", "enum": ["sesame", "x"]}),
    )

    text = lock_text("shop", {"orders": {"orders__get": told}}, lambda text: text.replace("sesame", "***"))

    assert [line.strip() for line in text.splitlines() if "sesame" in line] == ['"sesame": {']
    assert read_lock(json.loads(text))["orders"]["orders__get"].description == "Asks ***."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lock: lock["servers"]["orders"].pop("orders__pay"), "changed by hand"),
        (lambda lock: lock.update(hash="sha256:0"), "changed by hand"),
        (lambda lock: lock["servers"]["orders"]["orders__get"]["annotations"].clear(), "changed by hand"),
        (lambda lock: lock.pop("servers"), "cannot be read"),
        (lambda lock: lock.update(servers=[]), "cannot be read"),
        (lambda lock: lock["servers"]["orders"]["orders__get"].update(inputSchema="x"), "cannot be read"),
    ],
)
def test_a_lock_that_was_edited_is_refused(change: Any, message: str) -> None:
    lock = json.loads(lock_text("shop", {"orders": {"orders__get": GET, "orders__pay": PAY}}))
    change(lock)

    with pytest.raises(UserError, match=message):
        read_lock(lock)


@pytest.mark.parametrize("value", [None, [], "x", 1, {}])
def test_what_is_no_lock_is_told_as_such(value: object) -> None:
    with pytest.raises(UserError, match="this lock cannot be read"):
        read_lock(value)


def told(locked: Tool | None, live: Tool | None) -> list[str]:
    def of(one: Tool | None) -> dict[str, dict[str, Tool]]:
        return {"orders": {one.name: one} if one is not None else {}}

    return [f"{change.kind}: {change.told}" for change in changes(of(locked), of(live))]


@pytest.mark.parametrize(
    ("locked", "live", "expected"),
    [
        (GET, GET, []),
        (None, GET, ["added: the tool is new"]),
        (GET, None, ["removed: the tool is gone"]),
        (
            GET,
            tool("orders__get", description=GET.description),
            [
                "input: argument `id` is gone",
                "output: has no output schema any more",
                "annotations: read-only was true and is not said",
                "annotations: open-world was false and is not said",
            ],
        ),
        (
            tool("t", input_schema=schema((), id=TEXT, n=NUMBER)),
            tool("t", input_schema=schema(("id", "unit"), id=TEXT, n={"type": "integer"}, unit=TEXT)),
            [
                "input: argument `id` is required now",
                "input: argument `n` was number and is integer",
                "input: argument `unit` is new and required",
            ],
        ),
        (
            tool("t", output_schema=schema(total=NUMBER)),
            tool("t", output_schema=schema(total={"anyOf": [{"type": "number"}, {"type": "null"}]})),
            ["output: field of the result `total` was number and is number or null"],
        ),
        (
            tool("t", input_schema=schema(unit={"enum": ["c", "f"]})),
            tool("t", input_schema={**schema(unit={"enum": ["c", "f"]}), "additionalProperties": False}),
            ["input: the schema of its arguments changed"],
        ),
        (
            tool("t", description="One."),
            tool("t", description="Two."),
            ["description: its description changed"],
        ),
    ],
)
def test_what_a_server_changed_is_told_in_words(
    locked: Tool | None, live: Tool | None, expected: list[str]
) -> None:
    assert told(locked, live) == expected


def test_servers_that_only_one_side_knows_are_told_as_a_whole() -> None:
    found = [(change.server, change.kind) for change in changes({"old": {"old__a": PAY}}, {"new": {}})]

    assert found == [("new", "added"), ("old", "removed")]


def test_the_locks_of_the_samples_can_be_read() -> None:
    locks = sorted((Path(__file__).resolve().parents[2] / "workspaces").glob("*.lock.json"))

    empty = [lock.name for lock in locks if not any(read_lock(json.loads(lock.read_text())).values())]

    assert (bool(locks), empty) == (True, [])
