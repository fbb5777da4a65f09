"""The schedule_message node: when what is said, and where."""

from __future__ import annotations

from typing import Any

import pytest

from botctl.errors import UserError
from botctl.execution.outcome import Done, Schedule, Unschedule
from botctl.execution.step import BotFacts
from botctl.nodes.schedule_message import SCHEDULE_MESSAGE
from tests.nodes.world import a_step, codes, execute

CONSOLE = BotFacts(name="support")


NOW = 1_767_225_600_000  # 2026-01-01T00:00Z, a Thursday
MINUTE = 60_000
HOUR = 60 * MINUTE


@pytest.mark.parametrize(
    ("written", "at_ms"),
    [
        ({"delay_minutes": 90}, NOW + 90 * MINUTE),
        ({"delay_minutes": "{{minutes}}"}, NOW + 90_000),
        ({"scheduled_time": "2026-01-01T18:00"}, NOW + 18 * HOUR),
        ({"scheduled_time": "{{when}}"}, NOW + 18 * HOUR),
        ({"scheduled_time": "2026-01-01T18:00:00+02:00", "timezone": "Asia/Tokyo"}, NOW + 16 * HOUR),
        ({"scheduled_time": "2026-01-01T18:00", "timezone": "Europe/Berlin"}, NOW + 17 * HOUR),
        ({"scheduled_time": "2020-01-01"}, NOW),
        ({"every": "0 9 * * mon"}, NOW + (4 * 24 + 9) * HOUR),
        ({"every": "0 9 * * *", "timezone": "Europe/Berlin"}, NOW + 8 * HOUR),
    ],
)
def test_a_message_is_rendered_now_and_said_at_its_moment(written: dict[str, Any], at_ms: int) -> None:
    step = a_step(variables={"minutes": "1.5", "when": "2026-01-01T18:00:00Z", "name": "Ada"})

    outcome = execute(SCHEDULE_MESSAGE, {"message": "Hi {{name}}", **written}, step)

    order = Schedule(
        text="Hi Ada",
        at_ms=at_ms,
        every=written.get("every", ""),
        timezone=written.get("timezone", "UTC"),
    )
    assert outcome == Done(orders=(order,))


def test_a_target_and_a_key_are_kept() -> None:
    written = {
        "message": "m",
        "delay_minutes": 0,
        "key": "{{k}}",
        "target": {"channel_id": "{{c}}"},
        "cancel": "old",
    }

    outcome = execute(SCHEDULE_MESSAGE, written, a_step(variables={"k": "digest", "c": "ops"}, bot=CONSOLE))

    order = Schedule(text="m", at_ms=NOW, key="digest", platform="console", channel_id="ops")
    assert outcome == Done(orders=(Unschedule(key="old"), order))


def test_only_cancelling_says_nothing() -> None:
    outcome = execute(SCHEDULE_MESSAGE, {"cancel": "r-{{n}}"}, a_step(variables={"n": 7}))

    assert outcome == Done(orders=(Unschedule(key="r-7"),))


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"scheduled_time": "{{gone}}"}, "`{{gone}}` is not a moment in ISO 8601"),
        ({"scheduled_time": "{{empty}}"}, "this message has no time at which to be sent"),
        ({"delay_minutes": "{{gone}}"}, "`delay_minutes` came to '{{gone}}', which is no number of minutes"),
        ({"delay_minutes": "{{minus}}"}, "`delay_minutes` came to '-1', which is no number of minutes"),
        ({"delay_minutes": 1, "timezone": "Mars/Base"}, "there is no time zone `Mars/Base`"),
        ({"every": "0 9 * *"}, "`0 9 * *` is not a cron expression: wrong number of fields"),
        ({"every": "0 0 31 2 *"}, "`0 0 31 2 *` is not a cron expression: bad day-of-month"),
        (
            {"delay_minutes": 1, "target": {"channel_id": "c", "platform": "fax"}},
            "bot `support` has no platform `fax`",
        ),
    ],
)
def test_a_time_that_comes_to_nothing_is_an_error_that_says_what(written: dict[str, Any], told: str) -> None:
    step = a_step(variables={"empty": "", "minus": -1})

    with pytest.raises(UserError) as error:
        execute(SCHEDULE_MESSAGE, {"message": "m", **written}, step)

    assert error.value.message == told


@pytest.mark.parametrize(
    ("time", "found"),
    [
        ({"delay_minutes": 1380}, []),
        ({"delay_minutes": "1380"}, []),
        ({"delay_minutes": 0}, []),
        ({"delay_minutes": "{{minutes}}"}, []),
        ({"scheduled_time": "{{booking.remind_24h}}"}, []),
        ({"scheduled_time": "2026-12-24T18:00:00Z", "timezone": "Europe/Berlin"}, []),
        ({"delay_minutes": 5, "scheduled_time": ""}, []),
        ({"every": "0 9 * * mon", "key": "digest", "target": {"channel_id": "ops"}}, []),
        ({"cancel": "digest"}, []),
        ({}, ["WF404"]),
        ({"delay_minutes": ""}, ["WF404"]),
        ({"delay_minutes": 5, "scheduled_time": "2026-12-24"}, ["WF404"]),
        ({"scheduled_time": "tomorrow"}, ["WF405"]),
        ({"scheduled_time": "{{ }}"}, ["VR301"]),
    ],
)
def test_exactly_one_time_is_asked_for(time: dict[str, Any], found: list[str]) -> None:
    assert codes(SCHEDULE_MESSAGE, {"message": "hi", **time}) == found


@pytest.mark.parametrize("minutes", ["soon", -5, True, [1]])
def test_a_delay_that_is_no_number_is_refused(minutes: Any) -> None:
    with pytest.raises(ValueError, match="should be a number"):
        SCHEDULE_MESSAGE.data.model_validate({"message": "hi", "delay_minutes": minutes})
