"""The way of a message: stored, worked on in order, delivered; across restarts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from botctl.errors import UserError
from botctl.platforms.platform import SendError
from botctl.runtime.app import App
from botctl.store import inbox, outbox
from tests.runtime.world import Mailbag, app_of, in_an_app, incoming, write_bot


def test_a_message_is_answered(tmp_path: Path) -> None:
    write_bot(tmp_path)
    mailbag = Mailbag()

    async def story(app: App) -> tuple[str, tuple[str, ...]]:
        answer = await (await app.inbox.accept(incoming("hi"))).answer()
        return answer.status, answer.messages

    assert in_an_app(tmp_path, story, mailbag) == ("completed", ("you said hi",))
    assert mailbag.texts == ["you said hi"]


def test_a_redelivered_message_is_answered_once_and_told_the_same(tmp_path: Path) -> None:
    write_bot(tmp_path)
    mailbag = Mailbag()

    async def story(app: App) -> list[object]:
        first = await app.inbox.accept(incoming("hi", key="m:1"))
        again = await app.inbox.accept(incoming("hi", key="m:1"))
        answers = [await first.answer(), await again.answer()]
        late = await app.inbox.accept(incoming("hi", key="m:1"))
        answers.append(await late.answer())
        return [again.duplicate, late.duplicate, *{(answer.run_id, answer.messages) for answer in answers}]

    duplicate, late, *answers = in_an_app(tmp_path, story, mailbag)

    assert (duplicate, late, len(answers)) == (True, True, 1)
    assert mailbag.texts == ["you said hi"]


def test_a_redelivery_after_a_restart_is_told_what_the_first_was_told(tmp_path: Path) -> None:
    write_bot(tmp_path)
    mailbag = Mailbag()

    async def story(app: App) -> tuple[str, tuple[str, ...]]:
        answer = await (await app.inbox.accept(incoming("hi", key="m:1"))).answer()
        return answer.run_id, answer.messages

    assert in_an_app(tmp_path, story, mailbag) == in_an_app(tmp_path, story, mailbag)
    assert mailbag.texts == ["you said hi"]


def test_messages_of_one_conversation_are_answered_in_order_and_conversations_side_by_side(
    tmp_path: Path,
) -> None:
    write_bot(tmp_path)
    mailbag = Mailbag()

    async def story(app: App) -> None:
        for number in range(10):
            for user in ("a", "b", "c"):
                await app.inbox.accept(incoming(str(number), user=user))

    in_an_app(tmp_path, story, mailbag)

    for user in ("a", "b", "c"):
        texts = [message.text for message in mailbag.sent if message.channel_id == user]
        assert texts == [f"you said {number}" for number in range(10)]


def test_an_accepted_message_that_was_not_worked_on_is_answered_after_the_next_start(tmp_path: Path) -> None:
    write_bot(tmp_path)
    mailbag = Mailbag()

    async def die_before_working(app: App) -> None:
        await app.database.write(lambda connection: inbox.add(connection, incoming("left behind")))

    in_an_app(tmp_path, die_before_working)

    async def nothing(app: App) -> int:
        return app.recovered

    assert in_an_app(tmp_path, nothing, mailbag) == 1
    assert mailbag.texts == ["you said left behind"]


def test_a_message_that_could_not_be_sent_is_tried_again_and_the_next_waits_for_it(tmp_path: Path) -> None:
    write_bot(tmp_path)
    mailbag = Mailbag()
    mailbag.faults = [SendError("busy", retry_after=3), SendError("busy")]

    async def story(app: App) -> None:
        await app.inbox.accept(incoming("one"))
        await app.inbox.accept(incoming("two"))

    in_an_app(tmp_path, story, mailbag)

    assert mailbag.texts == ["you said one", "you said two"]


def test_what_can_never_be_sent_becomes_a_dead_letter_and_the_next_goes_on(tmp_path: Path) -> None:
    write_bot(tmp_path)
    mailbag = Mailbag()
    mailbag.faults = [SendError("the user has blocked the bot", permanent=True)]

    async def story(app: App) -> dict[str, int]:
        await app.inbox.accept(incoming("one"))
        await app.inbox.accept(incoming("two"))
        await app.settle()
        return app.database.read(lambda connection: outbox.counts(connection, "b"))

    assert in_an_app(tmp_path, story, mailbag) == {"pending": 0, "dead": 1}
    assert mailbag.texts == ["you said two"]


def test_a_user_who_is_not_allowed_is_told_nothing_and_the_reason_is_kept(tmp_path: Path) -> None:
    write_bot(tmp_path, settings="allow: {users: [ada]}")
    mailbag = Mailbag()

    async def story(app: App) -> tuple[str, str]:
        answer = await (await app.inbox.accept(incoming("hi", user="ben"))).answer()
        await (await app.inbox.accept(incoming("hi", user="ada"))).answer()
        return answer.status, answer.reason

    assert in_an_app(tmp_path, story, mailbag) == ("ignored", "not allowed (`allow` in bot.yaml)")
    assert [message.channel_id for message in mailbag.sent] == ["ada"]


def test_a_bot_runs_once(tmp_path: Path) -> None:
    write_bot(tmp_path)

    async def story(app: App) -> str:
        with pytest.raises(UserError) as caught:
            async with app_of(tmp_path, Mailbag()):
                pass
        return caught.value.message

    assert "bot `b` is already running (process" in in_an_app(tmp_path, story)


def test_a_finished_conversation_leaves_nothing_in_memory(tmp_path: Path) -> None:
    write_bot(tmp_path)

    async def story(app: App) -> tuple[bool, int]:
        for number in range(30):
            await app.inbox.accept(incoming("hi", user=str(number)))
        await app.settle()
        await asyncio.sleep(0)
        return app.router.crew.is_idle, len(app.router._queues) + len(app.router._under_way) + len(
            app.delivery._lanes
        )

    assert in_an_app(tmp_path, story) == (True, 0)


def test_editing_the_workflow_does_not_change_a_run_that_is_under_way(tmp_path: Path) -> None:
    write_bot(tmp_path)

    async def story(app: App) -> str:
        bot = app.bots["b"]
        pinned = bot.program.definition
        await app.inbox.accept(incoming("hi"))
        return pinned

    pinned = in_an_app(tmp_path, story)
    write_bot(tmp_path, workflow="nodes: [{id: only, type: trigger}]\nedges: []\n")

    async def later(app: App) -> list[str]:
        return list(app.bots["b"].program_of(pinned, app.database).graph.nodes)

    assert in_an_app(tmp_path, later) == ["t", "say"]


def test_a_proactive_message_goes_elsewhere_and_is_no_answer(tmp_path: Path) -> None:
    write_bot(
        tmp_path,
        """
