"""Waiting for the next message, or for a moment: put away, woken exactly there, across restarts and edits."""

from __future__ import annotations

import asyncio
from pathlib import Path

from botctl.clock import SystemClock
from botctl.engine.trace import story_json, story_of
from botctl.runtime.app import App
from botctl.runtime.greeting import STARTED_OVER
from botctl.store import runs
from tests.runtime.world import Mailbag, app_of, in_an_app, incoming, write_bot

ASK = """
nodes:
  - {id: t, type: trigger}
  - {id: ask, type: send_message, data: {message: "Your size, after {{message}}?"}}
  - {id: hold, type: logic, data: {logicType: wait}}
  - {id: thanks, type: send_message, data: {message: "So it is {{message}}."}}
edges: [t -> ask, ask -> hold, hold -> thanks]
"""


async def say(app: App, text: str, user: str = "u") -> str:
    """Say something to the bot and wait until it is dealt with; the run's status."""
    return (await (await app.inbox.accept(incoming(text, user=user))).answer()).status


def stories(app: App) -> list[dict[str, object]]:
    """All runs, oldest first."""
    rows = app.database.read(lambda connection: runs.latest(connection, bot="b", status=None, most=50))
    full = [app.database.read(lambda c, seq=row.seq: runs.get(c, seq)) for row in reversed(rows)]  # type: ignore[misc]
    return [story_json(app.database.read(lambda c, row=row: story_of(c, row))) for row in full]  # type: ignore[misc]


def test_a_run_goes_on_with_the_next_message_exactly_where_it_waited(tmp_path: Path) -> None:
    write_bot(tmp_path, ASK)
    mailbag = Mailbag()

    async def story(app: App) -> tuple[list[str], list[dict[str, object]]]:
        return [await say(app, "hello"), await say(app, "large"), await say(app, "hello again")], stories(app)

    statuses, told = in_an_app(tmp_path, story, mailbag)

    assert statuses == ["waiting", "completed", "waiting"]
    assert mailbag.texts == ["Your size, after hello?", "So it is large.", "Your size, after hello again?"]
    assert told[0]["waves"] == [["t"], ["ask"], ["hold"], ["thanks"]]
    assert (told[0]["nodes_executed"], told[1]["waiting"]) == (4, ["hold"])


def test_a_wait_survives_a_restart_and_an_edit_of_the_workflow(tmp_path: Path) -> None:
    write_bot(tmp_path, ASK)
    mailbag = Mailbag()

    in_an_app(tmp_path, lambda app: say(app, "hello"), mailbag)
    write_bot(tmp_path, ASK.replace("So it is", "Changed:"))
    status = in_an_app(tmp_path, lambda app: say(app, "large"), mailbag)

    assert (status, mailbag.texts[-1]) == ("completed", "So it is large.")


def test_a_wait_of_one_user_is_not_woken_by_another(tmp_path: Path) -> None:
    write_bot(tmp_path, ASK)

    async def story(app: App) -> list[str]:
        return [
            await say(app, "hello", "ada"),
            await say(app, "hello", "ben"),
            await say(app, "small", "ada"),
        ]

    assert in_an_app(tmp_path, story) == ["waiting", "waiting", "completed"]


def test_a_wait_inside_a_loop_takes_one_message_for_each_iteration(tmp_path: Path) -> None:
    write_bot(
        tmp_path,
        """
nodes:
  - {id: t, type: trigger}
  - {id: each, type: loop, data: {loopType: count, iterations: 2}}
  - {id: hold, type: logic, data: {logicType: wait}}
  - {id: got, type: send_message, data: {message: "{{index}}: {{message}}"}}
  - {id: done, type: send_message, data: {message: done}}
edges: [t -> each, each.loop_body -> hold, hold -> got, each.loop_done -> done]
""",
    )
    mailbag = Mailbag()

    async def story(app: App) -> list[str]:
        return [await say(app, text) for text in ("start", "a", "b")]

    assert in_an_app(tmp_path, story, mailbag) == ["waiting", "waiting", "completed"]
    assert mailbag.texts == ["0: a", "1: b", "done"]


