"""Handoffs: decided once, by whoever may, about what was shown."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict, replace

from botctl.errors import UserError
from botctl.store import events, handoffs
from botctl.store.database import connect, transaction
from botctl.store.handoffs import HandoffRow, shown_hash
from tests.store.plans import plans_of

NOW = 1_767_225_600_000
HOUR = 3_600_000
WAYS = {"approved": ["refund (mcp_tool orders__refund)"], "rejected": ["sorry (send_message)"], "expired": []}


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "state.db")


def handoff(id: str = "3f2k9", **fields: Any) -> HandoffRow:
    """A handoff of run 7 in conversation 1, asked now, for an hour."""
    return HandoffRow(
        **{
            "id": id,
            "bot": "support-bot",
            "runner": "support-bot",
            "run": 7,
            "conversation": 1,
            "node": "ask",
            "frame": "",
            "reason": "a refund of 800 €",
            "ways_out": WAYS,
            "variables": {"amount": 800},
            "shown_hash": shown_hash("run7", "ask", "", "a refund of 800 €", WAYS),
            "requester": "zoe",
            "created_at": NOW,
            "expires_at": NOW + HOUR,
            **fields,
        }
    )


def decided(connection: sqlite3.Connection, id: str = "3f2k9", **fields: Any) -> HandoffRow:
    """A decision by anna, a minute later."""
    words: dict[str, Any] = {"status": "approved", "by": "anna", "now_ms": NOW + 60_000, **fields}
    return handoffs.decide(connection, id, **words)


def refused(connection: sqlite3.Connection, **fields: Any) -> tuple[str, str | None]:
    """(fact, way out) of a decision that is refused, after which nothing is changed."""
    before = (handoffs.latest(connection), events.pending(connection, ["support-bot"]))
    with pytest.raises(UserError) as caught:
        decided(connection, **fields)
    assert (handoffs.latest(connection), events.pending(connection, ["support-bot"])) == before
    return caught.value.message, caught.value.help


def test_a_handoff_comes_back_whole(connection: sqlite3.Connection) -> None:
    row = handoff(
        reviewers=("anna", "Bob"),
        notify=({"email": "a@b.c"}, {"telegram": "12345"}),
        escalate=({"email": "boss@b.c"},),
        variables={"name": "Zoë", "items": [1, {"a": None}]},
        allow_self=1,
        remind_at=NOW + 5,
        frame='[["loop",2]]',
    )

    seq = handoffs.add(connection, row)

    assert handoffs.get(connection, "3f2k9") == replace(row, seq=seq)


def test_a_decision_is_kept_and_leaves_the_event_that_wakes_the_run(connection: sqlite3.Connection) -> None:
    handoffs.add(connection, handoff(runner="root-bot"))

    row = decided(connection, note="fine", sets={"amount": 700})

    assert row == handoffs.get(connection, "3f2k9")
    assert (row.status, row.decided_by, row.note, row.sets, row.decided_at) == (
        "approved",
        "anna",
        "fine",
        {"amount": 700},
        NOW + 60_000,
    )
    assert [asdict(event) for event in events.pending(connection, ["root-bot"])] == [
        {
            "seq": 1,
            "run": 7,
            "kind": "decision",
            "value": {
                "handoff": "3f2k9",
                "status": "approved",
                "by": "anna",
                "note": "fine",
                "sets": {"amount": 700},
            },
        }
    ]


def test_the_second_decision_is_told_who_decided_what_and_when(connection: sqlite3.Connection) -> None:
    handoffs.add(connection, handoff())
    decided(connection, status="rejected")

    assert refused(connection, by="bob") == (
        "handoff `3f2k9` was rejected by anna at 2026-01-01T00:01:00.000Z",
        "`botctl handoff show 3f2k9` tells the rest",
    )


def test_what_was_cancelled_cannot_be_decided(connection: sqlite3.Connection) -> None:
    handoffs.add(connection, handoff())
    handoffs.cancel(connection, "3f2k9", "the conversation was reset", NOW + 1_000)

    assert refused(connection)[0] == (
        "handoff `3f2k9` was cancelled at 2026-01-01T00:00:01.000Z: the conversation was reset"
    )


def test_what_expired_cannot_be_decided_even_before_a_runner_notices(connection: sqlite3.Connection) -> None:
    handoffs.add(connection, handoff())

    unnoticed = refused(connection, now_ms=NOW + HOUR)
    handoffs.expire_due(connection, ["support-bot"], NOW + HOUR)
    noticed = refused(connection, now_ms=NOW + HOUR)

    assert unnoticed == noticed
    assert noticed[0] == "handoff `3f2k9` expired at 2026-01-01T01:00:00.000Z"


def test_only_reviewers_decide_however_they_write_their_names(connection: sqlite3.Connection) -> None:
    handoffs.add(connection, handoff(reviewers=("Anna", "bob@example.com")))

    fact = refused(connection, by="carl")

    assert fact == ("`carl` may not decide handoff `3f2k9`", "these may: Anna, bob@example.com")
    assert decided(connection, by="BOB@example.com").status == "approved"


def test_nobody_decides_his_own_request_unless_that_is_allowed(connection: sqlite3.Connection) -> None:
    handoffs.add(connection, handoff(reviewers=("Zoe",)))
    handoffs.add(connection, handoff("allowed", allow_self=1))

    fact, _ = refused(connection, by="zoe")

    assert fact == "`zoe` asked for what handoff `3f2k9` is about, and may not decide it"
    assert decided(connection, "allowed", by="zoe").decided_by == "zoe"


def test_a_decision_about_something_else_than_what_was_shown_is_refused(
    connection: sqlite3.Connection,
) -> None:
    handoffs.add(connection, handoff())

    fact, _ = refused(connection, shown=shown_hash("run7", "ask", "", "a refund of 80 €", WAYS))

    assert fact == "handoff `3f2k9` is not what was shown any more: its run has moved on"
    assert decided(connection, shown=handoff().shown_hash).status == "approved"


@pytest.mark.parametrize(
    "other",
    [
        ("run8", "ask", "", "why", WAYS),
        ("run7", "ask2", "", "why", WAYS),
        ("run7", "ask", '[["loop",2]]', "why", WAYS),
        ("run7", "ask", "", "why not", WAYS),
        ("run7", "ask", "", "why", {**WAYS, "approved": []}),
    ],
)
def test_the_hash_differs_with_all_that_is_shown(other: tuple[str, str, str, str, Any]) -> None:
    assert shown_hash(*other) != shown_hash("run7", "ask", "", "why", WAYS)


def test_the_hash_does_not_depend_on_the_order_of_the_answers() -> None:
    backwards = dict(reversed(WAYS.items()))

    assert shown_hash("run7", "ask", "", "why", backwards) == shown_hash("run7", "ask", "", "why", WAYS)


def test_of_many_who_decide_at_once_exactly_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with closing(connect(path)) as first:
        handoffs.add(first, handoff())
    start = threading.Barrier(8)
    told: list[str] = []

    def reviewer(name: str) -> None:
        with closing(connect(path)) as own:
            start.wait()
            try:
                with transaction(own):
                    told.append("won as " + decided(own, by=name).decided_by)
            except UserError as error:
                told.append(error.message.split(" at ")[0])

    threads = [threading.Thread(target=reviewer, args=(f"r{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with closing(connect(path)) as after:
        winner = handoffs.get(after, "3f2k9").decided_by
        assert sorted(told) == [*[f"handoff `3f2k9` was approved by {winner}"] * 7, f"won as {winner}"]
        assert len(events.for_run(after, 7, "decision")) == 1


def test_what_is_due_expires_once_and_wakes_its_run(connection: sqlite3.Connection) -> None:
    handoffs.add(connection, handoff("late"))
    handoffs.add(connection, handoff("later", expires_at=NOW + HOUR + 1))
    handoffs.add(connection, handoff("other", runner="other-bot"))

    first = handoffs.expire_due(connection, ["support-bot", "nobody"], NOW + HOUR)
    second = handoffs.expire_due(connection, ["support-bot"], NOW + HOUR)

    assert ([(row.id, row.status, row.decided_by) for row in first], second) == (
        [("late", "expired", "")],
        [],
    )
    assert [event.value for event in events.pending(connection, ["support-bot", "other-bot"])] == [
        {"handoff": "late", "status": "expired", "by": "", "note": "", "sets": {}}
    ]


def test_somebody_is_reminded_once(connection: sqlite3.Connection) -> None:
    handoffs.add(connection, handoff("soon", remind_at=NOW + 10))
    handoffs.add(connection, handoff("never"))
    handoffs.add(connection, handoff("done", remind_at=NOW + 10))
    decided(connection, "done")

    reminded = [
        [row.id for row in handoffs.remind_due(connection, ["support-bot"], NOW + at)] for at in (9, 10, 11)
    ]

    assert reminded == [[], ["soon"], []]


def test_the_next_moment_is_the_first_reminder_or_expiry_of_what_is_pending(
    connection: sqlite3.Connection,
) -> None:
    moments = [handoffs.next_moment(connection, ["support-bot"])]
    handoffs.add(connection, handoff("a", remind_at=NOW + 10))
    handoffs.add(connection, handoff("b", expires_at=NOW + 20))
    handoffs.add(connection, handoff("c", runner="other-bot", expires_at=NOW + 1))
    moments.append(handoffs.next_moment(connection, ["support-bot"]))
    handoffs.remind_due(connection, ["support-bot"], NOW + 10)
    moments.append(handoffs.next_moment(connection, ["support-bot"]))
    decided(connection, "b", now_ms=NOW)
    moments.append(handoffs.next_moment(connection, ["support-bot", "nobody"]))
    moments.append(handoffs.next_moment(connection, []))

    assert moments == [None, NOW + 10, NOW + 20, NOW + HOUR, None]


def test_cancelling_closes_only_what_is_pending(connection: sqlite3.Connection) -> None:
    handoffs.add(connection, handoff("a"))
    handoffs.add(connection, handoff("b", run=8))
    handoffs.add(connection, handoff("c", run=9, conversation=2))
    decided(connection, "a")

    closed = (
        handoffs.cancel_of_run(connection, 7, "no", NOW),
        handoffs.cancel_of_run(connection, 8, "the run was cancelled", NOW),
        handoffs.cancel_of_conversation(connection, 2, "/reset", NOW),
        handoffs.cancel(connection, "c", "again", NOW),
    )

    assert closed == (0, 1, 1, False)
    assert [(row.id, row.status, row.note) for row in handoffs.latest(connection)] == [
        ("c", "cancelled", "/reset"),
        ("b", "cancelled", "the run was cancelled"),
        ("a", "approved", ""),
    ]


def test_the_user_is_told_once(connection: sqlite3.Connection) -> None:
    handoffs.add(connection, handoff())

    assert [handoffs.tell_user(connection, "3f2k9") for _ in range(2)] == [True, False]


def test_the_oldest_pending_handoff_of_a_conversation_is_found(connection: sqlite3.Connection) -> None:
    for id in ("a", "b", "c"):
        handoffs.add(connection, handoff(id))
    handoffs.add(connection, handoff("d", conversation=2))
    decided(connection, "a")

    oldest = handoffs.pending_in(connection, 1)

    assert (oldest and oldest.id, handoffs.pending_in(connection, 3)) == ("b", None)
    assert handoffs.counts(connection, "support-bot") == 3


def test_handoffs_are_listed_newest_first_by_bot_and_status(connection: sqlite3.Connection) -> None:
    handoffs.add(connection, handoff("a"))
    handoffs.add(connection, handoff("b", bot="other"))
    handoffs.add(connection, handoff("c"))
    decided(connection, "a")

    def listed(**asked: Any) -> list[str]:
        return [row.id for row in handoffs.latest(connection, **asked)]

    assert [
        listed(),
        listed(most=2),
        listed(bot="support-bot"),
        listed(status="pending"),
        listed(bot="support-bot", status="pending"),
        listed(status="approved"),
        [row.id for row in handoffs.of_run(connection, 7)],
    ] == [["c", "b", "a"], ["c", "b"], ["c", "a"], ["c", "b"], ["c"], ["a"], ["a", "b", "c"]]


def test_a_handoff_is_found_by_the_beginning_of_its_id(connection: sqlite3.Connection) -> None:
    for id in ("3f2k9", "3f2k", "3fzzz"):
        handoffs.add(connection, handoff(id))

    def told(prefix: str) -> str:
        try:
            return handoffs.find(connection, prefix).id
        except UserError as error:
            return error.message

    assert [told(prefix) for prefix in ("3fz", "3f2k", "3f2k9", "3f", "x")] == [
        "3fzzz",
        "3f2k",
        "3f2k9",
        "several handoffs have ids that start with `3f`: 3f2k, 3f2k9, 3fzzz",
        "no handoff has an id that starts with `x`",
    ]


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: handoffs.get(c, "a"),
        lambda c: handoffs.find(c, "a"),
        lambda c: handoffs.latest(c, status="pending"),
        lambda c: handoffs.latest(c, bot="b", status="pending"),
        lambda c: handoffs.latest(c, bot="b", status="approved"),
        lambda c: handoffs.latest(c, bot="b"),
        lambda c: handoffs.of_run(c, 7),
        lambda c: handoffs.pending_in(c, 1),
        lambda c: handoffs.counts(c, "b"),
        lambda c: handoffs.tell_user(c, "a"),
        lambda c: decided(c, "a"),
        lambda c: handoffs.expire_due(c, ["b", "c"], NOW),
        lambda c: handoffs.remind_due(c, ["b", "c"], NOW),
        lambda c: handoffs.next_moment(c, ["b", "c"]),
        lambda c: handoffs.cancel(c, "a", "", NOW),
        lambda c: handoffs.cancel_of_run(c, 7, "", NOW),
        lambda c: handoffs.cancel_of_conversation(c, 1, "", NOW),
    ],
)
def test_no_question_reads_the_whole_table(
    connection: sqlite3.Connection, ask: Callable[[sqlite3.Connection], object]
) -> None:
    handoffs.add(connection, handoff("a", bot="b", runner="b"))

    plans = plans_of(connection, ask)

    assert plans
    assert [plan for plan in plans if plan in ("SCAN handoffs", "SCAN runs", "SCAN events")] == []
