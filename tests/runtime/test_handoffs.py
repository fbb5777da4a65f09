"""Handoffs in a running app: asked, held, decided from elsewhere, expired, reminded, cancelled."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from botctl.clock import SystemClock
from botctl.messages import IncomingMessage
from botctl.runtime.app import App
from botctl.store import handoffs
from botctl.store.database import connect
from botctl.store.handoffs import HandoffRow
from tests.runtime.test_waits import say, stories
from tests.runtime.world import HeldClock, Mailbag, app_of, in_an_app, incoming, write_bot

REFUND = """
nodes:
  - {id: t, type: trigger}
  - {id: ask, type: send_message, data: {message: "I ask a person."}}
  - {id: ho, type: action, data: {actionType: human_handoff, reason: "Refund for {{message}}"}}
  - {id: paid, type: send_message, data: {message: "Paid {{amount}}, {{handoff.by}}: {{handoff.note}}"}}
  - {id: no, type: send_message, data: {message: "Declined: {{handoff.status}}"}}
edges: [t -> ask, ask -> ho, ho.approved -> paid, ho.rejected -> no]
"""
TOLD = "handoff: {notify: [{email: boss@example.com}, {console: ops}], remind: 1h, expires: 2h}"


def pending(app: App) -> list[HandoffRow]:
    """The handoffs that wait, oldest first."""
    rows = app.database.read(lambda connection: handoffs.latest(connection, status="pending"))
    return rows[::-1]


def decide(app: App, status: str, **more: Any) -> None:
    """Decide the oldest one as another process would."""
    with closing(connect(app.state_folder / "state.db")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        row = handoffs.latest(connection, status="pending")[-1]
        now_ms = app.clock.now_ms()
        handoffs.decide(connection, row.id, status=status, by="ada", now_ms=now_ms, **more)  # type: ignore[arg-type]
        connection.execute("COMMIT")


async def in_time(app: App, mailbag: Mailbag, messages: int) -> float:
    """How long it takes, in seconds of real time, until so many messages were sent."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with asyncio.timeout(5):
        await mailbag.holds(messages)
    return loop.time() - started


def test_a_decision_from_another_process_is_taken_up_at_once_exactly_at_the_node(tmp_path: Path) -> None:
    write_bot(tmp_path, REFUND)
    mailbag = Mailbag()

    async def story() -> tuple[list[dict[str, object]], float]:
        async with app_of(tmp_path, mailbag, SystemClock()) as app:
            await say(app, "order 7")
            decide(app, "approved", note="fine", sets={"amount": 12.5})
            took = await in_time(app, mailbag, 2)
            await app.settle()
            return stories(app), took

    told, took = asyncio.run(story())

    assert mailbag.texts == ["I ask a person.", "Paid 12.5, ada: fine"]
    assert told[0]["waves"] == [["t"], ["ask"], ["ho"], ["paid"]]
    assert told[0]["status"] == "completed"
    assert took < 0.3


def test_a_decision_while_nobody_runs_is_taken_up_at_the_next_start(tmp_path: Path) -> None:
    write_bot(tmp_path, REFUND)
    mailbag = Mailbag()

    async def ask(app: App) -> None:
        await say(app, "order 7")
        await app.settle()
        decide(app, "rejected")
        app.router.attend = lambda: None  # type: ignore[method-assign]  # too late for this one

    in_an_app(tmp_path, ask, mailbag, HeldClock())
    told = in_an_app(tmp_path, lambda app: _settled(app, stories), mailbag, HeldClock())

    assert mailbag.texts == ["I ask a person.", "Declined: rejected"]
    assert told[0]["status"] == "completed"


async def _settled(app: App, look: Any) -> Any:
    await app.settle()
    return look(app)


