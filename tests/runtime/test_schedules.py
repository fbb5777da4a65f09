"""Schedules in a running app: said at their moment, once, across restarts; repeated, replaced, cancelled."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

from botctl.clock import SystemClock
from botctl.runtime.app import App
from botctl.store import schedules
from botctl.store.database import connect
from tests.runtime.test_waits import say
from tests.runtime.world import HeldClock, Mailbag, app_of, in_an_app, write_bot

HOUR = 3600.0


def scheduling(data: str) -> str:
    """A workflow that schedules a message and says so."""
    return f"""
nodes:
  - {{id: t, type: trigger}}
  - {{id: s, type: schedule_message, data: {data}}}
  - {{id: ok, type: send_message, data: {{message: "noted {{{{message}}}}"}}}}
edges: [t -> s, s -> ok]
"""


def left(app: App, status: str = "pending") -> list[str]:
    """The texts that are still to be said."""
    rows = app.database.read(lambda c: schedules.latest(c, bot="b", status=status, most=50))
    return [row.text for row in rows]


def test_a_message_is_said_at_its_moment_and_not_before(tmp_path: Path) -> None:
    write_bot(tmp_path, scheduling('{message: "now {{message}}", delay_minutes: 60}'))
    clock, mailbag = HeldClock(), Mailbag()

    async def story() -> list[list[str]]:
        async with app_of(tmp_path, mailbag, clock) as app:
            await say(app, "tea")
            clock.advance(HOUR - 1)
            await app.settle()
            before = mailbag.texts
            clock.advance(1)
            await mailbag.holds(2)
            await app.settle()
            return [before, mailbag.texts, left(app)]

    assert asyncio.run(story()) == [["noted tea"], ["noted tea", "now tea"], []]


def test_a_schedule_survives_a_restart_and_what_was_missed_is_said_once_at_the_next_start(
    tmp_path: Path,
) -> None:
    write_bot(tmp_path, scheduling('{message: morning, every: "0 9 * * *"}'))
    clock, mailbag = HeldClock(), Mailbag()

    async def wait_for(messages: int) -> list[str]:
        async with app_of(tmp_path, mailbag, clock) as app:
            await mailbag.holds(messages)
            await app.settle()
            return left(app)

    in_an_app(tmp_path, lambda app: say(app, "x"), mailbag, clock)
    clock.advance(3 * 24 * HOUR)
    first = asyncio.run(wait_for(2))
    clock.advance(24 * HOUR)
    second = asyncio.run(wait_for(3))

    assert mailbag.texts == ["noted x", "morning", "morning"]
    assert (first, second) == (["morning"], ["morning"])
    assert [message.purpose for message in mailbag.sent] == ["reply", "scheduled", "scheduled"]


def test_a_key_replaces_and_cancels_in_its_own_conversation(tmp_path: Path) -> None:
    write_bot(
        tmp_path,
        """
nodes:
  - {id: t, type: trigger}
  - {id: off, type: logic, data: {logicType: if_else, condition: "{{message}} == stop"}}
  - {id: s, type: schedule_message, data: {message: "{{message}}", delay_minutes: 5, key: r}}
  - {id: c, type: schedule_message, data: {cancel: r}}
edges: [t -> off, off.false -> s, off.true -> c]
""",
    )

    async def story(app: App) -> list[list[str]]:
        told = []
        for user, text in (("u", "one"), ("v", "other"), ("u", "two"), ("u", "stop")):
            await say(app, text, user)
            told.append(sorted(left(app)))
        return told

    told = in_an_app(tmp_path, story, clock=HeldClock())

    assert told == [["one"], ["one", "other"], ["other", "two"], ["other"]]


def test_starting_over_keeps_schedules(tmp_path: Path) -> None:
    write_bot(tmp_path, scheduling("{message: later, delay_minutes: 5}"))

    async def story(app: App) -> list[str]:
        await say(app, "x")
        await say(app, "/reset")
        return left(app)

    assert in_an_app(tmp_path, story, clock=HeldClock()) == ["later"]


def test_what_another_process_cancels_is_not_said(tmp_path: Path) -> None:
    write_bot(tmp_path, scheduling('{message: "{{message}}", delay_minutes: 0.02}'))
    mailbag = Mailbag()

    async def story() -> list[str]:
        async with app_of(tmp_path, mailbag, SystemClock()) as app:
            await say(app, "first")
            with closing(connect(app.state_folder / "state.db")) as other:
                row = schedules.latest(other, bot="b", status="pending", most=1)[0]
                schedules.cancel(other, row.id, app.clock.now_ms())
            await say(app, "second", "v")
            async with asyncio.timeout(5):
                await mailbag.holds(3)
            await app.settle()
            return mailbag.texts

    assert asyncio.run(story()) == ["noted first", "noted second", "second"]


def test_schedules_of_one_moment_are_all_said(tmp_path: Path) -> None:
    write_bot(tmp_path, scheduling('{message: "{{message}}!", delay_minutes: 1}'))
    clock, mailbag = HeldClock(), Mailbag()

    async def story() -> list[str]:
        async with app_of(tmp_path, mailbag, clock) as app:
            for number in range(5):
                await say(app, str(number), f"u{number}")
            clock.advance(60)
            await mailbag.holds(10)
            await app.settle()
            return sorted(mailbag.texts[5:])

    assert asyncio.run(story()) == ["0!", "1!", "2!", "3!", "4!"]
