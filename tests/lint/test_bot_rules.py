"""Rules about bots, workspaces and botctl.yaml say nothing where things may be as they are meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from botctl.lint.check import check_paths
from botctl.project.load import load_project_file

FLOW = "nodes:\n  - {id: start, type: trigger}\n  - {id: NODE}\nedges: [start -> it]\n"
WORKSPACE = """
name: shop
servers: {orders: {command: python, args: [-m, shop]}}
functions:
  refund: {url: "https://shop.example.com/refund", destructive: true}
  erase: {url: "https://shop.example.com/erase", destructive: true}
  look: {url: "https://shop.example.com/look", read_only: true, destructive: true}
  pay: {url: "https://shop.example.com/pay"}
tools: {ask: [functions__refund, functions__pay], deny: [functions__erase]}
"""
AGENT = "name: bot\nllm: {provider: scripted}\n"
FLOWING = "name: bot\nworkflow: flow.yaml\nworkspace: shop\n"
TELEGRAM = 'platforms: {telegram: {token: "${T}"}}\n'


def codes(
    folder: Path, bot: str, *, node: str = "", workspace: str = WORKSPACE, botctl: str = ""
) -> list[str]:
    """The codes of what is found in a project with one bot."""
    node = node or "it, type: send_message, data: {message: hello}"
    for name, text in {
        "bots/bot/bot.yaml": bot,
        "bots/bot/flow.yaml": FLOW.replace("NODE", node),
        "workspaces/shop.yaml": workspace,
        "botctl.yaml": botctl or "state: .botctl\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return [found.code for found in check_paths([], load_project_file(folder)).diagnostics]


@pytest.mark.parametrize(
    "bot",
    [
        AGENT,
        AGENT + "workspace: shop\n",
        AGENT + TELEGRAM,
        "name: bot\nllm: {provider: openai}\n",
        "name: bot\nllm: {provider: openai}\nbilling: {mode: wallet}\n" + TELEGRAM,
        "name: bot\nllm: {provider: openai}\nbilling: {per_month_cents: 0}\n" + TELEGRAM,
        'name: bot\nllm: {provider: openai}\nallow: {users: ["1"]}\n' + TELEGRAM,
        "name: bot\nllm: {provider: openai, price: {input: 0, output: 0}}\n" + TELEGRAM,
        'name: bot\nllm: {provider: openai, base_url: "http://127.0.0.1:1"}\n' + TELEGRAM,
        'name: bot\nllm: {provider: custom, base_url: "https://llm.example.com"}\n' + TELEGRAM,
        "name: bot\nllm: {provider: openai}\nworkflow: flow.yaml\n" + TELEGRAM,
        'name: bot\nllm: {provider: openai, model: "${M}"}\nbilling: {per_run_cents: 1}\n',
        "name: bot\nllm: {provider: scripted}\nbilling: {per_run_cents: 1}\n",
        "name: bot\nllm: {provider: cloudflare}\n",
        "name: bot\nllm: {provider: cloudflare}\nworkspace: shop\nworkflow: flow.yaml\n",
        AGENT + 'platforms: {custom: {secret: "${S:-}"}}\n',
        AGENT + "platforms: {custom: {}}\n",
        AGENT
        + 'platforms: {custom: {}, slack: {bot_token: "${B}", app_token: "${A}", signing_secret: "${S}"}}\n',
        AGENT + 'handoff: {notify: [{email: "${MAIL:-}"}]}\n',
    ],
)
def test_a_bot_that_may_be_meant_so_is_left_alone(bot: str, tmp_path: Path) -> None:
    assert codes(tmp_path, bot) == []


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ("it, type: mcp_tool, data: {toolName: functions__refund}", ["SC201"]),
        ("it, type: mcp_tool, data: {toolName: functions__pay}", ["SC202"]),
        ("it, type: mcp_tool, data: {toolName: functions__look}", []),
        ("it, type: mcp_tool, data: {toolName: functions__erase}", ["TL105"]),
        ("it, type: mcp_tool, data: {toolName: orders__whatever, arguments: {a: 1}}", []),
        ("it, type: mcp_tool, data: {toolName: orders}", ["TL102"]),
        ("it, type: mcp_tool, data: {toolName: order__whatever}", ["TL102"]),
    ],
)
def test_each_call_of_a_tool_has_one_finding_at_most(node: str, expected: list[str], tmp_path: Path) -> None:
    assert codes(tmp_path, FLOWING, node=node) == expected


def test_a_bot_that_says_who_may_talk_to_it_may_call_destructive_tools(tmp_path: Path) -> None:
    node = "it, type: mcp_tool, data: {toolName: functions__refund}"

    assert codes(tmp_path, FLOWING + "allow: {users: [ada]}\n", node=node) == []


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ("{}", []),
        ('{allow: ["*"]}', []),
        ('{deny: ["functions__drop_*", "*_secret"]}', []),
        ('{ask: ["orders__*", "orders__refund"]}', []),
        ('{ask: ["ord*", "o?ders__x"]}', []),
        ('{ask: ["${PATTERN}"]}', []),
        ('{ask: ["functions__re*"]}', []),
        ('{ask: ["functions__drop_*"]}', ["TL201"]),
        ("{deny: [functions__drop]}", ["TL201"]),
        ("{ask: [refund]}", ["TL201"]),
        ('{deny: ["skills__*"]}', ["TL201"]),
        ('{deny: ["shipping__*"]}', ["TL201"]),
    ],
)
def test_a_pattern_is_told_only_if_it_surely_fits_nothing(
    tools: str, expected: list[str], tmp_path: Path
) -> None:
    workspace = WORKSPACE[: WORKSPACE.index("tools:")] + f"tools: {tools}\n"

    assert codes(tmp_path, AGENT, workspace=workspace) == expected


@pytest.mark.parametrize(
    ("botctl", "expected"),
    [
        ("server: {host: 0.0.0.0}\n", ["SC301"]),
        ('server: {host: "::"}\n', ["SC301"]),
        ('server: {host: "${HOST:-127.0.0.1}"}\n', []),
        ("server: {host: localhost}\n", []),
        ('server: {host: "::1"}\n', []),
        ('dashboard: {enabled: true, tokens: {ada: "${A}"}}\n', []),
        ("dashboard: {enabled: true}\n", []),
        ("server: {public_url: 'https://b.example.com'}\ndashboard: {enabled: true}\n", ["SC302"]),
        ("dashboard: {enabled: false}\n", []),
        ('notify: [{email: a@example.com}, {telegram: "1"}]\n', []),
    ],
)
def test_what_strangers_can_reach_depends_on_where_the_server_listens(
    botctl: str, expected: list[str], tmp_path: Path
) -> None:
    assert codes(tmp_path, AGENT + "platforms: {custom: {}}\n", botctl=botctl) == expected


@pytest.mark.parametrize(
    ("bot", "comment", "expected"),
    [
        ("name: bot # ", "botctl: ignore[BT211] because its workflow comes with the next release", []),
        ("name: bot # ", "botctl: ignore[BT212] because I say so", ["BT211", "YM202"]),
    ],
)
def test_findings_in_a_bot_yaml_can_be_ignored_with_a_reason(
    bot: str, comment: str, expected: list[str], tmp_path: Path
) -> None:
    assert sorted(codes(tmp_path, f"{bot}{comment}\n")) == expected


def test_a_bot_outside_of_a_project_is_checked_too(tmp_path: Path) -> None:
    (tmp_path / "bot.yaml").write_text(AGENT + "delegate: []\n")

    found = check_paths([tmp_path / "bot.yaml"], load_project_file(tmp_path)).diagnostics

    assert found == []
