"""The error_handler node."""

from __future__ import annotations

from botctl.execution.outcome import Done
from botctl.messages import Said
from botctl.nodes.error_handler import CAUGHT, ERROR_HANDLER
from tests.nodes.world import a_step, execute


def test_entered_by_an_error_it_says_its_message_and_goes_on() -> None:
    step = a_step(state=CAUGHT, variables={"error": {"node": "pay", "type": "mcp_tool", "message": "down"}})

    outcome = execute(ERROR_HANDLER, {"fallback_message": "{{error.node}} failed"}, step)

    assert outcome == Done(say=(Said(text="pay failed"),))


def test_entered_without_an_error_it_says_nothing_and_follows_nothing() -> None:
    assert execute(ERROR_HANDLER, {"fallback_message": "sorry"}) == Done(handle="")


def test_without_a_message_it_goes_on_in_silence() -> None:
    assert execute(ERROR_HANDLER, {"label": "Handle Errors"}, a_step(state=CAUGHT)) == Done()
