"""Delegation: one bot calls another, in the same conversation, with its own workflow."""

from __future__ import annotations

import asyncio
from pathlib import Path

from botctl.clock import SystemClock
from botctl.runtime.app import App
from tests.runtime.test_handoffs import decide
from tests.runtime.test_waits import say
from tests.runtime.world import HeldClock, Mailbag, app_of, in_an_app, write_bot

RECEPTION = """
nodes:
  - {id: t, type: trigger}
  - {id: hi, type: send_message, data: {message: "One moment."}}
  - {id: ask, type: delegate_to_bot, data: {target_bot_id: bt_billing, outputVariable: answer,
      context: {customer: "{{user_id}}", intent: bill}}}
  - {id: say, type: send_message, data: {message: "Billing says: {{answer}}"}}
  - {id: oops, type: send_message, data: {message: "Nobody there: {{error.message}}"}}
edges: [t -> hi, hi -> ask, ask -> say, ask.error -> oops]
"""
BILLING = """
nodes:
  - {id: t, type: trigger}
  - {id: a, type: send_message, data: {message: "{{customer}} asked `{{message}}` ({{intent}})"}}
edges: [t -> a]
"""
ASKS_BACK = """
nodes:
  - {id: t, type: trigger}
  - {id: which, type: send_message, data: {message: "Which year?"}}
  - {id: hold, type: logic, data: {logicType: wait}}
  - {id: a, type: send_message, data: {message: "The bill of {{message}}."}}
edges: [t -> which, which -> hold, hold -> a]
"""


def hire(folder: Path, name: str, workflow: str, id: str = "") -> None:
    """One more bot of the project."""
    bot = folder / "bots" / name
    bot.mkdir(parents=True)
    more = f"\nid: {id}" if id else ""
    (bot / "bot.yaml").write_text(f"name: {name}{more}\nworkflow: workflow.yaml\n")
    (bot / "workflow.yaml").write_text(workflow)


def family(app: App) -> list[tuple[str, str, str]]:
    """(bot, status, its caller's bot) of all runs, oldest first."""

    def tell(connection):  # type: ignore[no-untyped-def]
        return connection.execute(
            "SELECT r.bot, r.status, coalesce(p.bot, '') FROM runs r LEFT JOIN runs p ON p.seq = r.parent"
            " ORDER BY r.seq"
        ).fetchall()

    return app.database.read(tell)  # type: ignore[no-any-return]


def test_the_other_bot_answers_with_the_context_and_its_words_are_the_result(tmp_path: Path) -> None:
    write_bot(tmp_path, RECEPTION)
    hire(tmp_path, "billing", BILLING, "bt_billing")
    mailbag = Mailbag()

    async def story(app: App) -> list[object]:
        return [await say(app, "my bill"), family(app)]

    told = in_an_app(tmp_path, story, mailbag)

    assert told == ["completed", [("b", "completed", ""), ("billing", "completed", "b")]]
    assert mailbag.texts == ["One moment.", "Billing says: u asked `my bill` (bill)"]


def test_a_bot_that_waits_makes_its_caller_wait_also_across_a_restart(tmp_path: Path) -> None:
    write_bot(tmp_path, RECEPTION)
    hire(tmp_path, "bt_billing", ASKS_BACK)
    mailbag = Mailbag()

    first = in_an_app(tmp_path, lambda app: say(app, "my bill"), mailbag)
    second = in_an_app(tmp_path, lambda app: say(app, "2025"), mailbag)

    assert (first, second) == ("waiting", "completed")
    assert mailbag.texts == ["One moment.", "Which year?", "Billing says: The bill of 2025."]


def test_a_handoff_inside_a_called_bot_wakes_it_and_then_its_caller(tmp_path: Path) -> None:
    write_bot(tmp_path, RECEPTION)
    hire(
        tmp_path,
        "bt_billing",
        """
nodes:
  - {id: t, type: trigger}
  - {id: ho, type: action, data: {actionType: human_handoff, reason: why}}
  - {id: a, type: send_message, data: {message: "{{handoff.status}}"}}
edges: [t -> ho, ho.approved -> a]
""",
    )
    mailbag = Mailbag()

    async def story() -> list[tuple[str, str, str]]:
        async with app_of(tmp_path, mailbag, SystemClock()) as app:
            await say(app, "my bill")
            decide(app, "approved")
            async with asyncio.timeout(5):
                await mailbag.holds(2)
            await app.settle()
            return family(app)

    told = asyncio.run(story())

    assert mailbag.texts == ["One moment.", "Billing says: approved"]
    assert [status for _, status, _ in told] == ["completed", "completed"]


