"""Every code that can be told has a manual page, and the examples on the page are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from botctl.lint.bot_rules import BOT_RULES, PROJECT_RULES, WORKSPACE_RULES
from botctl.lint.check import check_paths
from botctl.lint.codes import page_of, pages
from botctl.lint.rules import RULES
from botctl.nodes import NODE_TYPES
from botctl.project.load import load_project_file
from botctl.source.rule import Rule

PACKAGE = Path(__file__).resolve().parents[2] / "botctl"
PAGES = pages()
BLOCK = re.compile(r"^(Bad|Good):\n\n```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILES = {
    **dict.fromkeys(("BT213", "BT214"), "bots/demo/workflow.yaml"),
    "BT217": "bots/demo/script.yaml",
    **dict.fromkeys(("BT1", "BT2", "CS", "SC1", "SC203", "SC301", "PF302", "PF303"), "bots/demo/bot.yaml"),
    **dict.fromkeys(("WS", "TL2", "SC103"), "workspaces/demo.yaml"),
    **dict.fromkeys(("PJ", "SC302", "SC303"), "botctl.yaml"),
}
"""What an example is a file of, by the beginning of its code, the longest that fits; else a workflow."""
TESTED_ELSEWHERE = {f"{family}{number}" for family in ("WS", "WF", "PJ") for number in range(101, 107)}
TESTED_ELSEWHERE -= {"WS106", "WF106"}
TESTED_ELSEWHERE |= {"WS207", "PJ207"}  # they share a page with BT
TESTED_ELSEWHERE |= {rule.code for node_type in NODE_TYPES for rule in node_type.rules}  # tests/nodes

SHOP = """\
name: shop
functions:
  find_orders:
    url: https://shop.example.com/orders
    read_only: true
    parameters: {properties: {email: {type: string}, limit: {type: integer}}, required: [email]}
  pay_back:
    url: https://shop.example.com/refunds
    parameters: {properties: {order_id: {type: string}, amount: {type: number}}, required: [order_id, amount]}
  refund:
    url: https://shop.example.com/refund-all
    destructive: true
  call_back:
    url: https://shop.example.com/calls
  delete_orders:
    url: https://shop.example.com/delete
tools: {deny: [functions__delete_*], ask: [functions__call_back]}
"""
CAREFUL = SHOP.replace("name: shop", "name: careful").replace("ask: [", "ask: [functions__refund, ")
CALLS = """\
nodes:
  - {id: start, type: trigger}
  - {id: find, type: mcp_tool, data: {toolName: functions__find_orders, arguments: {email: a@example.com}}}
edges: [start -> find]
"""
BOT = """\
name: demo
workspace: shop
workflow: workflow.yaml
llm: {provider: scripted, script: script.yaml}
identity: {resend: {api_key: "${RESEND_API_KEY:-}", sender: shop@example.com}}
platforms:
  console: {}
  whatsapp:
    phone_number_id: "1"
    access_token: "${WHATSAPP_ACCESS_TOKEN:-}"
    verify_token: "${WHATSAPP_VERIFY_TOKEN:-}"
    app_secret: "${WHATSAPP_APP_SECRET:-}"
  slack: {bot_token: "${SLACK_BOT_TOKEN:-}", app_token: "${SLACK_APP_TOKEN:-}"}
"""


def test_every_code_in_the_source_has_a_page() -> None:
    written = {
        code
        for path in PACKAGE.rglob("*.py")
        for code in re.findall(r'"((?:YM|BT|WS|WF|VR|TL|PF|PJ|SC|CS)\d{3})"', path.read_text())
    }

    assert written - set(PAGES) == set()


def test_every_rule_of_the_package_is_in_the_list() -> None:
    from importlib import import_module

    written = [
        value.code
        for path in (PACKAGE / "lint" / "rules").glob("[a-z]*.py")
        for value in vars(import_module(f"botctl.lint.rules.{path.stem}")).values()
        if isinstance(value, Rule)
    ]

    listed = (*RULES, *BOT_RULES, *WORKSPACE_RULES, *PROJECT_RULES)
    assert set(written) == {rule.code for rule in listed}


def test_a_page_is_found_by_its_code() -> None:
    page = page_of("WF203")

    assert page is not None
    assert page.startswith("WF203: A node that can never be reached.")
    assert page_of("WF999") is None


@pytest.mark.parametrize("code", [code for code in PAGES if code not in TESTED_ELSEWHERE])
def test_the_bad_example_gives_the_code_and_the_good_one_nothing(code: str, tmp_path: Path) -> None:
    for kind, text in BLOCK.findall(PAGES[code]):
        codes = codes_of(text, file_of(code), tmp_path / kind)
        assert codes == ({code} if kind == "Bad" else set()), kind


def file_of(code: str) -> str:
    """The file that the examples of a page are."""
    known = [code[:length] for length in (5, 3, 2) if code[:length] in FILES]
    return FILES[known[0]] if known else "bots/demo/workflow.yaml"


def codes_of(text: str, file: str, folder: Path) -> set[str]:
    """What is found in a file of a project that has whatever the good examples name."""
    files = {
        "botctl.yaml": "server: {host: 0.0.0.0}\n",
        "workspaces/shop.yaml": SHOP,
        "bots/demo/bot.yaml": BOT,
        "workspaces/careful.yaml": CAREFUL,
        "bots/another/bot.yaml": "name: other\n",
        "bots/first/bot.yaml": "name: first\ndelegate: [second]\n",
        "bots/second/bot.yaml": "name: second\ndelegate: [third]\n",
        "bots/third/bot.yaml": "name: third\ndelegate: [other]\n",
        "bots/demo/calls.yaml": CALLS,
        "bots/demo/workflow.yaml": "nodes:\n  - {id: start, type: trigger}\nedges: []\n",
        "bots/demo/script.yaml": "- reply: hello\n",
        "skills/returns/SKILL.md": "---\nname: returns\n---\n",
        file: _whole(text),
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return {found.code for found in check_paths([folder / file], load_project_file(folder)).diagnostics}


def _whole(text: str) -> str:
    """A workflow around an example that is only a node."""
    if not text.startswith("- id: "):
        return text
    node = "".join(f"  {line}\n" for line in text.rstrip().split("\n"))
    id = text.split("\n")[0].partition("id: ")[2]
    return f"nodes:\n  - {{id: start, type: trigger}}\n{node}edges:\n  - start -> {id}\n"
