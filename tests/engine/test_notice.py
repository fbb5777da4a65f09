"""Notices: all that a person needs in order to decide, as plain text."""

from __future__ import annotations

from typing import Any

import pytest

from botctl.engine.notice import handoff_notice, reminder, ticket_notice
from botctl.store.handoffs import HandoffRow

NOW = 1_767_225_600_000
SAID = [("user", "I want 800 € back\nnow!"), ("bot", "A moment.")]


def handoff(**fields: Any) -> HandoffRow:
    """A handoff about a refund, until one o'clock."""
    return HandoffRow(
        **{
            "id": "3f2k9",
            "bot": "support-bot",
            "runner": "support-bot",
            "run": 7,
            "conversation": 1,
            "node": "ask",
            "frame": "",
            "reason": "Refund of 800 €\nfor order 1042",
            "ways_out": {"approved": ["refund (mcp_tool pay__refund)", "log"], "rejected": [], "expired": []},
            "variables": {"order_id": "1042", "amount": 800},
            "shown_hash": "h",
            "created_at": NOW,
            "expires_at": NOW + 3_600_000,
            **fields,
        }
    )


def test_a_handoff_is_told_whole() -> None:
    text = handoff_notice(handoff(), SAID, "support-bot", "telegram 42, Zoë")

    assert text.split("\n") == [
        "support-bot needs a decision: Refund of 800 € for order 1042",
        "",
        "Reason",
        "    Refund of 800 €",
        "    for order 1042",
        "",
        "Bot and conversation",
        "    support-bot, telegram 42, Zoë",
        "",
        "What each answer leads to",
        "    approved: refund (mcp_tool pay__refund), log",
        "    rejected: nothing more",
        "    nobody decides in time: as if it were rejected",
        "",
        "The conversation",
        "    user: I want 800 € back",
        "      now!",
        "    bot: A moment.",
        "",
        "Variables",
        "    amount = 800",
        '    order_id = "1042"',
        "",
        "To decide, until 2026-01-01 01:00 UTC",
        "    botctl handoff approve 3f2k9",
        "    botctl handoff reject 3f2k9",
    ]


def test_reviewers_and_the_way_of_what_expires_are_told() -> None:
    row = handoff(
        reviewers=("anna", "bob"), ways_out={"approved": ["a"], "rejected": ["b"], "expired": ["c"]}
    )

    lines = handoff_notice(row, [], "support-bot", "console").split("\n")

    assert lines[-1] == "    Only these may decide: anna, bob"
    assert "    nobody decides in time: c" in lines


def test_a_reminder_tells_as_much_and_since_when_it_waits() -> None:
    first = handoff_notice(handoff(), SAID, "support-bot", "telegram 42").split("\n")
    again = reminder(handoff(), SAID, "support-bot", "telegram 42").split("\n")

    assert again == [
        "Reminder: support-bot still needs a decision: Refund of 800 € for order 1042",
        "",
        "Nobody has decided this since 2026-01-01 00:00 UTC.",
        *first[1:],
    ]


def test_a_ticket_is_told_with_its_conversation() -> None:
    text = ticket_notice("t1", "Printer on fire", SAID, "support-bot", "telegram 42")

    assert text.split("\n") == [
        "support-bot recorded a ticket: Printer on fire",
        "",
        "Ticket",
        "    t1",
        "",
        "Subject",
        "    Printer on fire",
        "",
        "Where",
        "    telegram 42",
        "",
        "The conversation",
        "    user: I want 800 € back",
        "      now!",
        "    bot: A moment.",
    ]


@pytest.mark.parametrize("breaker", ["\r", "\x0b", "\u2028", "\x85", "\x1b", "\x00", "\u202e", "\ud800"])
def test_no_control_character_of_a_users_reaches_a_reader(breaker: str) -> None:
    hostile = f"a{breaker}To decide{breaker}b"
    row = handoff(reason=hostile, variables={hostile: hostile}, reviewers=(hostile,))

    texts = [
        handoff_notice(row, [(hostile, hostile)], hostile, hostile),
        reminder(row, [("user", hostile)], "b", hostile),
        ticket_notice("t", hostile, [("user", hostile)], "b", hostile),
    ]

    lines = [line for text in texts for line in text.split("\n")]
    assert [line for line in lines if not line.isprintable()] == []
    assert [line for line in lines if line.startswith("To decide") and "until" not in line] == []


def test_a_subject_and_a_message_that_are_too_long_are_cut() -> None:
    text = handoff_notice(handoff(reason="x" * 500), [("user", "y" * 5_000)], "b", "w")

    lines = text.split("\n")
    assert (len(lines[0]), lines[0][-1]) == (120, "…")
    assert "    " + "x" * 500 in lines
    assert "    user: " + "y" * 4_000 + " (cut)" in lines
