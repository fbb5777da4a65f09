"""Groq, in what is its own."""

from __future__ import annotations

import pytest

from botctl.errors import OutsideError
from botctl.llm.chat import ToolOffer
from botctl.llm.tool_names import ToolNames
from tests.fakes.llm_server import Fails, Says
from tests.llm.world import GROQ_CASE, ask, reply, trouble

OFFERS = tuple(
    ToolOffer(name=name, description="", parameters={}) for name in ("get", "get_order", "shop.refund")
)
MESSAGE = "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details."


def failed(generation: str, code: str = "tool_use_failed") -> Fails:
    return Fails(400, MESSAGE, code, more={"failed_generation": generation})


@pytest.mark.parametrize(
    ("generation", "name"),
    [
        ('<function=get_order>{"id": 7</function>', "get_order"),
        ('{"name": "shop_refund_%s", "arguments": {"id"', "shop.refund"),
        ("I think I should look.", "unknown_tool"),
        ("", "unknown_tool"),
    ],
)
def test_a_tool_call_that_groq_could_not_read_is_a_malformed_one(generation: str, name: str) -> None:
    safe = ToolNames(offer.name for offer in OFFERS).safe("shop.refund")
    written = generation.replace("shop_refund_%s", safe)

    said = reply(GROQ_CASE, failed(written), request=ask("go", tools=OFFERS))

    call = said.tool_calls[0]
    assert (said.stop, call.name, call.arguments, call.raw) == ("tools", name, None, written or MESSAGE)
    assert call.id and "did not count" in said.notes[0]


def test_a_call_where_none_is_offered_is_tried_again() -> None:
    assert reply(GROQ_CASE, failed("<function=get>"), Says("ok")).text == "ok"


def test_an_answer_that_is_not_the_json_asked_for_is_handed_on_as_it_is() -> None:
    request = ask("How big?", schema={"type": "object"})

    said = reply(GROQ_CASE, failed('{"size": ', "json_validate_failed"), request=request)

    assert (said.text, said.stop) == ('{"size": ', "end")


@pytest.mark.parametrize("status", [498, 499])
def test_a_lack_of_capacity_passes(status: int) -> None:
    assert reply(GROQ_CASE, Fails(status, "capacity exceeded"), Says("ok")).text == "ok"


def test_what_groq_says_when_it_is_out_of_capacity_is_told() -> None:
    error = trouble(GROQ_CASE, Fails(498, "Flex tier capacity exceeded"))

    assert isinstance(error, OutsideError)
    assert (error.retryable, "Flex tier capacity exceeded" in error.message) == (True, True)