nodes:
  - {id: t, type: trigger}
  - {id: ops, type: send_proactive, data: {message: "{{user_id}}: {{message}}", target_channel_id: ops}}
  - {id: say, type: send_message, data: {message: told them}}
edges: [t -> ops, ops -> say]
""",
    )
    mailbag = Mailbag()

    async def story(app: App) -> list[tuple[str, ...]]:
        first = await (await app.inbox.accept(incoming("fire", user="ada", key="m:1"))).answer()
        again = await (await app.inbox.accept(incoming("fire", user="ada", key="m:1"))).answer()
        return [first.messages, again.messages]

    assert in_an_app(tmp_path, story, mailbag) == [("told them",)] * 2
    assert {(message.channel_id, message.text, message.purpose) for message in mailbag.sent} == {
        ("ops", "ada: fire", "proactive"),
        ("ada", "told them", "reply"),
    }


def test_the_welcome_is_said_once_to_each_conversation_across_restarts(tmp_path: Path) -> None:
    write_bot(tmp_path, settings="welcome_message: Welcome!")
    mailbag = Mailbag()

    async def story(app: App) -> tuple[str, ...]:
        return (await (await app.inbox.accept(incoming("hi", user="ada"))).answer()).messages

    told = [in_an_app(tmp_path, story, mailbag), in_an_app(tmp_path, story, mailbag)]

    assert told == [("Welcome!", "you said hi"), ("you said hi",)]
    assert mailbag.texts == ["Welcome!", "you said hi", "you said hi"]
