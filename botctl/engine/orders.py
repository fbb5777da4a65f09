"""Orders: what a step wants done elsewhere, written in the transaction that ends the step: exactly once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from botctl.engine.life import Life
from botctl.engine.notice import doubt_notice, handoff_notice, ticket_notice
from botctl.engine.run import Token, encode, frame_text
from botctl.execution.outcome import (
    AskPerson,
    LeaveGate,
    Order,
    Proactive,
    Schedule,
    Ticket,
    Unschedule,
)
from botctl.ids import new_id
from botctl.messages import Button, OutgoingMessage
from botctl.store import challenges, conversations, handoffs, outbox, runs, schedules
from botctl.store.handoffs import HandoffRow, shown_hash
from botctl.store.outbox import Leaving
from botctl.store.schedules import ScheduleRow

MOST_TRANSCRIPT = 100
"""Messages of a conversation that a reviewer is shown."""
_LONGEST_VALUE = 1_000


class Placed(Struct, frozen=True):
    """An order with the token whose node gave it, and an id for what it makes."""

    id: str
    token: Token
    order: Order


def carry_out(connection: sqlite3.Connection, life: Life, now_ms: int, placed: Placed) -> list[Leaving]:
    """Write what a step ordered; the messages that may leave now."""
    order = placed.order
    match order:
        case Ticket():
            return _record_ticket(connection, life, now_ms, placed.id, order)
        case Proactive():
            return [_send(connection, life, now_ms, placed.id, order)]
        case Schedule():
            life.has_scheduled = True
            schedules.add(connection, _scheduled(life, now_ms, placed.id, order))
        case Unschedule(key=key):
            schedules.cancel_key(connection, life.stored.conversation, key, now_ms)
        case AskPerson():
            return _ask(connection, life, now_ms, placed.token, order)
        case LeaveGate():
            challenges.leave(connection, life.seq, order.challenges)
            if order.contact:
                challenges.remember(
                    connection, life.runner, life.stored.message, order.contact_type, order.contact, now_ms
                )
    return []


def tell(
    connection: sqlite3.Connection,
    senders: tuple[str, str],
    whom: Sequence[Mapping[str, Any]],
    text: str,
    now_ms: int,
    *,
    run: int | None,
    buttons: tuple[Button, ...] = (),
) -> list[Leaving]:
    """Put a notice into the outbox for each of `whom`: `{email: address}`, or `{platform: channel}`.

    senders: (the bot that asks, the runner it runs in); mails leave from the runner, which is surely up.
    """
    return [
        outbox.add(
            connection,
            OutgoingMessage(
                id=new_id(),
                bot=senders[1] if platform == "email" else senders[0],
                platform=platform,
                channel_id=str(channel),
                text=text,
                buttons=buttons,
                purpose="notice",
            ),
            said_by="order",
            conversation=None,
            run=run,
            now_ms=now_ms,
        )
        for one in whom
        for platform, channel in one.items()
    ]


def tell_of_doubt(connection: sqlite3.Connection, life: Life, now_ms: int, what: str) -> list[Leaving]:
    """Whoever is told about handoffs is told that a call may or may not have been made."""
    program = life.program
    if not program.handoff.notify:
        return []
    said = conversations.transcript(connection, life.stored.conversation, MOST_TRANSCRIPT)
    text = program.mask(doubt_notice(life.id, what, said, program.bot.name, _where(life), program.dashboard))
    senders = (program.bot.name, life.runner)
    return tell(connection, senders, program.handoff.notify, text, now_ms, run=life.seq)


def decision_buttons(handoff: str) -> tuple[Button, ...]:
    """What a reviewer presses in a chat: the handoff and a verb, which the inbox understands."""
    return (
        Button(label="Approve", value=f"ho:{handoff}:approved"),
        Button(label="Reject", value=f"ho:{handoff}:rejected"),
    )


def _record_ticket(
    connection: sqlite3.Connection, life: Life, now_ms: int, id: str, order: Ticket
) -> list[Leaving]:
    program, conversation = life.program, life.stored.conversation
    runs.add_ticket(
        connection,
        id=id,
        bot=program.bot.name,
        run=life.seq,
        conversation=conversation,
        subject=order.subject,
        now_ms=now_ms,
    )
    if not program.handoff.notify:
        return []
    said = conversations.transcript(connection, conversation, MOST_TRANSCRIPT)
    text = program.mask(ticket_notice(id, order.subject, said, program.bot.name, _where(life)))
    senders = (program.bot.name, life.runner)
    return tell(connection, senders, program.handoff.notify, text, now_ms, run=life.seq)


def _send(connection: sqlite3.Connection, life: Life, now_ms: int, id: str, order: Proactive) -> Leaving:
    message = OutgoingMessage(
        id=id,
        bot=life.program.bot.name,
        platform=order.platform,
        channel_id=order.channel_id,
        text=order.text,
        purpose="proactive",
    )
    return outbox.add(connection, message, said_by="order", conversation=None, run=life.seq, now_ms=now_ms)


def _scheduled(life: Life, now_ms: int, id: str, order: Schedule) -> ScheduleRow:
    """To the conversation it was ordered in, on the platform it came by; or to a channel of the bot."""
    message = life.stored.message
    elsewhere = bool(order.channel_id)
    return ScheduleRow(
        id=id,
        bot=life.program.bot.name if elsewhere else life.runner,
        platform=order.platform or message.platform,
        channel_id=order.channel_id or message.channel_id,
        user_id="" if elsewhere else message.user_id,
        thread_id="" if elsewhere else message.thread_id,
        conversation=life.stored.conversation,
        run=life.seq,
        key=order.key,
        text=order.text,
        next_at=order.at_ms,
        every=order.every,
        timezone=order.timezone,
        created_at=now_ms,
    )


def _ask(
    connection: sqlite3.Connection, life: Life, now_ms: int, token: Token, order: AskPerson
) -> list[Leaving]:
    program, section = life.program, life.program.handoff
    frame = frame_text(token.frame)
    ways_out = {answer: list(ways) for answer, ways in order.ways_out.items()} or _ways_out(life, token.node)
    expires = section.expires if order.expires is None else order.expires
    notify = order.notify or tuple(section.notify)
    variables = {name: _cut(value) for name, value in life.run.variables.items()}
    row = HandoffRow(
        id=order.handoff_id,
        bot=program.bot.name,
        runner=life.runner,
        run=life.seq,
        conversation=life.stored.conversation,
        node=token.node,
        frame=frame,
        reason=program.mask(order.reason),
        ways_out=ways_out,
        variables=json.loads(program.mask(encode(variables))),
        shown_hash=shown_hash(life.id, token.node, frame, order.reason, ways_out),
        reviewers=order.reviewers or tuple(section.reviewers),
        notify=notify,
        escalate=tuple(section.escalate),
        requester=_requester(life),
        allow_self=int(section.allow_self),
        created_at=now_ms,
        expires_at=now_ms + round(expires * 1000),
        remind_at=now_ms + round(section.remind * 1000) if section.remind else None,
        user_told=int(order.user_told),
    )
    handoffs.add(connection, row)
    said = conversations.transcript(connection, row.conversation, MOST_TRANSCRIPT)
    text = program.mask(handoff_notice(row, said, program.bot.name, _where(life), program.dashboard))
    buttons, senders = decision_buttons(row.id), (program.bot.name, life.runner)
    return tell(connection, senders, notify, text, now_ms, run=life.seq, buttons=buttons)


def _ways_out(life: Life, node: str) -> dict[str, list[str]]:
    """What each answer leads to, in words."""
    graph = life.program.graph
    ways: dict[str, list[str]] = {}
    for handle in graph.nodes[node].type.handles(graph.nodes[node].data):
        ways[handle] = [_described(life, target) for target in graph.targets(node, handle)]
    return ways


def _described(life: Life, id: str) -> str:
    node = life.program.graph.nodes[id]
    what = str(node.raw.get("toolName") or node.raw.get("actionType") or node.raw.get("label") or "")
    return f"{id} ({node.type.name} {what})" if what else f"{id} ({node.type.name})"


def _requester(life: Life) -> str:
    """Who may not decide it. Whoever has the terminal has the command line, too, so nobody is named there."""
    message = life.stored.message
    return "" if message.platform == "console" else message.user_id


def _where(life: Life) -> str:
    message = life.stored.message
    who = message.user_name or message.user_id
    return (
        f"{message.platform} {message.channel_id}, {who}"
        if who
        else f"{message.platform} {message.channel_id}"
    )


def _cut(value: Any) -> Any:
    text = value if isinstance(value, str) else encode(value)
    return value if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"
