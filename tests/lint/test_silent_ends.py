"""Ways out after which a run ends without a word: where the linter keeps quiet, and where it does not."""

from __future__ import annotations

import pytest

from botctl.lint.workflow_site import Surroundings
from botctl.tools.tool import Tool
from tests.lint.test_outcome_rules import codes, says

TOOL = "  - {id: f, type: mcp_tool, data: {toolName: shop__find, outputVariable: order}}\n"
ON_STATUS = "  - {id: s, type: logic, data: {logicType: switch, variable: order.status, cases: [paid]}}\n"
ONE_WAY = "f -> s, s.case_paid -> a"


def around(**status: object) -> Surroundings:
    """A shop whose tool gives a status."""
    schema = {"type": "object", "properties": {"status": status}, "required": ["status"]}
    return Surroundings(tools={"shop__find": Tool(name="shop__find", output_schema=schema)})


@pytest.mark.parametrize(
    ("nodes", "edges", "around"),
    [
        (TOOL + ON_STATUS + says("a"), f"t -> f, {ONE_WAY}", around(type="string", enum=["paid"])),
        (TOOL + ON_STATUS + says("a"), f"t -> f, {ONE_WAY}", around(type="string", const="paid")),
        (TOOL + ON_STATUS + says("a", "b"), f"t -> b, b -> f, {ONE_WAY}", around(type="string")),
        (TOOL + ON_STATUS + says("a", "b"), f"t -> f, t -> b, {ONE_WAY}", around(type="string")),
    ],
)
def test_a_default_is_not_missed_where_nothing_else_can_come_or_something_was_said(
    nodes: str, edges: str, around: Surroundings
) -> None:
    assert codes(nodes, edges, around) == []


def test_a_default_is_missed_where_a_tool_may_give_anything() -> None:
    assert codes(TOOL + ON_STATUS + says("a"), f"t -> f, {ONE_WAY}", around(type="string")) == ["WF218"]


def test_a_default_is_missed_again_once_the_user_has_written_again() -> None:
    wait = "  - {id: w, type: logic, data: {logicType: wait}}\n"
    nodes = TOOL + ON_STATUS + wait + says("a", "b")

    assert codes(nodes, f"t -> b, b -> w, w -> f, {ONE_WAY}", around(type="string")) == ["WF218"]


def test_an_edge_by_a_misspelt_case_is_not_told_a_second_time() -> None:
    nodes = ON_STATUS.replace("order.status", "platform") + says("a")

    assert codes(nodes, "t -> s, s.case_payd -> a, s.case_default -> a") == []
