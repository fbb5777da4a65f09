"""The delegate_to_bot node, as far as it is built."""

from __future__ import annotations

from typing import Any

import pytest

from botctl.errors import UserError
from botctl.nodes.delegate_to_bot import DELEGATE_TO_BOT
from botctl.nodes.node_type import Shape
from tests.nodes.world import codes, execute, findings

WRITTEN = {"target_bot_id": "bt_billing", "outputVariable": "answer"}


def test_executing_it_is_a_clear_error() -> None:
    with pytest.raises(UserError, match="`delegate_to_bot` is not built yet"):
        execute(DELEGATE_TO_BOT, WRITTEN)


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
