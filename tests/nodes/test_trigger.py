"""The trigger node."""

from __future__ import annotations

from botctl.execution.outcome import Done
from botctl.messages import Attachment
from botctl.nodes.trigger import TRIGGER
from tests.nodes.world import a_message, a_step, execute


def test_a_message_sets_the_built_in_variables() -> None:
    step = a_step(message=a_message("Where is my order?"))

    outcome = execute(TRIGGER, {"triggerType": "message_received", "label": "On Message"}, step)

    assert outcome == Done(
        writes={
            "message": "Where is my order?",
            "user_id": "u1",
            "user_name": "Ada",
            "channel_id": "c1",
            "platform": "console",
            "attachments": [],
        }
    )


def test_a_pressed_button_is_the_message() -> None:
    step = a_step(message=a_message("Track my order", kind="button", button_value="order"))

    outcome = execute(TRIGGER, {}, step)

    assert isinstance(outcome, Done)
    assert outcome.writes["message"] == "order"
    assert outcome.writes["button"] == {"label": "Track my order", "value": "order"}


def test_an_image_without_text_is_a_message() -> None:
    image = Attachment(kind="image", media_type="image/png", size=10, path="a/b.png")
    step = a_step(message=a_message("", attachments=(image,)))

    outcome = execute(TRIGGER, {}, step)

    assert isinstance(outcome, Done)
    assert outcome.writes["attachments"] == [
        {"kind": "image", "name": "", "media_type": "image/png", "size": 10, "path": "a/b.png", "url": ""}
    ]


def test_the_lint_knows_every_variable_that_is_set() -> None:
    outcome = execute(TRIGGER, {}, a_step(message=a_message("x", kind="button", button_value="y")))

    assert isinstance(outcome, Done)
    assert set(outcome.writes) == set(TRIGGER.writes(TRIGGER.data()))
