"""The mcp_tool node."""

from __future__ import annotations

from typing import Any

import pytest

from botctl.errors import OutsideError
from botctl.execution.outcome import Done
from botctl.nodes.mcp_tool import MCP_TOOL
from botctl.nodes.node_type import Interrupted
from botctl.tools.tool import Tool, ToolHints, ToolResult
from tests.nodes.world import RecordingTools, RememberingJournal, a_step, codes, execute, findings

CALL = {
    "toolName": "orders__get_order",
    "arguments": '{"order_id": "{{order_id}}"}',
    "outputVariable": "order",
}


def test_a_result_is_kept() -> None:
    tools = RecordingTools(orders__get_order=ToolResult(value={"total": 12}))
    step = a_step(tools=tools, variables={"order_id": "1042"})

    outcome = execute(MCP_TOOL, {**CALL, "timeout": "5s"}, step)

    assert outcome == Done(writes={"order": {"total": 12}})
    assert tools.calls == [("orders__get_order", {"order_id": "1042"}, 5.0)]
    assert step.log.tool_calls == 1


def test_a_users_text_cannot_change_the_shape_of_the_arguments() -> None:
    tools = RecordingTools(orders__get_order=ToolResult(value=1))
    evil = '", "admin": "yes'

    execute(MCP_TOOL, CALL, a_step(tools=tools, variables={"order_id": evil}))

    assert tools.calls == [("orders__get_order", {"order_id": evil}, None)]


@pytest.mark.parametrize("arguments", [None, "", "{}", {}])
def test_arguments_may_be_left_out(arguments: Any) -> None:
    tools = RecordingTools(cart__items=ToolResult(value=[]))

    execute(MCP_TOOL, {"toolName": "cart__items", "arguments": arguments}, a_step(tools=tools))

    assert tools.calls == [("cart__items", {}, None)]


def test_arguments_may_be_a_mapping() -> None:
    tools = RecordingTools(orders__get_order=ToolResult(value=1))
    written = {"toolName": "orders__get_order", "arguments": {"ids": ["{{id}}", "n{{id}}"]}}

    execute(MCP_TOOL, written, a_step(tools=tools, variables={"id": 7}))

    assert tools.calls[0][1] == {"ids": [7, "n7"]}


def test_an_unknown_tool_is_told_in_the_variable() -> None:
    outcome = execute(MCP_TOOL, CALL, a_step(tools=RecordingTools()))

    message = "the workspace has no tool `orders__get_order`"
    assert outcome == Done(writes={"order": {"error": True, "message": message, "tool": "orders__get_order"}})


@pytest.mark.parametrize("arguments", ['{"order_id": ', "[1]", '{"order_id": {{order_id}}}}'])
def test_malformed_arguments_are_told_in_the_variable(arguments: str) -> None:
    tools = RecordingTools(orders__get_order=ToolResult(value=1))
    step = a_step(tools=tools, variables={"order_id": 1})

    outcome = execute(MCP_TOOL, {**CALL, "arguments": arguments}, step)

    assert isinstance(outcome, Done)
    assert outcome.handle == "next"
    assert outcome.writes["order"]["error"] is True
    assert outcome.writes["order"]["message"].startswith("the arguments are not")
    assert tools.calls == []


def test_arguments_that_do_not_fit_the_tool_are_told_in_the_variable() -> None:
    tools = RecordingTools(orders__get_order=ToolResult(value=1))
    schema = {"type": "object", "properties": {"order_id": {"type": "integer"}}}
    tools.offered["orders__get_order"] = Tool(name="orders__get_order", input_schema=schema)

    outcome = execute(MCP_TOOL, CALL, a_step(tools=tools, variables={"order_id": "many"}))

    assert isinstance(outcome, Done)
    assert outcome.writes["order"]["message"].startswith("the arguments do not fit the tool: ")
    assert tools.calls == []


def test_a_tool_that_says_it_failed_fails_the_node() -> None:
    tools = RecordingTools(orders__get_order=ToolResult(value=None, text="no such order", is_error=True))

    with pytest.raises(OutsideError, match="the tool `orders__get_order` failed: no such order"):
        execute(MCP_TOOL, CALL, a_step(tools=tools))


def test_a_dead_server_fails_the_node() -> None:
    tools = RecordingTools(orders__get_order=OutsideError("server `orders` is down", retryable=True))

    with pytest.raises(OutsideError, match="is down"):
        execute(MCP_TOOL, CALL, a_step(tools=tools))


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("x" * 3000, "x" * 3000),
        ("x" * 3001, "x" * 3000),
        (["y" * 2996], ["y" * 2996]),
        (["y" * 2997], '["' + "y" * 2997 + '"'),
    ],
)
def test_a_long_result_is_cut_to_text(value: Any, kept: Any) -> None:
    tools = RecordingTools(orders__get_order=ToolResult(value=value))
    step = a_step(tools=tools)

    outcome = execute(MCP_TOOL, {**CALL, "arguments": "{}"}, step)

    assert outcome == Done(writes={"order": kept})
    assert bool(step.log.notes) is (kept != value)


@pytest.mark.parametrize(
    ("hints", "retry", "repeatable"),
    [
        (ToolHints(), None, False),
        (ToolHints(read_only=True), None, True),
        (ToolHints(idempotent=True), None, True),
        (ToolHints(destructive=True), "safe", True),
    ],
)
def test_only_what_may_be_repeated_is_marked_so(
    hints: ToolHints, retry: str | None, repeatable: bool
) -> None:
    tools = RecordingTools(orders__get_order=ToolResult(value=1))
    tools.offered["orders__get_order"] = Tool(name="orders__get_order", hints=hints)
    journal = RememberingJournal()

    execute(MCP_TOOL, {**CALL, "retry": retry}, a_step(tools=tools, journal=journal))

    assert journal.repeatable == {"call": repeatable}


def test_a_step_that_is_entered_again_does_not_call_again() -> None:
    tools = RecordingTools(orders__get_order=ToolResult(value={"total": 12}))
    journal = RememberingJournal()

    execute(MCP_TOOL, CALL, a_step(tools=tools, journal=journal))
    again = execute(MCP_TOOL, CALL, a_step(tools=tools, journal=journal))

    assert again == Done(writes={"order": {"total": 12}})
    assert len(tools.calls) == 1


def test_an_interrupted_call_asks_the_tool() -> None:
    assert MCP_TOOL.if_interrupted is Interrupted.ASK_TOOL


def test_json_that_does_not_parse_is_found() -> None:
    (code, finding), *_ = findings(MCP_TOOL, {**CALL, "arguments": '{"a": 1'})

    assert (code, finding.at) == ("TL101", ("arguments",))


def test_an_unknown_tool_is_found_only_where_the_tools_are_known() -> None:
    known = {"orders__get_order": Tool(name="orders__get_order")}
    written = {**CALL, "toolName": "orders__get_ordr"}

    assert codes(MCP_TOOL, written) == []
    (code, finding), *_ = findings(MCP_TOOL, written, tools=known)
    assert (code, finding.help) == ("TL102", "did you mean `orders__get_order`?")
