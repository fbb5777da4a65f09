"""The send_message node."""

from __future__ import annotations

from typing import Any

import pytest

from botctl.errors import UserError
from botctl.execution.outcome import Done
from botctl.messages import Attachment, Button, Said
from botctl.nodes.send_message import SEND_MESSAGE
from tests.nodes.world import a_step, codes, execute


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"message": "Order {{order.id}}"}, "Order 7"),
        ({"message": "Order {{order.id}}", "useTemplate": False}, "Order {{order.id}}"),
        ({"message": "Order {{nothing}}"}, "Order {{nothing}}"),
        ({}, "the answer"),
        ({"message": ""}, "the answer"),
    ],
)
def test_a_message_is_said(written: dict[str, Any], said: str) -> None:
    step = a_step(variables={"order": {"id": 7}, "ai_response": "the answer"})

    assert execute(SEND_MESSAGE, written, step) == Done(say=(Said(text=said),))


def test_a_value_is_never_expanded_again() -> None:
    step = a_step(variables={"message": "{{secret}}", "secret": "s3cret"})

    outcome = execute(SEND_MESSAGE, {"message": "You said {{message}}"}, step)

    assert outcome == Done(say=(Said(text="You said {{secret}}"),))


def test_without_message_and_answer_the_way_out_is_named() -> None:
    with pytest.raises(UserError) as caught:
        execute(SEND_MESSAGE, {})

    assert caught.value.message == "there is no `ai_response` to say yet"
    assert caught.value.help is not None


def test_an_empty_text_is_not_said_but_told() -> None:
    step = a_step(variables={"a": " "})

    assert execute(SEND_MESSAGE, {"message": "{{a}}"}, step) == Done()
    assert step.log.notes == ["the message came out empty, so nothing was said"]


def test_an_unknown_name_is_told_in_the_trace() -> None:
    step = a_step()

    execute(SEND_MESSAGE, {"message": "Hi {{name}}"}, step)

    assert step.log.notes == ["`{{name}}` is not set"]


def test_buttons_and_attachments_leave_with_the_message() -> None:
    written = {
        "message": "Choose",
        "buttons": [{"label": "Order {{n}}", "value": "order:{{n}}"}, {"label": "Other"}],
        "attachments": [{"url": "https://example.com/{{n}}.png", "kind": "image", "name": "plan"}],
    }

    outcome = execute(SEND_MESSAGE, written, a_step(variables={"n": 7}))

    assert outcome == Done(
        say=(
            Said(
                text="Choose",
                buttons=(Button(label="Order 7", value="order:7"), Button(label="Other", value="Other")),
                attachments=(Attachment(kind="image", url="https://example.com/7.png", name="plan"),),
            ),
        )
    )


def test_an_attachment_needs_no_text() -> None:
    outcome = execute(SEND_MESSAGE, {"attachments": [{"url": "https://example.com/a.pdf"}]})

    said = Said(text="", attachments=(Attachment(kind="document", url="https://example.com/a.pdf"),))
    assert outcome == Done(say=(said,))


def test_templates_are_checked_down_to_the_buttons_unless_they_are_off() -> None:
    written = {"message": "{{ }}", "buttons": [{"label": "{{ }}"}]}

    assert codes(SEND_MESSAGE, written) == ["VR301", "VR301"]
    assert codes(SEND_MESSAGE, {**written, "useTemplate": False}) == []
