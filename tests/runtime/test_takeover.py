"""Takeover: while a person has a conversation the bot is silent in it, and in no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from botctl.errors import UserError
from botctl.runtime import takeover
from botctl.runtime.app import App
from botctl.store import conversations, directory, inbox
from tests.runtime.world import ECHO, Mailbag, in_an_app, incoming, write_bot

WAITS = """
nodes:
  - {id: t, type: trigger, data: {triggerType: message_received}}
  - {id: ask, type: send_message, data: {message: "your name?"}}
  - {id: w, type: logic, data: {logicType: wait}}
  - {id: say, type: send_message, data: {message: "hello {{message}}"}}
edges: [t -> ask, ask -> w, w -> say]
"""


async def say(app: App, text: str, user: str = "u") -> str:
    """A user writes; what became of the message."""
    answer = await (await app.inbox.accept(incoming(text, user=user))).answer()
    return answer.reason or answer.status


async def take(app: App, number: int = 1, by: str = "ada") -> None:
    entry = app.database.read(lambda connection: directory.find(connection, str(number)))
    await app.database.write(lambda connection: takeover.take(connection, entry, by))


async def hand_back(app: App, number: int = 1) -> None:
    entry = app.database.read(lambda connection: directory.find(connection, str(number)))
    await app.database.write(lambda connection: takeover.hand_back(connection, entry))


async def answer(app: App, text: str, by: str = "ada") -> None:
    entry = app.database.read(lambda connection: directory.find(connection, "1"))
    await app.database.write(lambda connection: takeover.answer(connection, entry, text, by, 5))
    app.look()


def test_a_bot_is_silent_in_a_taken_conversation_and_in_no_other(tmp_path: Path) -> None:
    write_bot(tmp_path, ECHO)
    mailbag = Mailbag()

    async def story(app: App) -> list[str]:
        first = await say(app, "one")
        await take(app)
        return [first, await say(app, "two"), await say(app, "/reset"), await say(app, "three", user="other")]

    kept = "kept for the person who has taken the conversation over: ada"
    assert in_an_app(tmp_path, story, mailbag) == ["completed", kept, kept, "completed"]
    assert mailbag.texts == ["you said one", "you said three"]


def test_a_run_that_waits_for_a_reply_is_not_woken_by_what_is_said_to_a_person(tmp_path: Path) -> None:
    write_bot(tmp_path, WAITS)
    mailbag = Mailbag()

    async def story(app: App) -> None:
        await say(app, "hi")
        await take(app)
        await say(app, "is there a person?")
        await answer(app, "yes, me")
        await hand_back(app)
        await say(app, "Zoë")

    in_an_app(tmp_path, story, mailbag)

    assert mailbag.texts == ["your name?", "yes, me", "hello Zoë"]


def test_what_was_said_to_and_by_a_person_is_history_when_the_bot_goes_on(tmp_path: Path) -> None:
    write_bot(tmp_path, ECHO)

    async def story(app: App) -> list[tuple[str, str]]:
        await say(app, "one")
        await take(app)
        await say(app, "two")
        await answer(app, "I am Ada")
        await hand_back(app)
        await say(app, "three")
        return app.database.read(lambda connection: conversations.history(connection, 1, 3, 20))

    said = in_an_app(tmp_path, story)

    assert ("user", "two") in said and ("assistant", "I am Ada") in said


def test_the_reason_of_a_kept_message_is_told(tmp_path: Path) -> None:
    write_bot(tmp_path, ECHO)

    async def story(app: App) -> object:
        await say(app, "one")
        await take(app)
        await say(app, "two")
        return app.database.read(lambda connection: inbox.fate_of(connection, 2))

    fate = in_an_app(tmp_path, story)

    assert fate == ("ignored", "kept for the person who has taken the conversation over: ada", "")


def test_a_conversation_has_one_person_at_a_time_and_only_that_one_answers(tmp_path: Path) -> None:
    write_bot(tmp_path, ECHO)

    async def story(app: App) -> list[str]:
        await say(app, "one")
        refused = []
        with pytest.raises(UserError) as early:
            await answer(app, "hello")
        await take(app)
        await take(app)
        with pytest.raises(UserError) as second:
            await take(app, by="bob")
        with pytest.raises(UserError) as stranger:
            await answer(app, "hello", by="bob")
        await hand_back(app)
        with pytest.raises(UserError) as twice:
            await hand_back(app)
        for one in (early, second, stranger, twice):
            refused.append(one.value.message)
        return refused

    assert in_an_app(tmp_path, story) == [
        "`ada` has not taken conversation 1 over",
        "`ada` has taken conversation 1 over",
        "`bob` has not taken conversation 1 over",
        "nobody has taken conversation 1 over",
    ]
