"""The send_proactive node."""

from __future__ import annotations

import pytest

from botctl.errors import UserError
from botctl.execution.outcome import Done, Proactive
from botctl.execution.step import BotFacts
from botctl.nodes.send_proactive import SEND_PROACTIVE
from tests.nodes.world import a_step, codes, execute

WRITTEN = {"message": "help", "target_channel_id": "ops", "target_platform": "slack"}


BOT = BotFacts(name="b", platforms=frozenset({"console", "slack"}))


def test_a_message_is_ordered_with_its_templates_filled() -> None:
    written = {**WRITTEN, "message": "{{user_name}} needs help", "target_channel_id": "ops-{{team}}"}
    step = a_step(bot=BOT, variables={"user_name": "Ada", "team": 7})

    outcome = execute(SEND_PROACTIVE, written, step)

    assert outcome == Done(orders=(Proactive(platform="slack", channel_id="ops-7", text="Ada needs help"),))


def test_without_a_platform_it_goes_to_that_of_the_conversation() -> None:
    outcome = execute(SEND_PROACTIVE, {**WRITTEN, "target_platform": ""}, a_step(bot=BOT))

    assert outcome == Done(orders=(Proactive(platform="console", channel_id="ops", text="help"),))


def test_a_platform_that_the_bot_does_not_have_fails_the_node() -> None:
    with pytest.raises(UserError, match="has no platform `telegram`"):
        execute(SEND_PROACTIVE, {**WRITTEN, "target_platform": "telegram"}, a_step(bot=BOT))


@pytest.mark.parametrize(
    ("platform", "known", "found"),
    [
        ("slack", {"slack", "telegram"}, []),
        ("slack", {"telegram"}, ["PF301"]),
        ("slack", None, []),
        ("{{platform}}", {"telegram"}, []),
        ("", {"telegram"}, []),
    ],
)
def test_a_platform_that_is_not_configured_is_found(
    platform: str, known: set[str] | None, found: list[str]
) -> None:
    platforms = None if known is None else frozenset(known)

    assert codes(SEND_PROACTIVE, {**WRITTEN, "target_platform": platform}, platforms=platforms) == found


def test_a_channel_id_that_yaml_reads_as_a_number_is_text() -> None:
    data = SEND_PROACTIVE.data.model_validate({**WRITTEN, "target_channel_id": -100123})

    assert data.target_channel_id == "-100123"
