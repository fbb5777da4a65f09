"""The logic node."""

from __future__ import annotations

from typing import Any

import pytest

from botctl.errors import UserError
from botctl.execution.outcome import Done, Event, Iterate, Reply, Until, Wait
from botctl.execution.step import BotFacts
from botctl.nodes.logic import LOGIC
from botctl.nodes.shape import Shape
from tests.nodes.world import a_message, a_step, codes, execute, findings


def switch(*cases: Any, variable: str = "intent") -> dict[str, Any]:
    return {"logicType": "switch", "variable": variable, "cases": list(cases)}


@pytest.mark.parametrize(("intent", "handle"), [("billing", "true"), ("refund", "false")])
def test_if_else_follows_its_condition(intent: str, handle: str) -> None:
    written = {"logicType": "if_else", "condition": "{{intent.text}} == billing", "label": "Is Billing?"}

    outcome = execute(LOGIC, written, a_step(variables={"intent": {"text": intent}}))

    assert outcome == Done(handle=handle)


def test_a_users_text_cannot_become_an_operator() -> None:
    written = {"logicType": "if_else", "condition": "{{message}} == yes"}

    outcome = execute(LOGIC, written, a_step(variables={"message": "x == x or yes"}))

    assert outcome == Done(handle="false")


@pytest.mark.parametrize(
    ("value", "handle"),
    [
        ("billing", "case_billing"),
        ("  billing\n", "case_billing"),
        ("BILLING", "case_billing"),
        ("Support", "case_Support"),
        ("support", "case_support"),
        ({"text": "billing ", "tokensInput": 1}, "case_billing"),
        (2, "case_2"),
        (2.0, "case_2"),
        (True, "case_true"),
        ("other", "case_default"),
        (None, "case_default"),
        ({"name": "billing"}, "case_default"),
        (["billing"], "case_default"),
    ],
)
def test_switch_follows_the_case_that_equals(value: Any, handle: str) -> None:
    outcome = execute(
        LOGIC, switch("billing", "support", "Support", 2, True), a_step(variables={"intent": value})
    )

    assert outcome == Done(handle=handle)


def test_switch_on_an_unknown_variable_takes_the_default_and_says_so() -> None:
    step = a_step()

    outcome = execute(LOGIC, switch("billing", variable="{{intent}}"), step)

    assert outcome == Done(handle="case_default")
    assert step.log.notes == ["`{{intent}}` is not set"]


def test_while_is_a_loop() -> None:
    step = a_step(bot=BotFacts(name="b", max_iterations=20))

    outcome = execute(LOGIC, {"logicType": "while", "condition": "{{n}} < 3", "itemVariable": "i"}, step)

    assert outcome == Iterate(item_variable="i", items=None, condition="{{n}} < 3", limit=20)


def test_a_wait_waits_for_the_next_message_and_then_takes_it() -> None:
    waiting = execute(LOGIC, {"logicType": "wait"})
    woken = execute(
        LOGIC, {"logicType": "wait"}, a_step(message=a_message("large"), event=Event("reply", "large"))
    )

    assert waiting == Wait((Reply(),))
    assert isinstance(woken, Done) and (woken.handle, woken.writes["message"]) == ("next", "large")


def test_a_wait_with_a_timeout_goes_on_by_it_when_its_moment_comes() -> None:
    timed = {"logicType": "wait", "timeout": "15m"}

    assert execute(LOGIC, timed) == Wait((Reply(), Until(1_767_225_600_000 + 900_000)))
    assert execute(LOGIC, timed, a_step(event=Event("until", 5))) == Done(handle="timeout")


@pytest.mark.parametrize(
    ("written", "handles"),
    [
        ({"logicType": "if_else", "condition": "x"}, ("true", "false")),
        (switch("a", 2, " b ", "a"), ("case_a", "case_2", "case_b", "case_default")),
        ({"logicType": "wait"}, ("next",)),
        ({"logicType": "wait", "timeout": "1h"}, ("next", "timeout")),
        ({"logicType": "while", "condition": "x"}, ("loop_body", "loop_done")),
    ],
)
def test_the_ways_out_depend_on_the_type(written: dict[str, Any], handles: tuple[str, ...]) -> None:
    assert LOGIC.handles(LOGIC.data.model_validate(written)) == handles


def test_only_wait_and_while_set_variables() -> None:
    def writes(**written: Any) -> Any:
        return LOGIC.writes(LOGIC.data.model_validate(written))

    assert writes(logicType="if_else", condition="x") == {}
    assert writes(logicType="wait") == {"message": Shape.TEXT}
    assert writes(logicType="while", condition="x", itemVariable="i") == {"i": Shape.NUMBER}


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"logicType": "if_else"}, "`condition` is needed for if_else"),
        ({"logicType": "switch", "variable": "a"}, "`cases` is needed for switch"),
        ({"logicType": "switch", "cases": ["a"]}, "`variable` is needed for switch"),
        (
            {"logicType": "wait", "condition": "x"},
            "`condition` belongs to if_else or while, not to wait",
        ),
        ({"logicType": "ifelse", "condition": "x"}, "'if_else', 'switch', 'wait' or 'while'"),
        ({"condition": "x"}, "logicType"),
    ],
)
def test_fields_that_do_not_fit_the_type_are_mistakes(written: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        LOGIC.data.model_validate(written)


def test_an_editors_leftover_at_its_default_is_no_mistake() -> None:
    written = {"logicType": "if_else", "condition": "x", "variable": "", "cases": []}

    assert LOGIC.handles(LOGIC.data.model_validate(written)) == ("true", "false")


def test_a_foreign_field_is_pointed_at() -> None:
    from pydantic import ValidationError

    with pytest.raises(ValidationError) as caught:
        LOGIC.data.model_validate({"logicType": "if_else", "condition": "x", "cases": ["a"]})

    assert [error["loc"] for error in caught.value.errors()] == [("cases",)]


def test_a_case_that_stands_twice_is_found() -> None:
    ((code, finding),) = findings(LOGIC, switch("a", "b", " a"))

    assert (code, finding.at, finding.others) == ("WF402", ("cases", 2), ((("cases", 0), "first here"),))


def test_a_condition_that_cannot_be_read_is_found() -> None:
    ((code, finding),) = findings(LOGIC, {"logicType": "if_else", "condition": "{{a}} == "})

    assert (code, finding.at) == ("VR302", ("condition",))


def test_a_variable_that_is_no_path_is_found() -> None:
    assert codes(LOGIC, switch("a", variable="the {{intent}}")) == ["VR303"]


def test_a_pattern_that_only_shows_itself_at_run_time_fails_the_node() -> None:
    written = {"logicType": "if_else", "condition": "{{message}} matches {{pattern}}"}

    with pytest.raises(UserError, match="is not a pattern"):
        execute(LOGIC, written, a_step(variables={"message": "x", "pattern": "("}))
