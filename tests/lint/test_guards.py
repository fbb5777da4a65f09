"""A node is guarded only if every way to it passes a yes."""

from __future__ import annotations

from pathlib import Path

import pytest

from botctl.lint.guards import unguarded, way_to
from botctl.project.workflow_file import load_workflow

NODES = """
nodes:
  - {id: start, type: trigger}
  - {id: gate, type: auth_gate, data: {provider: resend, contact_type: email}}
  - {id: ask, type: action, data: {actionType: human_handoff}}
  - {id: set, type: action, data: {actionType: set_variable, variable: approved}}
  - {id: check, type: logic, data: {logicType: if_else, condition: "{{message}}"}}
  - {id: each, type: loop, data: {loopType: count, iterations: 2}}
  - {id: say, type: send_message, data: {message: hello}}
  - {id: tool, type: code_block, data: {code: "1"}}
  - {id: caught, type: error_handler}
  - {id: refund, type: send_message, data: {message: hello}}
edges:
"""


def way(folder: Path, *edges: str) -> str:
    """The way to `refund` that nobody guards; "" if there is none."""
    file = folder / "w.yaml"
    file.write_text(NODES + "".join(f"  - {edge}\n" for edge in edges))
    graph = load_workflow(file).graph
    assert graph is not None
    before = unguarded(graph)
    return " ".join(way_to("refund", before)) if "refund" in before else ""


@pytest.mark.parametrize(
    "edges",
    [
        ["start -> gate", "gate.verified -> refund"],
        ["start -> ask", "ask.approved -> refund"],
        [
            "start -> gate",
            "gate.verified -> say",
            "say -> check",
            "check.true -> refund",
            "check.false -> refund",
        ],
        [
            "start -> check",
            "check.true -> gate",
            "gate.verified -> refund",
            "check.false -> ask",
            "ask.approved -> refund",
        ],
        ["start -> each", "each.loop_body -> gate", "gate.verified -> refund"],
        ["start -> gate", "gate.verified -> tool", "tool.error -> refund"],
        ["start -> gate", "gate.failed -> say"],
        ["start -> gate", "gate.verified -> caught", "caught -> say", "say -> refund", "gate.error -> set"],
    ],
)
def test_what_only_a_yes_leads_to_is_guarded(edges: list[str], tmp_path: Path) -> None:
    assert way(tmp_path, *edges) == ""


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        (["start -> refund"], "start refund"),
        (["start -> set", "set -> refund"], "start set refund"),
        (["start -> gate", "gate.failed -> refund"], "start gate refund"),
        (["start -> gate", "gate.error -> refund", "gate.verified -> refund"], "start gate refund"),
        (["start -> ask", "ask.rejected -> refund", "ask.approved -> refund"], "start ask refund"),
        (["start -> ask", "ask.expired -> refund"], "start ask refund"),
        (
            ["start -> check", "check.true -> gate", "gate.verified -> refund", "check.false -> refund"],
            "start check refund",
        ),
        (["start -> gate", "start -> say", "gate.verified -> refund", "say -> refund"], "start say refund"),
        (
            ["start -> each", "each.loop_body -> gate", "gate.verified -> say", "each.loop_done -> refund"],
            "start each refund",
        ),
        (["caught -> refund"], "caught refund"),
        (
            ["start -> tool", "tool -> gate", "gate.verified -> caught", "caught -> refund"],
            "start tool caught refund",
        ),
        (["start -> gate", "gate.verified -> caught", "caught -> refund"], "start gate caught refund"),
    ],
)
def test_one_way_past_the_guards_is_enough(edges: list[str], expected: str, tmp_path: Path) -> None:
    assert way(tmp_path, *edges) == expected