def test_of_two_branches_that_wait_the_older_gets_the_first_message(tmp_path: Path) -> None:
    write_bot(
        tmp_path,
        """
nodes:
  - {id: t, type: trigger}
  - {id: p, type: parallel}
  - {id: one, type: logic, data: {logicType: wait}}
  - {id: two, type: logic, data: {logicType: wait}}
  - {id: first, type: send_message, data: {message: "first {{message}}"}}
  - {id: second, type: send_message, data: {message: "second {{message}}"}}
edges: [t -> p, p -> one, p -> two, one -> first, two -> second]
""",
    )
    mailbag = Mailbag()

    async def story(app: App) -> list[str]:
        return [await say(app, text) for text in ("start", "a", "b")]

    assert in_an_app(tmp_path, story, mailbag) == ["waiting", "waiting", "completed"]
    assert mailbag.texts == ["first a", "second b"]


def test_a_wait_goes_on_by_its_timeout_when_nobody_writes(tmp_path: Path) -> None:
    timed = ASK.replace("{logicType: wait}", "{logicType: wait, timeout: 50ms}")
    timed = timed.replace("nodes:", "nodes:\n  - {id: late, type: send_message, data: {message: too late}}")
    write_bot(tmp_path, timed.replace("hold -> thanks]", "hold -> thanks, hold.timeout -> late]"))
    mailbag = Mailbag()

    async def whole() -> list[dict[str, object]]:
        async with app_of(tmp_path, mailbag, clock=SystemClock()) as app:
            await say(app, "hello")
            async with asyncio.timeout(10):
                await mailbag.holds(2)
            await app.settle()
            return stories(app)

    told = asyncio.run(whole())

    assert mailbag.texts == ["Your size, after hello?", "too late"]
    assert [one["status"] for one in told] == ["completed"]


def test_a_wait_whose_moment_came_while_nobody_ran_goes_on_at_the_next_start(tmp_path: Path) -> None:
    timed = ASK.replace("{logicType: wait}", "{logicType: wait, timeout: 1h}")
    timed = timed.replace("nodes:", "nodes:\n  - {id: late, type: send_message, data: {message: too late}}")
    write_bot(tmp_path, timed.replace("hold -> thanks]", "hold -> thanks, hold.timeout -> late]"))
    mailbag = Mailbag()

    async def ask() -> None:
        async with app_of(tmp_path, mailbag, clock=SystemClock()) as app:
            await say(app, "hello")
            await app.settle()

    async def an_hour_later() -> None:
        clock = Later(3601)
        async with app_of(tmp_path, mailbag, clock=clock) as app:
            async with asyncio.timeout(10):
                await mailbag.holds(2)
            await app.settle()

    asyncio.run(ask())
    asyncio.run(an_hour_later())

    assert mailbag.texts == ["Your size, after hello?", "too late"]


def test_reset_cancels_what_waits_and_the_next_message_starts_anew(tmp_path: Path) -> None:
    write_bot(tmp_path, ASK)
    mailbag = Mailbag()

    async def story(app: App) -> tuple[list[str], list[object]]:
        statuses = [await say(app, text) for text in ("hello", "/reset", "again")]
        return statuses, [one["status"] for one in stories(app)]

    statuses, runs_ = in_an_app(tmp_path, story, mailbag)

    assert (statuses, runs_) == (["waiting", "completed", "waiting"], ["cancelled", "waiting"])
    assert mailbag.texts == ["Your size, after hello?", STARTED_OVER, "Your size, after again?"]


class Later(SystemClock):
    """The machine's clock, so many seconds ahead."""

    def __init__(self, seconds: int) -> None:
        self._ahead = seconds * 1000

    def now_ms(self) -> int:
        return super().now_ms() + self._ahead
