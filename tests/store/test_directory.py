"""The directory: conversations are found by number or by the beginning of their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from botctl.errors import UserError
from botctl.messages import ConversationKey
from botctl.store import directory, inbox
from botctl.store.database import connect, transaction
from botctl.store.directory import Line
from botctl.store.erasure import erase
from tests.store.filled import NOW, Filled


@pytest.fixture
def filled(tmp_path: Path) -> Filled:
    return Filled(connect(tmp_path / "state.db"))


def test_the_newest_conversation_comes_first_with_its_counts(filled: Filled) -> None:
    filled.run(filled.message("a", user="ada", ago=2, user_name="Ada"))
    filled.run(filled.message("b", user="bob", ago=1))
    filled.run(filled.message("c", user="bob"), status="waiting")

    told = [
        (entry.seq, entry.key, entry.user_name, entry.messages, entry.runs, entry.waiting)
        for entry in directory.latest(filled.connection, bot="b", most=5)
    ]

    assert told == [
        (2, ConversationKey("b", "custom", "bob", "bob", ""), "", 2, 2, 1),
        (1, ConversationKey("b", "custom", "ada", "ada", ""), "Ada", 1, 1, 0),
    ]
    assert directory.latest(filled.connection, bot="other", most=5) == []


@pytest.mark.parametrize(
    "text", ["2", "b/custom/bob/bob", "b/custom/bob/b", "custom/bob", "custom/bob/bob", "b/custom/b"]
)
def test_a_conversation_is_found_by_its_number_or_by_how_its_name_begins(filled: Filled, text: str) -> None:
    for user in ("ada", "bob"):
        filled.message("m", user=user)

    assert directory.find(filled.connection, text).key.user_id == "bob"


def test_a_whole_name_is_meant_itself_although_others_begin_with_it(filled: Filled) -> None:
    filled.message("m", user="bob")
    filled.message("m", user="bob", thread_id="t")

    assert directory.find(filled.connection, "b/custom/bob/bob").key.thread_id == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [("9", "there is no conversation `9`"), ("%", "there is no conversation"), ("custom/", "several")],
)
def test_what_names_none_or_several_is_told(filled: Filled, text: str, words: str) -> None:
    for user in ("ada", "bob"):
        filled.message("m", user=user)

    with pytest.raises(UserError, match=words) as caught:
        directory.find(filled.connection, text)

    assert caught.value.help


def test_keys_that_an_erasure_left_are_nobodys_conversation(filled: Filled) -> None:
    filled.message("m", key="k")
    with transaction(filled.connection):
        erase(filled.connection, 1, NOW)

    assert directory.latest(filled.connection, bot=None, most=5) == []


def test_what_was_said_is_told_in_order_with_runs_and_reasons(filled: Filled) -> None:
    filled.run(filled.message("hello", ago=2), ago=1)
    inbox.ignore(filled.connection, filled.message("psst"), "not allowed")

    lines = directory.said_in(filled.connection, 1, 10)

    day = 86_400_000
    assert lines == [
        Line(NOW - 2 * day, "user", "hello", "run1", "done", ""),
        Line(NOW - day, "bot", "reply to hello", "run1", "sent", ""),
        Line(NOW, "user", "psst", "", "ignored", "not allowed"),
    ]
    assert directory.said_in(filled.connection, 1, 1) == lines[-1:]
