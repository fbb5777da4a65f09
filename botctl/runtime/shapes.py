"""The shapes of handoffs, schedules, conversations, costs and letters as JSON, for the CLI and the API."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict

from botctl.clock import to_iso
from botctl.engine.shapes import ConversationShape, conversation_shape
from botctl.llm.pricing import to_cents
from botctl.store import conversations, handoffs
from botctl.store.directory import Entry, Line
from botctl.store.handoffs import HandoffRow, HandoffStatus
from botctl.store.schedules import ScheduleRow, ScheduleStatus
from botctl.store.usage_report import By, UsageLine

_MOST_TRANSCRIPT = 1_000


class HandoffShape(Struct, frozen=True, kw_only=True):
    """A question that a person must answer. run: null when that is not kept any more. reviewers: who may
    decide; empty: anybody. decided_by, decided_at: null while it is pending."""

    id: str
    bot: str
    status: HandoffStatus
    reason: str
    run: str | None
    node: str
    conversation: ConversationShape
    created_at: str
    expires_at: str
    reviewers: list[str]
    decided_by: str | None
    decided_at: str | None
    note: str


class SaidShape(Struct, frozen=True, kw_only=True):
    """One message, for a reviewer. who: user or bot."""

    who: str
    text: str


class HandoffStoryShape(HandoffShape, frozen=True, kw_only=True):
    """A handoff with all that a decision needs. ways_out: what each answer leads to. variables: as they were
    when it was asked, masked and cut. told: where it was told. sets: the variables that the decision set.
    shown: the hash of what is decided about; a decision over the API may name it."""

    frame: str
    shown: str
    ways_out: dict[str, list[str]]
    variables: dict[str, Any]
    requester: str
    told: list[dict[str, Any]]
    sets: dict[str, Any]
    transcript: list[SaidShape]


class ScheduleShape(Struct, frozen=True, kw_only=True):
    """What is to be said later. every: a cron expression in `timezone`; null for once. next_at: when it is
    said next, or was last."""

    id: str
    bot: str
    status: ScheduleStatus
    next_at: str
    every: str | None
    timezone: str
    platform: str
    channel_id: str
    user_id: str
    thread_id: str
    key: str
    text: str
    created_at: str
    finished_at: str | None


class EntryShape(Struct, frozen=True, kw_only=True):
    """A conversation with what there is of it. messages: those that came; waiting: runs that wait; taken_by:
    the person who answers in place of the bot."""

    number: int
    bot: str
    platform: str
    channel_id: str
    user_id: str
    thread_id: str
    user_name: str
    started_at: str
    last_at: str
    messages: int
    runs: int
    waiting: int
    taken_by: str | None


class LineShape(Struct, frozen=True, kw_only=True):
    """One message of a conversation. run: that it belongs to. remark: why it was not answered, or why it did
    not leave."""

    at: str
    who: str
    text: str
    run: str | None
    status: str
    remark: str


class EntryStoryShape(EntryShape, frozen=True, kw_only=True):
    """A conversation with what was said in it, oldest first."""

    transcript: list[LineShape]


class UsageShape(Struct, frozen=True, kw_only=True):
    """What the calls of models cost, summed by bot, day, model or conversation; name: the conversation's,
    null when it was erased. cost_cents: of the calls whose price is known; null when none is."""

    bot: str | UnsetType = UNSET
    day: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    conversation: int | UnsetType | None = UNSET
    name: str | UnsetType | None = UNSET
    calls: int
    tokens_input: int
    tokens_output: int
    cost_cents: float | None
    calls_without_price: int
    calls_in_doubt: int


def handoff_shape(connection: sqlite3.Connection, row: HandoffRow) -> HandoffShape:
    """A handoff as lists of them tell it."""
    return HandoffShape(
        id=row.id,
        bot=row.bot,
        status=row.status,
        reason=row.reason,
        run=handoffs.run_id(connection, row) or None,
        node=row.node,
        conversation=conversation_shape(conversations.key_of(connection, row.conversation)),
        created_at=to_iso(row.created_at),
        expires_at=to_iso(row.expires_at),
        reviewers=list(row.reviewers),
        decided_by=row.decided_by or None,
        decided_at=to_iso(row.decided_at) if row.decided_at is not None else None,
        note=row.note,
    )


def handoff_story_shape(connection: sqlite3.Connection, row: HandoffRow) -> HandoffStoryShape:
    """A handoff with all that a decision needs."""
    said = conversations.transcript(connection, row.conversation, _MOST_TRANSCRIPT)
    return HandoffStoryShape(
        **asdict(handoff_shape(connection, row)),
        frame=row.frame,
        shown=row.shown_hash,
        ways_out={answer: list(ways) for answer, ways in row.ways_out.items()},
        variables=dict(row.variables),
        requester=row.requester,
        told=[dict(one) for one in row.notify],
        sets=dict(row.sets),
        transcript=[SaidShape(who=who, text=text) for who, text in said],
    )


def schedule_shape(row: ScheduleRow) -> ScheduleShape:
    """A schedule as JSON tells it."""
    return ScheduleShape(
        id=row.id,
        bot=row.bot,
        status=row.status,
        next_at=to_iso(row.next_at),
        every=row.every or None,
        timezone=row.timezone,
        platform=row.platform,
        channel_id=row.channel_id,
        user_id=row.user_id,
        thread_id=row.thread_id,
        key=row.key,
        text=row.text,
        created_at=to_iso(row.created_at),
        finished_at=to_iso(row.finished_at) if row.finished_at is not None else None,
    )


def entry_shape(entry: Entry) -> EntryShape:
    """A conversation as lists of them tell it."""
    return EntryShape(
        number=entry.seq,
        **entry.key._asdict(),
        user_name=entry.user_name,
        started_at=to_iso(entry.started_at),
        last_at=to_iso(entry.last_at),
        messages=entry.messages,
        runs=entry.runs,
        waiting=entry.waiting,
        taken_by=entry.taken_by or None,
    )


def entry_story_shape(entry: Entry, lines: list[Line]) -> EntryStoryShape:
    """A conversation with what was said in it."""
    return EntryStoryShape(
        **asdict(entry_shape(entry)),
        transcript=[
            LineShape(
                at=to_iso(line.at_ms),
                who=line.who,
                text=line.text,
                run=line.run or None,
                status=line.status,
                remark=line.remark,
            )
            for line in lines
        ],
    )


def usage_shape(by: By, line: UsageLine, names: Mapping[str, str]) -> UsageShape:
    """One line of a report. names: of the conversations that are still there, by number."""
    key: dict[str, Any] = {by: line.key}
    if by == "conversation":
        key = {"conversation": int(line.key) if line.key else None, "name": names.get(line.key)}
    return UsageShape(
        **key,
        calls=line.calls,
        tokens_input=line.tokens_input,
        tokens_output=line.tokens_output,
        cost_cents=to_cents(line.micro_cents) if line.unpriced < line.calls else None,
        calls_without_price=line.unpriced,
        calls_in_doubt=line.in_doubt,
    )