def test_messages_are_kept_for_the_reviewer_and_the_user_hears_so_once(tmp_path: Path) -> None:
    write_bot(tmp_path, REFUND, "handoff: {pending_message: Please wait.}")
    mailbag = Mailbag()

    async def story(app: App) -> list[Any]:
        await say(app, "order 7")
        answers = [await (await app.inbox.accept(incoming(text))).answer() for text in ("hey", "hello?")]
        shown = app.database.read(
            lambda connection: [tuple(row) for row in connection.execute("SELECT text, status FROM inbox")]
        )
        return [[(one.status, one.messages) for one in answers], shown]

    answers, shown = in_an_app(tmp_path, story, mailbag, HeldClock())

    assert answers == [("ignored", ("Please wait.",)), ("ignored", ())]
    assert mailbag.texts == ["I ask a person.", "Please wait."]
    assert shown == [("order 7", "done"), ("hey", "ignored"), ("hello?", "ignored")]


def test_the_reviewers_are_told_after_the_row_is_on_disk_and_reminded_once(tmp_path: Path) -> None:
    write_bot(tmp_path, REFUND, TOLD)
    clock = HeldClock()
    mailbag = Mailbag()

    query = "SELECT channel_id, status, error FROM outbox WHERE platform = 'email'"

    async def story() -> list[tuple[str, str, str]]:
        async with app_of(tmp_path, mailbag, clock) as app:
            await say(app, "order 7")
            clock.advance(3600)
            await mailbag.holds(3)
            await app.settle()
            return app.database.read(lambda connection: connection.execute(query).fetchall())

    unsent = asyncio.run(story())

    first, notice, again = mailbag.sent
    assert (first.text, notice.channel_id, again.channel_id) == ("I ask a person.", "ops", "ops")
    assert [button.label for button in notice.buttons] == ["Approve", "Reject"]
    assert "Refund for order 7" in notice.text and "paid (send_message)" in notice.text
    assert "approve" in again.text
    assert unsent == [("boss@example.com", "dead", "no mail server is set (`smtp` in botctl.yaml)")] * 2


def test_a_handoff_that_nobody_decides_expires_by_rejected_with_its_status(tmp_path: Path) -> None:
    write_bot(tmp_path, REFUND, TOLD)
    clock = HeldClock()
    mailbag = Mailbag()

    async def story() -> list[dict[str, object]]:
        async with app_of(tmp_path, mailbag, clock) as app:
            await say(app, "order 7")
            clock.advance(7200)
            await mailbag.holds(3)
            await app.settle()
            return stories(app)

    told = asyncio.run(story())

    assert "Declined: expired" in mailbag.texts
    assert told[0]["status"] == "completed"


def test_starting_over_closes_the_handoff(tmp_path: Path) -> None:
    write_bot(tmp_path, REFUND)

    async def story(app: App) -> tuple[list[str], list[str]]:
        await say(app, "order 7")
        await say(app, "/reset")
        rows = app.database.read(lambda connection: handoffs.latest(connection))
        return [row.status for row in rows], [str(told["status"]) for told in stories(app)]

    assert in_an_app(tmp_path, story, clock=HeldClock()) == (["cancelled"], ["cancelled"])


def test_handoffs_in_a_loop_and_beside_a_branch_resume_each_at_its_own_node(tmp_path: Path) -> None:
    write_bot(
        tmp_path,
        """
nodes:
  - {id: t, type: trigger}
  - {id: p, type: parallel}
  - {id: each, type: loop, data: {loopType: count, iterations: 2, itemVariable: i}}
  - {id: ho, type: action, data: {actionType: human_handoff, reason: "number {{i}}"}}
  - {id: got, type: send_message, data: {message: "{{i}} {{handoff.status}}"}}
  - {id: side, type: send_message, data: {message: beside}}
  - {id: done, type: send_message, data: {message: done}}
edges:
  - t -> p
  - p -> each
  - p -> side
  - each.loop_body -> ho
  - ho.approved -> got
  - ho.rejected -> got
  - each.loop_done -> done
""",
    )
    mailbag = Mailbag()

    async def story() -> list[dict[str, object]]:
        async with app_of(tmp_path, mailbag, SystemClock()) as app:
            await say(app, "x")
            decide(app, "approved")
            await mailbag.holds(2)
            decide(app, "rejected")
            await mailbag.holds(4)
            await app.settle()
            return stories(app)

    told = asyncio.run(story())

    assert mailbag.texts == ["beside", "0 approved", "1 rejected", "done"]
    assert (told[0]["status"], told[0]["nodes_executed"]) == ("completed", 9)


