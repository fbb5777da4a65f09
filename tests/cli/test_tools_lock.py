"""`botctl tools lock` writes what real servers offer, and `diff` tells what they changed since."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from botctl.cli.start import run
from botctl.lint.check import check_paths
from botctl.project.load import load_project_file

SERVER = """
from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations

server = MCPServer("orders", log_level="ERROR")

@server.tool(annotations=ToolAnnotations(read_only_hint=True))
async def get_order(order_id: str) -> str:
    "Look an order up with {key}."
    return order_id

@server.tool(annotations=ToolAnnotations(destructive_hint=True))
async def delete_order(order_id: str) -> str:
    "Delete an order."
    return order_id

server.run("stdio")
"""
WORKSPACE = """
name: shop
servers:
  orders: {command: python, args: [server.py], env: {ORDERS_KEY: "${ORDERS_KEY}"}}
functions:
  refund: {url: "https://shop.example.com/refund"}
tools: {deny: ["orders__delete_*"]}
"""
FLOW = """
nodes:
  - {id: start, type: trigger}
  - {id: find, type: mcp_tool, data: {toolName: orders__get_ordr}}
  - {id: pay, type: mcp_tool, data: {toolName: functions__refnd}}
edges: [start -> find, find -> pay]
"""
KEY = "very-secret-key"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one server in it."""
    for name, text in {
        "server.py": SERVER.replace("{key}", KEY),
        "workspaces/shop.yaml": WORKSPACE,
        "bots/clerk/bot.yaml": "name: clerk\nworkspace: shop\nworkflow: workflow.yaml\n",
        "bots/clerk/workflow.yaml": FLOW,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORDERS_KEY", KEY)
    return tmp_path


def found_in(project: Path) -> list[str]:
    """What is told of the bot: (code, message)."""
    checked = check_paths([Path("bots/clerk")], load_project_file(project))
    return [f"{one.code} {one.message}" for one in checked.diagnostics]


def test_a_lock_holds_every_tool_of_the_servers_and_no_secret(project: Path) -> None:
    assert run(["tools", "lock"]) == 0

    text = (project / "workspaces/shop.lock.json").read_text()
    assert list(json.loads(text)["servers"]["orders"]) == ["orders__delete_order", "orders__get_order"]
    assert KEY not in text


def test_the_linter_knows_a_servers_tools_once_they_are_locked_and_functions_always(project: Path) -> None:
    before = found_in(project)

    run(["tools", "lock", "shop"])

    function = "TL102 the workspace has no tool `functions__refnd`"
    assert before == [function]
    assert found_in(project) == ["TL102 the workspace has no tool `orders__get_ordr`", function]


def test_of_a_server_that_is_new_or_gone_since_nothing_is_told(project: Path) -> None:
    run(["tools", "lock"])
    file = project / "workspaces/shop.yaml"

    file.write_text(WORKSPACE.replace("  orders: {", "  other: {").replace("orders__", "other__"))
    (project / "bots/clerk/workflow.yaml").write_text(
        FLOW.replace("orders__get_ordr", "other__anything").replace("functions__refnd", "functions__refund")
    )

    assert found_in(project) == []


def test_check_writes_nothing_and_tells_whether_a_lock_is_up_to_date(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = run(["tools", "lock", "--check"]), (project / "workspaces/shop.lock.json").exists()
    run(["tools", "lock"])
    fresh = run(["tools", "lock", "--check"])
    (project / "server.py").write_text(SERVER.replace("Delete an", "Forget an"))
    stale = run(["tools", "lock", "--check"])

    assert (missing, fresh, stale) == ((1, False), 0, 1)
    assert capsys.readouterr().out.splitlines() == [
        "workspaces/shop.lock.json: not written yet",
        "workspaces/shop.lock.json: written, 2 tools of 1 server",
        "workspaces/shop.lock.json: up to date",
        "workspaces/shop.lock.json: not up to date",
    ]


def test_diff_tells_what_a_server_changed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["tools", "lock"])
    same = run(["tools", "diff"])
    changed = SERVER.replace("{key}", KEY).replace("destructive_hint=True", "destructive_hint=False")
    changed = changed.replace("get_order(order_id: str)", "get_order(order_id: int, unit: str)")
    (project / "server.py").write_text(changed)
    capsys.readouterr()

    different = run(["tools", "diff", "shop"])

    assert (same, different) == (0, 1)
    assert capsys.readouterr().out.splitlines() == [
        "shop: orders__delete_order: destructive was true and is false",
        "shop: orders__get_order: argument `order_id` was string and is integer",
        "shop: orders__get_order: argument `unit` is new and required",
    ]
    run(["tools", "diff", "--json"])
    assert json.loads(capsys.readouterr().out)[0] == {
        "workspace": "shop",
        "server": "orders",
        "tool": "orders__delete_order",
        "kind": "annotations",
        "told": "destructive was true and is false",
    }


def test_a_server_that_is_down_leaves_the_lock_as_it_is(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["tools", "lock"])
    lock = project / "workspaces/shop.lock.json"
    before = lock.read_text()
    (project / "server.py").write_text("raise SystemExit(1)")
    capsys.readouterr()

    codes = run(["tools", "lock"]), run(["tools", "diff"])

    told = capsys.readouterr()
    assert (codes, lock.read_text(), told.out) == ((1, 1), before, "")
    assert told.err.count("error: shop: orders: ") == 2


def test_a_lock_that_was_never_written_or_edited_is_told(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    never = run(["tools", "diff"])
    run(["tools", "lock"])
    lock = project / "workspaces/shop.lock.json"
    lock.write_text(lock.read_text().replace("Delete an order.", "Harmless."))

    edited = run(["tools", "diff"])

    told = capsys.readouterr().err
    assert (never, edited) == (1, 1)
    assert "the tools of workspace `shop` were never locked" in told
    assert "this lock was changed by hand" in told
    assert [one.split()[0] for one in found_in(project)] == ["TL102", "TL301"]
