"""Discord's messages, commands and presses as messages of ours."""

from __future__ import annotations

import re

from botctl.messages import IncomingMessage
from botctl.platforms.discord_payload import (
    BUTTON,
    COMMAND,
    COMPONENT,
    Interaction,
    Member,
    Message,
    User,
)

ANSWER_TIME = 15 * 60 * 1000
"""Milliseconds that an interaction's token lives (Interactions, Followup Messages; read 2026-08)."""

_SPOKEN = frozenset((0, 19))
"""Types of messages that people write: ordinary ones and replies; the others are about the channel."""


def incoming_message(
    message: Message, *, bot: str, me: str, is_direct: bool, now_ms: int
) -> IncomingMessage | None:
    """A message that is meant for us; None of all others: our own, those of other bots, and what people say
    to each other in a server. me: our user id."""
    author = message.author
    if author.bot or author.id == me or message.webhook_id is not None or message.type not in _SPOKEN:
        return None
    if not is_direct and not _is_to(me, message):
        return None
    return IncomingMessage(
        bot=bot,
        platform="discord",
        dedupe_key=message.id,
        channel_id=message.channel_id,
        user_id=author.id,
        user_name=_name(author, message.member),
        text=_without_mention(_whole(message.content), me),
        received_at=now_ms,
        reply={} if is_direct else {"message": message.id},
    )


def incoming_interaction(interaction: Interaction, *, bot: str, now_ms: int) -> IncomingMessage | None:
    """A command or a pressed button; None of what we never offer."""
    user = interaction.user or (interaction.member.user if interaction.member else None)
    choice = interaction.data
    if user is None or choice is None or not interaction.channel_id:
        return None
    is_press = interaction.type == COMPONENT and choice.component_type == BUTTON
    if not is_press and interaction.type != COMMAND:
        return None
    words = [_whole(str(option.value)) for option in choice.options if option.value is not None]
    if is_press:
        text = _whole(choice.custom_id)
    elif choice.name == "ask":
        text = " ".join(words)
    else:
        text = " ".join([f"/{choice.name}", *words])
    return IncomingMessage(
        bot=bot,
        platform="discord",
        dedupe_key=interaction.id,
        channel_id=interaction.channel_id,
        user_id=user.id,
        user_name=_name(user, interaction.member),
        kind="button" if is_press else "text" if choice.name == "ask" else "command",
        text=text,
        button_value=text if is_press else "",
        received_at=now_ms,
        reply={
            "application": interaction.application_id,
            "token": interaction.token,
            "until": now_ms + ANSWER_TIME,
        },
    )


def _is_to(me: str, message: Message) -> bool:
    """Whether it mentions us or replies to us."""
    quoted = message.referenced_message
    is_reply = quoted is not None and quoted.author is not None and quoted.author.id == me
    return is_reply or any(user.id == me for user in message.mentions)


def _without_mention(text: str, me: str) -> str:
    return re.sub(rf"[ \t]*<@!?{me}>", "", text).strip()


def _name(user: User, member: Member | None) -> str:
    nick = member.nick if member else None
    return _whole(nick or user.global_name or user.username)


def _whole(text: str) -> str:
    """JSON can write half of a surrogate pair, which no database takes."""
    return text if text.isascii() else text.encode(errors="replace").decode()
