"""Outcomes: all that a node can say should happen next. A closed set; failure is an exception."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field

from botctl.messages import Said


class Ticket(Struct, frozen=True, kw_only=True):
    """Record a ticket, and tell those whom `handoff.notify` names."""

    subject: str


class Proactive(Struct, frozen=True, kw_only=True):
    """Send a message to another channel of the bot, on one of its platforms."""

    platform: str
    channel_id: str
    text: str


class Schedule(Struct, frozen=True, kw_only=True):
    """Say a text later. at_ms: when first, milliseconds since 1970, UTC. every: a cron expression in
    `timezone`, "" for once. Without a channel it goes to the conversation. A `key` replaces the schedule of
    this conversation that had it."""

    text: str
    at_ms: int
    every: str = ""
    timezone: str = "UTC"
    key: str = ""
    platform: str = ""
    channel_id: str = ""


class Unschedule(Struct, frozen=True, kw_only=True):
    """Take away the schedule of this conversation that has this key."""

    key: str


class AskPerson(Struct, frozen=True, kw_only=True):
    """Record a handoff and tell those who may decide. What is left out is as the bot's `handoff` says.

    expires is in seconds; reviewers and notify as in bot.yaml. ways_out: what each answer leads to, in words,
    where the graph does not say it. user_told: whether the user hears now that a person is asked.
    """

    handoff_id: str
    reason: str
    reviewers: tuple[str, ...] = ()
    notify: tuple[Mapping[str, Any], ...] = ()
    expires: float | None = None
    ways_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    user_told: bool = False


class LeaveGate(Struct, frozen=True, kw_only=True):
    """The auth_gate is left: its codes and links are void. With a contact, remember it as verified.

    challenges: the ids of what it sent; with none given it is all that the run sent.
    """

    contact_type: str = ""
    contact: str = ""
    challenges: tuple[str, ...] = ()


Order = Ticket | Proactive | Schedule | Unschedule | AskPerson | LeaveGate


class Done(Struct, frozen=True):
    """Go on by `handle`. `writes`: variables (JSON values), set for the next wave; `say`: kept for the user.

    orders are carried out by being written in the same transaction as the step, so exactly once.
    """

    writes: Mapping[str, Any] = field(default_factory=dict)
    handle: str = "next"
    say: tuple[Said, ...] = ()
    orders: tuple[Order, ...] = ()


class Reply(Struct, frozen=True):
    """Wait for the next message of this conversation."""


class Decision(Struct, frozen=True):
    """Wait for a person's decision on a handoff."""

    handoff_id: str


class Link(Struct, frozen=True):
    """Wait until the link whose token has this keyed hash was confirmed."""

    token_hash: str


class Until(Struct, frozen=True):
    """Wait until a moment, in milliseconds since 1970, UTC."""

    at_ms: int


class Return(Struct, frozen=True):
    """Wait until the run that a Call made has ended. Only the engine makes it; call: the run's id."""

    call: str


WaitFor = Reply | Decision | Link | Until | Return


class Wait(Struct, frozen=True):
    """Put the run away until the first of `for_` happens; the node is then executed again with `step.event`
    set to it and `step.state` to `state` (a JSON value). orders as in Done."""

    for_: tuple[WaitFor, ...]
    state: Any = None
    say: tuple[Said, ...] = ()
    orders: tuple[Order, ...] = ()


class Iterate(Struct, frozen=True):
    """Turn a loop. `items` are taken once, now; with items None the loop is a `while` over `condition`,
    looked at before each iteration. At most `limit` iterations; being cut by it is told in the trace."""

    item_variable: str
    items: tuple[Any, ...] | None
    condition: str = ""
    limit: int = 50


class Call(Struct, frozen=True):
    """Let another bot answer `message`; its variables start with `context`. The node is executed again with
    its answer for `step.event` and `state` (a JSON value) for `step.state`."""

    bot: str
    message: str
    context: Mapping[str, Any] = field(default_factory=dict)
    state: Any = None


class End(Struct, frozen=True):
    """End the run and close the conversation."""


Outcome = Done | Wait | Iterate | Call | End


class Event(Struct, frozen=True):
    """What woke a waiting node. `kind` says which; `value` is, by kind:

    reply: the message's text; until: the moment in milliseconds; link: {"token_hash"};
    decision: {"handoff", "status" (approved, rejected, expired), "by", "note", "sets" (variables)};
    returned: {"call", "text", "error" ("" if it went well)}.
    """

    kind: Literal["reply", "decision", "link", "until", "returned"]
    value: Any = None
