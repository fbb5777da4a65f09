"""What follows from a mistake that is told already is not told again, and what does not follow from it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from botctl.lint.check import check_paths
from botctl.project.load import load_project_file
from botctl.source.diagnostic import Diagnostic

SHOP = """\
name: shop
functions:
  refund: {url: "https://shop.example.com/refund", destructive: true}
"""
BOT = """\
name: demo
workspace: shop
workflow: workflow.yaml
llm: {provider: scripted}
identity: {resend: {api_key: "${RESEND_API_KEY:-}", sender: shop@example.com}}
platforms: {console: {}, telegram: {token: "${TELEGRAM_BOT_TOKEN:-}"}}
"""
NODES = {
    "start": "{type: trigger}",
    "ask": "{type: logic, data: {logicType: if_else, condition: '{{message}} contains refund'}}",
    "verify": "{type: auth_gate, data: {provider: resend, contact_type: email, outputVariable: email}}",
    "note": "{type: action, data: {actionType: set_variable, variable: plan, value: gold}}",
    "refund": "{type: mcp_tool, data: {toolName: functions__refund}}",
    "tell": "{type: send_message, data: {message: 'Done, {{email}}.'}}",
    "hello": "{type: send_message, data: {message: Hello!}}",
    "sorry": "{type: send_message, data: {message: Sorry!}}",
}
GOOD = [
    "start -> ask",
    "ask.true -> verify",
    "ask.false -> hello",
    "verify.verified -> refund",
    "verify.failed -> sorry",
    "refund -> tell",
]


def found(folder: Path, nodes: dict[str, str], edges: list[str], bot: str = BOT) -> list[Diagnostic]:
    """What is found in a project with this workflow; nodes that no edge names are left out."""
    named = " ".join(edges)
    written = [f"  - {{id: {id}, {node[1:]}" for id, node in nodes.items() if id in named]
    texts = {
        "botctl.yaml": "",
        "workspaces/shop.yaml": SHOP,
        "bots/demo/bot.yaml": bot,
        "bots/demo/workflow.yaml": "\n".join(
            ["nodes:", *written, "edges:", *(f"  - {one}" for one in edges)]
        ),
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text + "\n")
    return check_paths([], load_project_file(folder)).diagnostics


def pointed(one: Diagnostic) -> str:
    """The text that a finding points at."""
    assert one.span is not None
    line = Path(one.file).read_text().split("\n")[one.span.line - 1]
    return line[one.span.column - 1 : one.span.end_column - 1]


def codes(folder: Path, edges: list[str], nodes: dict[str, str] = NODES) -> list[str]:
    return sorted(one.code for one in found(folder, nodes, edges))


def test_the_workflow_by_itself_is_fine(tmp_path: Path) -> None:
    assert codes(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ([*GOOD, "hello -> refund"], ["SC201"]),
        ([*GOOD, "hello -> tell"], ["VR202"]),
        ([one.replace("ask.false -> hello", "ask.false -> refund") for one in [*GOOD, "tell -> hello"]],
         ["SC201"]),
    ],
)  # fmt: skip
def test_what_a_gate_sets_is_missing_because_an_edge_comes_past_it(
    edges: list[str], expected: list[str], tmp_path: Path
) -> None:
    assert codes(tmp_path, edges) == expected


def test_a_variable_that_is_not_set_behind_the_gate_either_is_told_beside_the_open_tool(
    tmp_path: Path,
) -> None:
    edges = [*GOOD, "hello -> refund", "refund -> ask_plan", "ask_plan.true -> note", "note -> offer"]
    nodes = {
        **NODES,
        "ask_plan": "{type: logic, data: {logicType: if_else, condition: '{{message}} contains gold'}}",
        "offer": "{type: send_message, data: {message: 'Your plan: {{plan}}'}}",
    }

    assert codes(tmp_path, [*edges, "ask_plan.false -> offer"], nodes) == ["SC201", "VR202"]


def test_an_edge_that_leads_past_the_gate_instead_of_onward_is_pointed_at_with_the_node(
    tmp_path: Path,
) -> None:
    edges = [one.replace("ask.false -> hello", "ask.false -> refund") for one in GOOD]

    (one,) = found(tmp_path, NODES, [*edges, "hello -> sorry"])

    assert one.code == "WF203"
    assert [label.text for label in one.others] == ["leads to `refund` instead"]


@pytest.mark.parametrize(
    ("provider", "contact_type", "identity", "pointed_at"),
    [
        ("twilio", "email", "resend", "twilio"),
        ("resend", "phone", "resend", "phone"),
        ("twilio", "email", "twilio", "email"),
    ],
)
def test_of_provider_and_contact_type_the_one_is_told_that_deviates_from_bot_yaml(
    provider: str, contact_type: str, identity: str, pointed_at: str, tmp_path: Path
) -> None:
    gate = NODES["verify"].replace("resend", provider).replace("email,", f"{contact_type},")
    bot = BOT.replace("resend:", "resend:" if identity == "resend" else "twilio:")
    if identity == "twilio":
        bot = bot.replace(
            '{api_key: "${RESEND_API_KEY:-}", sender: shop@example.com}',
            '{account_sid: a, auth_token: "${TWILIO_AUTH_TOKEN:-}", sender: "+15550100"}',
        )

    (one,) = found(tmp_path, {**NODES, "verify": gate}, GOOD, bot)

    assert (one.code, pointed(one)) == ("WF403", pointed_at)


def test_two_of_one_name_are_told_at_the_second_with_the_first(tmp_path: Path) -> None:
    found(tmp_path, NODES, GOOD)
    (tmp_path / "bots/later").mkdir()
    (tmp_path / "bots/later/bot.yaml").write_text("name: demo\nllm: {provider: scripted}\n")
    (tmp_path / "workspaces/z.yaml").write_text("name: shop\n")

    told = check_paths([], load_project_file(tmp_path)).diagnostics

    assert [(one.code, one.file[len(str(tmp_path)) + 1 :], one.label) for one in told] == [
        ("BT209", "bots/later/bot.yaml", f"{tmp_path}/bots/demo/bot.yaml has it too"),
        ("WS203", "workspaces/z.yaml", f"{tmp_path}/workspaces/shop.yaml has it too"),
    ]


def test_a_variable_is_told_where_it_is_set_if_it_is_misspelt_there(tmp_path: Path) -> None:
    nodes = {
        **NODES,
        "verify": NODES["verify"].replace("outputVariable: email", "outputVariable: emial"),
        "hello": "{type: send_message, data: {message: 'Bye, {{email}}'}}",
    }
    edges = [one for one in GOOD if one != "ask.false -> hello"]

    (one,) = found(tmp_path, nodes, [*edges, "tell -> hello"])

    assert (one.code, one.label, one.help) == (
        "VR201",
        "sets `emial`, which nothing reads",
        "did you mean `email`?",
    )


@pytest.mark.parametrize(
    ("edges", "place", "others"),
    [
        (["start -> ask", "verify.verified -> refund", "verify.failed -> sorry"], "ask", ["verify"]),
        (["start -> ask", "ask.true -> sorry", "ask.false -> sorry", "hello -> sorry"], "ask", ["hello"]),
        (["start -> ask", "hello -> sorry", "verify.verified -> sorry", "verify.failed -> sorry"], "ask",
         ["verify", "hello"]),
    ],
)  # fmt: skip
def test_nodes_behind_a_decision_without_edges_are_told_with_it(
    edges: list[str], place: str, others: list[str], tmp_path: Path
) -> None:
    one = next(one for one in found(tmp_path, NODES, edges) if one.code == "WF203")

    assert pointed(one) == place
    assert [label.text for label in one.others] == ["no edge leads here"] * len(others)
    assert all(f"`{other}`" in one.message for other in others)