def test_a_failure_of_the_other_bot_goes_the_callers_error_path(tmp_path: Path) -> None:
    write_bot(tmp_path, RECEPTION)
    broken = BILLING.replace("send_message", "loop").replace(
        "{message:", "{loopType: for_each, arrayVariable: x, label:"
    )
    hire(
        tmp_path,
        "bt_billing",
        broken.replace("edges: [t -> a]", "edges: [t -> a, a.loop_body -> e]").replace(
            "edges:", "  - {id: e, type: send_message, data: {message: m}}\nedges:"
        ),
    )
    mailbag = Mailbag()

    in_an_app(tmp_path, lambda app: say(app, "my bill"), mailbag)

    assert mailbag.texts[-1].startswith("Nobody there: the other bot failed: `x` is")


def test_at_most_three_hops_are_made(tmp_path: Path) -> None:
    write_bot(tmp_path, RECEPTION.replace("bt_billing", "h1"))
    for number in range(1, 5):
        onward = RECEPTION.replace("bt_billing", f"h{number + 1}").replace("Billing says: ", f"{number} ")
        hire(tmp_path, f"h{number}", onward)
    hire(tmp_path, "h5", BILLING)
    mailbag = Mailbag()

    in_an_app(tmp_path, lambda app: say(app, "x"), mailbag)

    assert mailbag.texts[-1] == (
        "Billing says: 1 2 One moment.\nNobody there: `h4` would be the 4th bot in a row to delegate on"
    )


def test_a_bot_that_is_not_there_is_an_error_with_its_name(tmp_path: Path) -> None:
    write_bot(tmp_path, RECEPTION)
    mailbag = Mailbag()

    in_an_app(tmp_path, lambda app: say(app, "x"), mailbag)

    assert mailbag.texts[-1] == "Nobody there: there is no bot `bt_billing` in this project"


def test_ending_the_conversation_in_a_called_bot_ends_only_that_bot(tmp_path: Path) -> None:
    write_bot(tmp_path, RECEPTION)
    ends = BILLING.replace("edges: [t -> a]", "edges: [t -> a, a -> end]").replace(
        "edges:", "  - {id: end, type: action, data: {actionType: end_conversation}}\nedges:"
    )
    hire(tmp_path, "bt_billing", ends)
    mailbag = Mailbag()

    in_an_app(tmp_path, lambda app: say(app, "x"), mailbag)

    assert mailbag.texts[-1] == "Billing says: u asked `x` (bill)"


def test_starting_over_cancels_the_called_bot_too(tmp_path: Path) -> None:
    write_bot(tmp_path, RECEPTION)
    hire(tmp_path, "bt_billing", ASKS_BACK)

    async def story(app: App) -> list[tuple[str, str, str]]:
        await say(app, "my bill")
        await say(app, "/reset")
        return family(app)

    told = in_an_app(tmp_path, story, clock=HeldClock())

    assert told == [("b", "cancelled", ""), ("bt_billing", "cancelled", "b")]


def test_bots_called_side_by_side_all_answer(tmp_path: Path) -> None:
    write_bot(
        tmp_path,
        """
nodes:
  - {id: t, type: trigger}
  - {id: p, type: parallel}
  - {id: one, type: delegate_to_bot, data: {target_bot_id: x, outputVariable: first, context: {customer: a}}}
  - {id: two, type: delegate_to_bot, data: {target_bot_id: x, outputVariable: second, context: {customer: b}}}
  - {id: both, type: send_message, data: {message: "{{first}} / {{second}}"}}
edges: [t -> p, p -> one, p -> two, one -> both, two -> both]
""",
    )
    hire(tmp_path, "x", BILLING)
    mailbag = Mailbag()

    in_an_app(tmp_path, lambda app: say(app, "m"), mailbag)

    assert mailbag.texts == ["a asked `m` ({{intent}}) / b asked `m` ({{intent}})"]
