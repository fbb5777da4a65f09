"""The inbox: each message at most once, in order, whole."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from botctl.messages import Attachment, IncomingMessage
from botctl.store import inbox
from botctl.store.database import connect


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "state.db")


def _message(text: str, **fields: object) -> IncomingMessage:
    plain: dict[str, object] = {
        "bot": "b",
        "platform": "custom",
        "dedupe_key": "",
        "channel_id": "c",
        "user_id": "u",
        "received_at": 1,
    }
    return IncomingMessage(text=text, **{**plain, **fields})  # type: ignore[arg-type]


def test_a_message_with_a_known_key_is_stored_once(connection: sqlite3.Connection) -> None:
    first, is_new = inbox.add(connection, _message("one", dedupe_key="m:1"))
    again, is_new_again = inbox.add(connection, _message("one", dedupe_key="m:1"))

    assert (is_new, is_new_again, again.seq) == (True, False, first.seq)
    assert len(inbox.pending(connection, "b")) == 1


def test_messages_without_a_key_are_never_taken_for_one_another(connection: sqlite3.Connection) -> None:
    inbox.add(connection, _message("same"))
    inbox.add(connection, _message("same"))

    assert len(inbox.pending(connection, "b")) == 2


def test_the_same_key_on_another_platform_is_another_message(connection: sqlite3.Connection) -> None:
    inbox.add(connection, _message("one", dedupe_key="1"))
    inbox.add(connection, _message("two", dedupe_key="1", platform="telegram"))

    assert [stored.message.text for stored in inbox.pending(connection, "b")] == ["one", "two"]


def test_a_message_comes_back_whole(connection: sqlite3.Connection) -> None:
    message = _message(
        "look",
        kind="button",
        user_name="Zoë",
        thread_id="t",
        button_value="yes",
        attachments=(Attachment(kind="image", name="a.png", size=3),),
        reply={"token": "x"},
    )

    inbox.add(connection, message)

    assert [stored.message for stored in inbox.pending(connection, "b")] == [message]


def test_what_was_dealt_with_is_not_pending(connection: sqlite3.Connection) -> None:
    first, _ = inbox.add(connection, _message("one"))
    second, _ = inbox.add(connection, _message("two"))
    third, _ = inbox.add(connection, _message("three"))

    inbox.finish(connection, first.seq, 7)
    inbox.ignore(connection, second.seq, "not allowed")

    assert [stored.seq for stored in inbox.pending(connection, "b")] == [third.seq]
    assert inbox.fate(connection, second.seq) == ("ignored", "not allowed", None)
    assert inbox.fate(connection, first.seq) == ("done", "", 7)
