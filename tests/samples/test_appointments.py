"""The appointments bot books, reminds of it a day and an hour before, and forgets what was cancelled."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from botctl.clock import to_datetime
from botctl.store import schedules
from botctl.store.database import connect
from tests.cli.test_commands import botctl
from tests.samples.chat import sample_project
from workspaces.calendar_server.calendar import Calendar, open_calendar

FRIDAY = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The samples; the calendar is booked up for two days, so that both reminders lie ahead."""
    calendar = open_calendar(str(tmp_path / ".botctl" / "calendar.db"), "UTC")
    for slot in calendar.free(20):
        if datetime.fromisoformat(slot["start"]) < datetime.now(UTC) + timedelta(days=2):
            calendar.book(slot["start"], "somebody else", "")
    return sample_project(tmp_path)


def scheduled(project: Path) -> list[datetime]:
    """When something is to be said, soonest first."""
    with closing(connect(project / ".botctl" / "state.db")) as connection:
        rows = schedules.latest(connection, bot="appointments", status="pending", most=9)
    return [to_datetime(row.next_at) for row in rows]


def test_a_booking_is_confirmed_and_reminded_of_a_day_and_an_hour_before(project: Path) -> None:
    start = datetime.fromisoformat(calendar_of(project).free(2)[1]["start"])
    label = start.strftime("%a %d %b, %H:%M")

    done = botctl("run", "appointments", cwd=project, stdin="hello\n2\n")

    told = done.stdout.splitlines()
    assert (told[1], told[-1]) == (
        "When does it suit you?",
        f"It is booked: {label}. I will remind you.",
    )
    assert scheduled(project) == [start - timedelta(hours=24), start - timedelta(hours=1)]


def test_a_cancellation_frees_the_hour_and_takes_both_reminders_away(project: Path) -> None:
    first = calendar_of(project).free(1)
    botctl("run", "appointments", cwd=project, stdin="hello\n1\n")
    was_taken = calendar_of(project).free(1) != first

    done = botctl("run", "appointments", cwd=project, stdin="please cancel it\ncancel\n")

    assert done.stdout.splitlines() == [
        f"Your appointment on {first[0]['label']} is cancelled.",
        "You have no appointment.",
    ]
    assert (was_taken, calendar_of(project).free(1), scheduled(project)) == (True, first, [])


def test_an_hour_that_somebody_else_took_meanwhile_is_not_booked(project: Path) -> None:
    done = botctl("run", "appointments", cwd=project, stdin="hello\n")
    calendar = calendar_of(project)
    calendar.book(calendar.free(1)[0]["start"], "somebody quicker", "")
    taken = botctl("run", "appointments", cwd=project, stdin="1\n")

    assert done.stdout.splitlines()[1] == "When does it suit you?"
    assert taken.stdout.splitlines() == [
        "Somebody was quicker with that one. Write to me again for other times."
    ]
    assert scheduled(project) == []


def calendar_of(project: Path) -> Calendar:
    """The calendar that the bot books in."""
    return open_calendar(str(project / ".botctl" / "calendar.db"), "UTC")


def test_free_hours_are_on_working_days_and_two_hours_ahead() -> None:
    calendar = open_calendar(":memory:", "Europe/Berlin", lambda: FRIDAY - timedelta(hours=3))

    starts = [slot["start"] for slot in calendar.free(3)]

    assert starts == ["2026-11-20T16:00:00+01:00", "2026-11-23T09:00:00+01:00", "2026-11-23T10:00:00+01:00"]


def test_booking_ones_own_hour_again_changes_nothing_and_nobody_else_gets_it() -> None:
    calendar = open_calendar(":memory:", "UTC", lambda: FRIDAY)
    start = calendar.free(1)[0]["start"]

    first = calendar.book(start, "ada", "Ada")

    assert first and (calendar.book(start, "ada", "Ada"), calendar.book(start, "bob", "Bob")) == (first, None)
    assert (calendar.cancel(first["id"]), calendar.cancel(first["id"]), calendar.next_of("ada")) == (
        True,
        False,
        None,
    )


@pytest.mark.parametrize(
    "start", ["2026-11-21T09:00:00+00:00", "2026-11-23T12:00", "2026-11-23T09:30", "2020-01-06T09:00"]
)
def test_an_hour_that_is_none_is_not_booked(start: str) -> None:
    calendar = open_calendar(":memory:", "UTC", lambda: FRIDAY)

    assert calendar.book(start, "ada", "Ada") is None
