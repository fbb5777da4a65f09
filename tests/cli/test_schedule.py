"""`botctl schedule`: what is to be said later is listed, and taken away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from botctl.store import schedules
from botctl.store.schedules import ScheduleRow
from tests.cli.people import NOW, Shop


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    return Shop(tmp_path, capsys)


def plan(shop: Shop, id: str, at: int, **fields: Any) -> None:
    """Store something to be said `at` milliseconds after NOW."""
    row: dict[str, Any] = {
        "id": id,
        "bot": "support-bot",
        "platform": "telegram",
        "channel_id": "42",
        "user_id": "zoe",
        "conversation": shop.conversation,
        "run": shop.run,
        "text": "See you tomorrow",
        "next_at": NOW + at,
        "created_at": NOW,
    }
    with shop.opened() as connection:
        schedules.add(connection, ScheduleRow(**{**row, **fields}))


def test_what_is_to_be_said_is_listed_soonest_first_and_the_rest_only_with_all(shop: Shop) -> None:
    plan(shop, "late", 9_000)
    plan(shop, "soon", 1_000, every="0 9 * * *", timezone="Europe/Berlin")
    plan(shop, "other", 2_000, bot="other-bot")
    plan(shop, "gone", 0)
    shop.botctl("schedule", "cancel", "gone")

    def listed(*arguments: str) -> list[tuple[str, str]]:
        _, out, _ = shop.botctl("schedule", "list", *arguments, "--json")
        return [(row["id"], row["status"]) for row in json.loads(out)]

    assert [listed(), listed("other-bot"), listed("support-bot", "--all")] == [
        [("soon", "pending"), ("other", "pending"), ("late", "pending")],
        [("other", "pending")],
        [("gone", "cancelled"), ("soon", "pending"), ("late", "pending")],
    ]
    assert shop.botctl("schedule", "list", "--limit", "1")[1] == (
        "soon\tsupport-bot\tpending\t2026-01-01T00:00:01.000Z\t0 9 * * * Europe/Berlin"
        "\ttelegram/42/zoe\tSee you tomorrow\n"
    )


def test_json_tells_a_schedule_whole(shop: Shop) -> None:
    plan(shop, "a1", 1_000, key="reminder")

    _, out, _ = shop.botctl("schedule", "list", "--json")

    assert json.loads(out) == [
        {
            "id": "a1",
            "bot": "support-bot",
            "status": "pending",
            "next_at": "2026-01-01T00:00:01.000Z",
            "every": None,
            "timezone": "UTC",
            "platform": "telegram",
            "channel_id": "42",
            "user_id": "zoe",
            "thread_id": "",
            "key": "reminder",
            "text": "See you tomorrow",
            "created_at": "2026-01-01T00:00:00.000Z",
            "finished_at": None,
        }
    ]


def test_a_schedule_is_cancelled_by_the_beginning_of_its_id_and_only_once(shop: Shop) -> None:
    plan(shop, "abcdef", 1_000)

    first = shop.botctl("schedule", "cancel", "abc")
    code, out, err = shop.botctl("schedule", "cancel", "abc")

    assert first == (0, "cancelled abcdef\n", "")
    assert (code, out, err.split(" since ")[0]) == (1, "", "error: schedule `abcdef` is cancelled")


def test_an_unknown_schedule_is_told_with_a_way_out(shop: Shop) -> None:
    assert shop.botctl("schedule", "cancel", "x") == (
        1,
        "",
        "error: no schedule has an id that starts with `x`\n  = help: `botctl schedule list` shows them\n",
    )
