"""Erasure: nothing of a conversation is left, in no table and in no byte; nothing of others is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from botctl.messages import Attachment
from botctl.store import conversations, erasure, events, inbox, outbox, soundness
from botctl.store.database import connect, transaction
from tests.store.filled import NOW, Filled, delivered


@pytest.fixture
def filled(tmp_path: Path) -> Filled:
    return Filled(connect(tmp_path / "state.db"))


def talk(filled: Filled, user: str, *, key: str = "", ago: float = 20) -> int:
    """A conversation with something in every table; its number."""
    message = filled.message(f"the secret of {user}", user=user, key=key, ago=ago)
    run = filled.run(message, status="waiting")
    filled.handoff(run)
    filled.schedule(run)
    filled.ticket(run)
    filled.challenge(run)
    filled.verified(user)
    events.add(filled.connection, runner="b", run=run, kind="decision", value={}, now_ms=1)
    return inbox.get(filled.connection, message).conversation


def test_everything_of_a_conversation_goes_from_every_table_and_nothing_of_another(filled: Filled) -> None:
    ada = talk(filled, "ada")
    talk(filled, "bob")

    with transaction(filled.connection):
        removed = erasure.erase(filled.connection, ada, NOW)

    tables = (
        "steps once events outbox tickets handoffs schedules challenges runs inbox verified conversations"
    )
    assert removed == dict.fromkeys(tables.split(), 1)
    assert [filled.count(table) for table in tables.split()] == [1] * 12
    assert filled.texts("inbox") == ["the secret of bob"]
    assert soundness.findings(filled.connection) == []


def test_no_byte_of_it_is_left_on_the_disk(filled: Filled, tmp_path: Path) -> None:
    number = talk(filled, "adalovelace")
    filled.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    with transaction(filled.connection):
        erasure.erase(filled.connection, number, NOW)
    erasure.scrub(filled.connection)

    everything = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"adalovelace" not in everything


def test_a_message_that_is_delivered_again_after_all_was_erased_is_not_answered(filled: Filled) -> None:
    number = talk(filled, "ada", key="m:7", ago=2)
    talk(filled, "ada", key="m:1", ago=9)

    with transaction(filled.connection):
        erasure.erase(filled.connection, number, NOW)
    stored, is_new = inbox.add(filled.connection, delivered("the secret of ada", user="ada", key="m:7"))

    assert (is_new, inbox.fate(filled.connection, stored.seq)) == (False, ("ignored", "erased", None))
    assert (filled.texts("inbox"), erasure.kept_keys(filled.connection, "b", "custom")) == ([""], 1)
    assert soundness.findings(filled.connection) == []


def test_what_the_bot_holds_in_its_hands_is_named(filled: Filled) -> None:
    message = filled.message("hello")
    number = inbox.get(filled.connection, message).conversation

    told = [erasure.reason_to_wait(filled.connection, number)]
    run = filled.run(message, status="running")
    told.append(erasure.reason_to_wait(filled.connection, number))
    filled.connection.execute("UPDATE runs SET status = 'completed'")
    said = filled.reply(run, "more", number)
    told.append(erasure.reason_to_wait(filled.connection, number))
    outbox.sent(filled.connection, said, [], NOW)
    told.append(erasure.reason_to_wait(filled.connection, number))

    assert told == [
        "a message of it waits to be answered",
        "a run of it is under way",
        "a message of it waits to be sent",
        "",
    ]


def test_the_files_that_came_with_its_messages_are_named(filled: Filled) -> None:
    image = Attachment(kind="image", name="a.png", path="b/a.png")
    elsewhere = Attachment(kind="image", url="https://example.com/b.png")
    message = filled.message("look", attachments=(image, elsewhere))

    files = erasure.files_of(filled.connection, inbox.get(filled.connection, message).conversation)

    assert files == ["b/a.png"]


def test_the_history_of_others_is_not_cut_by_numbers_that_are_given_again(filled: Filled) -> None:
    filled.message("first", user="bob")
    bob = inbox.get(filled.connection, 1).conversation
    ada = talk(filled, "ada")
    conversations.cut(filled.connection, bob, 2)

    with transaction(filled.connection):
        erasure.erase(filled.connection, ada, NOW)
    inbox.finish(filled.connection, filled.message("second", user="bob"), 1)

    assert conversations.history(filled.connection, bob, 99, 20) == [("user", "second")]
