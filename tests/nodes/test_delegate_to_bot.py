"""The delegate_to_bot node: whom it calls, with what, and what becomes of the answer."""

from __future__ import annotations

from typing import Any

import pytest

from botctl.errors import OutsideError, UserError
from botctl.execution.outcome import Call, Done, Event
from botctl.nodes.delegate_to_bot import DELEGATE_TO_BOT
from botctl.nodes.shape import Shape
from tests.nodes.world import a_step, codes, execute, findings

WRITTEN = {"target_bot_id": "bt_billing", "outputVariable": "answer"}


def test_the_other_bot_is_called_with_the_message_and_the_context() -> None:
    step = a_step(variables={"message": "my bill", "user_id": 'u"1', "n": 3})
    written = {**WRITTEN, "context": '{"customer": "{{user_id}}", "n": {{n}}}'}

    outcome = execute(DELEGATE_TO_BOT, written, step)

    assert outcome == Call(bot="bt_billing", message="my bill", context={"customer": 'u"1', "n": 3})


def test_its_answer_is_kept_as_text() -> None:
    answer = {"call": "r2", "text": "You owe 5 euros.", "error": ""}

    outcome = execute(DELEGATE_TO_BOT, WRITTEN, a_step(event=Event("returned", answer)))

    assert outcome == Done({"answer": "You owe 5 euros."})


def test_a_failure_of_the_other_bot_fails_the_node() -> None:
    answer = {"call": "r2", "text": "", "error": "its server is down"}

    with pytest.raises(OutsideError, match="the other bot failed: its server is down"):
        execute(DELEGATE_TO_BOT, WRITTEN, a_step(event=Event("returned", answer)))


def test_a_context_that_is_no_object_is_refused() -> None:
    with pytest.raises(UserError, match="`context` is not a JSON object"):
        execute(DELEGATE_TO_BOT, {**WRITTEN, "context": "[1]"})


def test_its_variable_is_known() -> None:
    assert DELEGATE_TO_BOT.writes(DELEGATE_TO_BOT.data.model_validate(WRITTEN)) == {"answer": Shape.TEXT}


@pytest.mark.parametrize(
    ("context", "found"),
    [
        ('{"customer_id": "{{verified_identity}}"}', []),
        ({"customer_id": "{{verified_identity}}"}, []),
        ('{"customer_id": ', ["TL101"]),
        (None, []),
    ],
)
def test_context_is_json_as_text_or_a_mapping(context: Any, found: list[str]) -> None:
    assert codes(DELEGATE_TO_BOT, {**WRITTEN, "context": context}) == found


def test_a_bot_that_is_not_there_is_found() -> None:
    assert codes(DELEGATE_TO_BOT, WRITTEN) == []
    ((code, finding),) = findings(DELEGATE_TO_BOT, WRITTEN, bots=frozenset({"bt_biling", "x"}))
    assert (code, finding.help) == ("BT301", "did you mean `bt_biling`?")
