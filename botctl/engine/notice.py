"""Notices: what people are told when something needs them. Plain text; the first line is a subject."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from botctl.clock import to_datetime
from botctl.store.handoffs import HandoffRow

Transcript = Sequence[tuple[str, str]]
"""What was said, oldest first: (who, text)."""

_LONGEST_SUBJECT = 120
_LONGEST_MESSAGE = 4_000
_JOINERS = "\u200c\u200d"  # they make one emoji, or one word, of several characters


def handoff_notice(row: HandoffRow, transcript: Transcript, bot: str, where: str, dashboard: str = "") -> str:
    """Ask for a decision on a handoff. where: the conversation, for people. dashboard: its address, "" for
    none; the link shows the handoff, and only its form decides."""
    subject = _one_line(f"{bot} needs a decision: {row.reason}", _LONGEST_SUBJECT)
    return "\n".join([subject, "", *_question(row, transcript, bot, where, dashboard)])


def reminder(row: HandoffRow, transcript: Transcript, bot: str, where: str, dashboard: str = "") -> str:
    """Ask again, or others: it tells as much as the first notice does."""
    subject = _one_line(f"Reminder: {bot} still needs a decision: {row.reason}", _LONGEST_SUBJECT)
    waits = f"Nobody has decided this since {_moment(row.created_at)}."
    return "\n".join([subject, "", waits, "", *_question(row, transcript, bot, where, dashboard)])


def ticket_notice(id: str, subject: str, transcript: Transcript, bot: str, where: str) -> str:
    """Tell about a ticket that a bot recorded."""
    lines = [
        _one_line(f"{bot} recorded a ticket: {subject}", _LONGEST_SUBJECT),
        "",
        *_block("Ticket", [id]),
        *_block("Subject", _lines(subject)),
        *_block("Where", [_one_line(where)]),
        *_block("The conversation", transcript_lines(transcript)),
    ]
    return "\n".join(lines).rstrip()


def doubt_notice(
    run: str, what: str, transcript: Transcript, bot: str, where: str, dashboard: str = ""
) -> str:
    """Tell that a run stopped because nobody knows whether something was done, and how to say so."""
    link = [f"{dashboard.rstrip('/')}/runs/{run}"] if dashboard else []
    lines = [
        _one_line(f"{bot} does not know whether this was done: {what}", _LONGEST_SUBJECT),
        "",
        *_block("What", _lines(what)),
        *_block("Where", [_one_line(where)]),
        *_block(
            "To decide, after finding out",
            [
                *link,
                f"botctl runs retry {run} --again         (it was not done)",
                f"botctl runs retry {run} --done 'JSON'   (it was, and gave this)",
            ],
        ),
        *_block("The conversation", transcript_lines(transcript)),
    ]
    return "\n".join(lines).rstrip()


def answer_lines(row: HandoffRow) -> list[str]:
    """What each answer to a handoff leads to, one line per answer."""
    ways = dict(row.ways_out)
    lines = [
        f"{_one_line(answer)}: {_one_line(', '.join(targets)) or 'nothing more'}"
        for answer, targets in ways.items()
        if answer != "expired"
    ]
    late = _one_line(", ".join(ways.get("expired") or ())) or "as if it were rejected"
    return [*lines, f"nobody decides in time: {late}"]


def transcript_lines(transcript: Transcript) -> list[str]:
    """A conversation as lines; those of one message after its first are indented."""
    lines: list[str] = []
    for who, text in transcript:
        cut = text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + " (cut)"
        first, *rest = _lines(cut) or [""]
        lines += [f"{_one_line(who)}: {first}", *(f"  {line}" for line in rest)]
    return lines


def variable_lines(variables: Mapping[str, Any]) -> list[str]:
    """Variables as `name = JSON`, in order of their names."""
    return [
        _one_line(f"{name} = {json.dumps(variables[name], ensure_ascii=False)}") for name in sorted(variables)
    ]


def _question(row: HandoffRow, transcript: Transcript, bot: str, where: str, dashboard: str) -> list[str]:
    link = [f"{dashboard.rstrip('/')}/handoffs/{row.id}"] if dashboard else []
    who = ["Only these may decide: " + _one_line(", ".join(row.reviewers))] if row.reviewers else []
    lines = [
        *_block("Reason", _lines(row.reason)),
        *_block("Bot and conversation", [_one_line(f"{bot}, {where}")]),
        *_block("What each answer leads to", answer_lines(row)),
        *_block("The conversation", transcript_lines(transcript)),
        *_block("Variables", variable_lines(row.variables)),
        *_block(
            f"To decide, until {_moment(row.expires_at)}",
            [*link, f"botctl handoff approve {row.id}", f"botctl handoff reject {row.id}", *who],
        ),
    ]
    return lines[:-1]


def _block(title: str, lines: Sequence[str]) -> list[str]:
    """A title and its lines, indented: no text of a user's can look like a title."""
    return [title, *(f"    {line}".rstrip() for line in lines or ["(none)"]), ""]


def _lines(text: str) -> list[str]:
    return [_one_line(line) for line in text.strip().splitlines()]


def _one_line(text: str, longest: int = 1_000_000) -> str:
    """Without control characters, which could steer a terminal or forge a header of a mail."""
    kept = "".join(one if one.isprintable() or one in _JOINERS else " " for one in text).strip()
    return kept if len(kept) <= longest else kept[: longest - 1].rstrip() + "…"


def _moment(ms: int) -> str:
    return to_datetime(ms).strftime("%Y-%m-%d %H:%M UTC")