def test_end_conversation_in_another_branch_cancels_the_question(tmp_path: Path) -> None:
    write_bot(
        tmp_path,
        """
nodes:
  - {id: t, type: trigger}
  - {id: ho, type: action, data: {actionType: human_handoff, reason: why}}
  - {id: hold, type: logic, data: {logicType: wait}}
  - {id: bye, type: action, data: {actionType: end_conversation}}
edges: [t -> ho, t -> hold, hold -> bye]
""",
    )

    async def story(app: App) -> tuple[list[str], str, list[str]]:
        first = await say(app, "x")
        second = await say(app, "y")
        rows = app.database.read(lambda connection: handoffs.latest(connection))
        return [first, second], rows[0].status, [str(told["status"]) for told in stories(app)]

    assert in_an_app(tmp_path, story, clock=HeldClock()) == (
        ["waiting", "completed"],
        "cancelled",
        ["completed"],
    )


@pytest.mark.parametrize("reviewers", [[], ["ada"]])
def test_only_one_decision_counts(tmp_path: Path, reviewers: list[str]) -> None:
    write_bot(tmp_path, REFUND, f"handoff: {{reviewers: {reviewers}}}")
    mailbag = Mailbag()

    async def story() -> str:
        async with app_of(tmp_path, mailbag, SystemClock()) as app:
            await say(app, "order 7")
            asked = pending(app)[0]
            decide(app, "approved")
            with (
                closing(connect(app.state_folder / "state.db")) as connection,
                pytest.raises(Exception) as late,
            ):
                handoffs.decide(connection, asked.id, status="rejected", by="ada", now_ms=app.clock.now_ms())
            await mailbag.holds(2)
            return str(late.value)

    told = asyncio.run(story())

    assert "was approved by ada" in told
    assert mailbag.texts[-1].startswith("Paid")


@pytest.mark.parametrize(
    ("channel", "user", "status", "answered", "ending"),
    [
        ("ops", "boss", "approved", "approved by Boss: Refund for order 7", "Paid {{amount}}, boss: "),
        ("ops", "boss", "rejected", "rejected by Boss: Refund for order 7", "Declined: rejected"),
        ("ops", "stranger", "approved", "`stranger` may not decide handoff", ""),
        ("elsewhere", "boss", "approved", "nothing is asked here that this button could decide", ""),
        ("ops", "boss", "paid", "nothing is asked here that this button could decide", ""),
    ],
)
def test_a_button_decides_where_the_notice_went_and_for_those_who_may(
    tmp_path: Path, channel: str, user: str, status: str, answered: str, ending: str
) -> None:
    write_bot(tmp_path, REFUND, "handoff: {notify: [{console: ops}], reviewers: [boss]}")
    mailbag = Mailbag()

    async def story(app: App) -> list[str]:
        await say(app, "order 7")
        await app.settle()
        press = IncomingMessage(
            bot="b",
            platform="console",
            dedupe_key="",
            channel_id=channel,
            user_id=user,
            user_name=user.title(),
            text="Approve",
            kind="button",
            button_value=f"ho:{pending(app)[0].id}:{status}",
            received_at=2,
        )
        told = await (await app.inbox.accept(press)).answer()
        return list(told.messages)

    told = in_an_app(tmp_path, story, mailbag, HeldClock())

    assert told[0].startswith(answered)
    assert [text for text in mailbag.texts[2:] if text != told[0]] == ([ending] if ending else [])
