"""The schedule_message node, as far as it is built."""

from __future__ import annotations

from typing import Any

import pytest

from botctl.errors import UserError
from botctl.nodes.schedule_message import SCHEDULE_MESSAGE
from tests.nodes.world import codes, execute


def test_executing_it_is_a_clear_error() -> None:
    with pytest.raises(UserError, match="`schedule_message` is not built yet"):
        execute(SCHEDULE_MESSAGE, {"message": "hi", "delay_minutes": 1})


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
