"""The shapes of runs as JSON: what `--json` of the CLI prints and what the API answers with."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from botctl.engine.run import RunStatus
from botctl.messages import ConversationKey


class ConversationShape(Struct, frozen=True, kw_only=True):
    """Who is talked to where. user_id and thread_id are empty where the platform has none."""

    bot: str
    platform: str
    channel_id: str
    user_id: str
    thread_id: str


class RunShape(Struct, frozen=True, kw_only=True):
    """A run. kind: workflow or agent. duration_ms: null while it is not over."""

    id: str
    bot: str
    status: RunStatus
    kind: str
    conversation: ConversationShape
    started_at: str
    duration_ms: int | None
    nodes_executed: int
    error_message: str


class SentShape(Struct, frozen=True, kw_only=True):
    """A message that left or is to leave. status: pending, sent or dead; error: why it did not leave."""

    id: str
    text: str
    status: str
    sent_at: str | None
    error: str


class TicketShape(Struct, frozen=True, kw_only=True):
    """A ticket that a run made."""

    id: str
    subject: str


class StepShape(Struct, frozen=True, kw_only=True):
    """One execution of a node. frame: the loop iterations around it, outermost first. input, output and
    writes are cut, and secrets in them masked. cost: in cents; null: nothing, or not known."""

    seq: int
    wave: int
    node: str
    type: str
    label: str
    frame: list[Any]
    handle: str
    started_at: str
    duration_ms: float
    input: Any
    output: Any
    writes: Any
    notes: Any
    tokens_input: int
    tokens_output: int
    model: str
    cost: float | None
    retries: int
    error: str | None


class StoryShape(RunShape, frozen=True, kw_only=True):
    """A run with all that is known of it. waves: the nodes executed, wave by wave. not_followed: edges as
    [source, target]. waiting: the nodes that wait. parent, children: the runs it was called by and called.
    cost_cents: null when the price of a call is not known."""

    nodes_total: int
    message: str
    waves: list[list[str]]
    not_followed: list[list[str]]
    messages: list[str]
    sent: list[SentShape]
    variables: dict[str, Any]
    tickets: list[TicketShape]
    waiting: list[str]
    parent: str | None
    children: list[str]
    cost_cents: float | None
    execution_log: list[StepShape]


def conversation_shape(key: ConversationKey) -> ConversationShape:
    """A conversation's key as JSON tells it."""
    return ConversationShape(**key._asdict())
