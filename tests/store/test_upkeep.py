"""Upkeep: what is old and finished goes, whole; what something still needs stays, whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from botctl.errors import UserError
from botctl.store import events, inbox, outbox, soundness, upkeep
from botctl.store.database import connect
from botctl.store.upkeep import Bounds, Place, prune
from tests.store.filled import DAY, NOW, Filled, delivered
from tests.store.plans import plans_of

EVERYTHING = ("runs", "steps", "once", "inbox", "outbox", "tickets", "handoffs", "schedules", "challenges")


@pytest.fixture
def filled(tmp_path: Path) -> Filled:
    return Filled(connect(tmp_path / "state.db"))


def month(*, runs: float = 30, messages: float = 30) -> Bounds:
    """Older than so many days."""
    return Bounds(
        runs_before_ms=NOW - round(runs * DAY), messages_before_ms=NOW - round(messages * DAY), now_ms=NOW
    )


def pruned(filled: Filled, bounds: Bounds, most: int = 100) -> dict[str, int]:
    """A whole sweep; what it removed from which table."""
    removed: dict[str, int] = {}
    place: Place | None = Place()
    while place is not None:
        swept = prune(filled.connection, bounds, place, most)
        for table, rows in swept.removed.items():
            removed[table] = removed.get(table, 0) + rows
        place = swept.place
    return removed


def test_an_old_run_goes_with_all_that_is_of_it_and_a_young_one_stays_whole(filled: Filled) -> None:
    for text, ago in (("old", 31), ("young", 29)):
        run = filled.run(filled.message(text, ago=ago), ago=ago)
        filled.handoff(run, status="approved")
        filled.schedule(run, status="done")
        filled.ticket(run)
        filled.challenge(run, ago=ago)

    removed = pruned(filled, month())

    assert removed == dict.fromkeys(EVERYTHING, 1)
    assert [filled.count(table) for table in EVERYTHING] == [1] * len(EVERYTHING)
    assert filled.texts("inbox") == ["young"] and filled.texts("outbox") == ["reply to young"]
    assert soundness.findings(filled.connection) == []


@pytest.mark.parametrize(
    "reason",
    [
        "waiting",
        "running",
        "in doubt",
        "event",
        "reply to be sent",
        "handoff",
        "schedule",
        "fresh code",
        "child",
    ],
)
def test_an_old_run_that_something_still_needs_stays_with_its_message(filled: Filled, reason: str) -> None:
    message = filled.message("hello", ago=90)
    status = reason if reason in ("waiting", "running") else "completed"
    run = filled.run(message, status=status, ago=90, in_doubt=int(reason == "in doubt"))
    conversation = inbox.get(filled.connection, message).conversation
    if reason == "event":
        events.add(filled.connection, runner="b", run=run, kind="retry", value={}, now_ms=1)
    elif reason == "reply to be sent":
        filled.reply(run, "unsent", conversation, ago=90)
    elif reason == "handoff":
        filled.handoff(run)
    elif reason == "schedule":
        filled.schedule(run)
    elif reason == "fresh code":
        filled.challenge(run, ago=0.5)
    elif reason == "child":
        filled.run(message, status="waiting", ago=90, parent=run)
    filled.message("something newer")

    removed = pruned(filled, month())

    assert (removed, filled.texts("inbox")[0]) == ({}, "hello")


def test_a_run_goes_together_with_those_that_it_called(filled: Filled) -> None:
    message = filled.message("hello", ago=90)
    filled.run(message, ago=90, parent=filled.run(message, ago=90))
    filled.message("something newer")

    removed = pruned(filled, month())

    assert removed == {"runs": 2, "steps": 2, "once": 2, "inbox": 1, "outbox": 2}


def test_the_messages_of_a_conversation_in_which_something_waits_stay(filled: Filled) -> None:
    filled.run(filled.message("long ago", ago=90), ago=90)
    filled.run(filled.message("and wait", ago=80), ago=80, status="waiting")
    inbox.ignore(filled.connection, filled.message("held", ago=70), "kept for the reviewer")
    filled.message("from somebody else", user="v")

    pruned(filled, month())

    assert filled.texts("inbox") == ["long ago", "and wait", "held", "from somebody else"]
    assert soundness.findings(filled.connection) == []


def test_pending_messages_are_never_removed_whichever_way_they_go(filled: Filled) -> None:
    message = filled.message("not answered yet", ago=90)
    filled.reply(None, "not sent yet", inbox.get(filled.connection, message).conversation, ago=90)
    filled.message("something newer")

    assert pruned(filled, month()) == {}


def test_the_key_of_a_message_stays_eight_days_without_its_text(filled: Filled) -> None:
    for text, ago in (("nine", 9), ("seven", 7)):
        message = filled.message(text, ago=ago, key=text, user_name="Zoë")
        filled.run(message, ago=ago)
    filled.message("newest")

    pruned(filled, month(runs=1, messages=1))
    _, is_new_after_nine = inbox.add(filled.connection, delivered("again", key="nine"))
    _, is_new_after_seven = inbox.add(filled.connection, delivered("again", key="seven"))

    assert (is_new_after_nine, is_new_after_seven) == (True, False)
    assert filled.texts("inbox") == ["", "newest", "again"]
    assert inbox.fate(filled.connection, 2) == ("done", "", None)


def test_a_conversation_stays_as_long_as_anything_of_it_does(filled: Filled) -> None:
    filled.run(filled.message("gone", user="a", ago=90), ago=90)
    filled.run(filled.message("waits", user="b", ago=90), ago=90, status="waiting")
    filled.run(filled.message("fresh", user="c", ago=1), ago=1)

    pruned(filled, month())

    left = filled.connection.execute("SELECT user_id FROM conversations ORDER BY seq").fetchall()
    assert left == [("b",), ("c",)]


def test_what_a_repeating_schedule_said_long_ago_goes_though_its_run_stays(filled: Filled) -> None:
    message = filled.message("remind me daily", ago=90)
    run = filled.run(message, ago=90)
    filled.schedule(run)
    conversation = inbox.get(filled.connection, message).conversation
    for ago in (60, 1):
        said = filled.reply(run, f"{ago} days ago", conversation, ago=ago, said_by="order")
        outbox.sent(filled.connection, said, [], NOW)

    pruned(filled, month())

    assert filled.texts("outbox") == ["reply to remind me daily", "1 days ago"]


def test_a_number_is_never_given_to_two_messages(filled: Filled) -> None:
    last = filled.message("the last for a long time", ago=90)
    inbox.ignore(filled.connection, last, "/reset: the conversation was closed")

    pruned(filled, month())

    assert filled.message("the next") == last + 1


@pytest.mark.parametrize("most", [1, 2, 7])
def test_small_parts_of_a_sweep_remove_what_a_large_one_does(filled: Filled, most: int) -> None:
    for number in range(12):
        filled.run(filled.message("m", user=f"u{number % 3}", ago=90 - number), ago=90 - number)

    removed = pruned(filled, month(runs=84, messages=84), most)

    assert removed == {"runs": 6, "steps": 6, "once": 6, "inbox": 6, "outbox": 6}


def test_no_part_of_a_sweep_reads_a_table_from_end_to_end(filled: Filled) -> None:
    for number in range(5):
        filled.run(filled.message("m", user=f"u{number}", ago=90), ago=90)
    place: Place | None = Place()

    plans: list[str] = []
    while place is not None:
        here = place
        plans += plans_of(filled.connection, lambda connection: prune(connection, month(), here, 100))  # noqa: B023
        place = prune(filled.connection, month(), here, 100).place

    assert [plan for plan in plans if plan.startswith("SCAN") and "CONSTANT" not in plan] == []


def test_definitions_go_when_no_run_uses_them(filled: Filled) -> None:
    filled.run(filled.message("m"))
    filled.connection.execute("INSERT INTO definitions VALUES ('older', 'f', 't')")

    assert (upkeep.drop_definitions(filled.connection), filled.count("definitions")) == (1, 1)


def test_sizes_tell_the_rows_of_every_table(filled: Filled) -> None:
    filled.run(filled.message("m"))

    told = {size.table: size.rows for size in upkeep.sizes(filled.connection) if size.rows}

    assert told == {
        "conversations": 1,
        "inbox": 1,
        "definitions": 1,
        "runs": 1,
        "steps": 1,
        "once": 1,
        "outbox": 1,
    }


def test_a_backup_is_whole_readable_by_its_owner_only_and_overwrites_nothing(
    filled: Filled, tmp_path: Path
) -> None:
    filled.run(filled.message("m"))
    copy = tmp_path / "copy.db"

    upkeep.backup(filled.connection, copy)
    with pytest.raises(UserError, match="already") as caught:
        upkeep.backup(filled.connection, copy)

    assert caught.value.help and (copy.stat().st_mode & 0o777, len(list(tmp_path.glob("copy*")))) == (
        0o600,
        1,
    )
    assert Filled(connect(copy)).texts("inbox") == ["m"]


def test_a_backup_that_cannot_be_written_leaves_nothing_behind(filled: Filled, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        upkeep.backup(filled.connection, tmp_path / "nowhere" / "copy.db")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["state.db", "state.db-shm", "state.db-wal"]


def test_the_room_of_what_was_removed_is_given_back(filled: Filled, tmp_path: Path) -> None:
    for number in range(200):
        filled.message("x" * 2_000, user=str(number), ago=90)
    filled.connection.execute("UPDATE inbox SET status = 'ignored'")
    filled.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = (tmp_path / "state.db").stat().st_size
    pruned(filled, month())

    upkeep.compact(filled.connection)

    assert (tmp_path / "state.db").stat().st_size < before / 2
