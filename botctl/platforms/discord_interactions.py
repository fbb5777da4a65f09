"""Discord's interactions: commands and presses are stored, acknowledged, and answered with their token."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botctl.errors import BotctlError
from botctl.platforms.discord_messages import ANSWER_TIME, incoming_interaction
from botctl.platforms.discord_payload import AUTOCOMPLETE, COMMAND, COMPONENT, Interaction
from botctl.platforms.discord_rest import DiscordError, DiscordRest
from botctl.platforms.platform import ConnectionContext, Receipt

if TYPE_CHECKING:
    from discord import File

logger = logging.getLogger(__name__)

Acknowledgement = dict[str, Any]
"""What an interaction is answered with at once: the body of an HTTP response, or of a callback."""

PONG: Acknowledgement = {"type": 1}
THINKING: Acknowledgement = {"type": 5}
"""The user sees that the bot is thinking, until the first follow-up."""
NOTICED: Acknowledgement = {"type": 6}
"""Of a press: the button stops spinning, nothing is shown."""
NO_CHOICES: Acknowledgement = {"type": 8, "data": {"choices": []}}
UNKNOWN: Acknowledgement = {"type": 4, "data": {"content": "That is not known here.", "flags": 64}}

MARGIN = 10_000
"""Milliseconds before its end at which a token is not used any more."""
PATIENCE = 2.0
"""Seconds for a message on its way, before `is thinking` is taken away from who gets no answer."""

_TOKEN_IS_OVER = frozenset((10008, 10015, 10062, 50027))


HASTE = 5_000
"""Milliseconds in which Discord may know nothing of an interaction's token because it has not yet read the
acknowledgement."""


class _Open:
    """An interaction that is worked on. Of a command the first message becomes what `is thinking` was."""

    def __init__(self) -> None:
        self.acknowledged = asyncio.Event()
        self.alone = asyncio.Lock()
        self.is_answered = False


class Interactions:
    """See this file. One for each connection, whichever way interactions come."""

    def __init__(self, rest: DiscordRest, context: ConnectionContext) -> None:
        self._rest = rest
        self._context = context
        self._open: dict[str, _Open] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, interaction: Interaction, cursor: str | None = None) -> Acknowledgement:
        """Store it; what to acknowledge it with, within three seconds. When that is done: `acknowledged`."""
        if interaction.type == AUTOCOMPLETE:
            return NO_CHOICES
        context = self._context
        message = incoming_interaction(interaction, bot=context.bot, now_ms=context.now_ms())
        if message is None:
            logger.warning(
                "discord interaction %s of bot %s is of no known kind", interaction.id, context.bot
            )
            return NOTICED if interaction.type == COMPONENT else UNKNOWN
        receipt = await context.accept(message, cursor)
        if not receipt.duplicate:
            self._open[interaction.token] = _Open()
            task = asyncio.create_task(self._attend(interaction, receipt))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return THINKING if interaction.type == COMMAND else NOTICED

    def acknowledged(self, interaction: Interaction) -> None:
        """Discord was told; from now on its token can be used."""
        if interaction.token in self._open:
            self._open[interaction.token].acknowledged.set()

    async def acknowledge(self, interaction: Interaction, acknowledgement: Acknowledgement) -> None:
        """Tell the platform of one that came over the gateway. The message is stored: failing costs only
        the token, and then the answer goes to the channel."""
        try:
            await self._rest.call(
                "POST",
                # discord.py keeps one limit, of one at a time, for all paths that differ in other names.
                "/interactions/{webhook_id}/{webhook_token}/callback",
                body=acknowledgement,
                webhook_id=interaction.id,
                webhook_token=interaction.token,
            )
        except DiscordError as error:
            logger.warning("discord took no acknowledgement of %s: %s", interaction.id, error.message)
        finally:
            self.acknowledged(interaction)

    async def answer(
        self, reply: Mapping[str, Any], body: Mapping[str, Any], files: Sequence[File]
    ) -> str | None:
        """Send one message by the interaction's token; its id, None when the token is over.

        A retryable DiscordError while Discord does not know the token yet.
        """
        until = reply.get("until")
        if not isinstance(until, int) or self._context.now_ms() >= until - MARGIN:
            return None
        token = str(reply["token"])
        opened = self._open.get(token) or _Open()
        if token in self._open:
            with suppress(TimeoutError):
                async with asyncio.timeout(HASTE / 1000):
                    await opened.acknowledged.wait()
        async with opened.alone:
            try:
                # The first one becomes what `is thinking` was, the others are new messages (2026-08).
                sent = await self._rest.call(
                    "POST",
                    "/webhooks/{webhook_id}/{webhook_token}",
                    body=body,
                    params={"wait": "true"},
                    files=files,
                    webhook_id=str(reply.get("application", "")),
                    webhook_token=token,
                )
            except DiscordError as error:
                if error.code not in _TOKEN_IS_OVER and error.status not in (401, 404):
                    raise
                if self._context.now_ms() < until - ANSWER_TIME + HASTE:
                    raise DiscordError(
                        "discord does not know the interaction yet", retry_after=1.0
                    ) from error
                return None
            opened.is_answered = True
        return str(sent["id"])

    async def close(self) -> None:
        """Stop waiting for answers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _attend(self, interaction: Interaction, receipt: Receipt) -> None:
        """Take `is thinking` away when no answer will come: the message is not answered, or nothing said."""
        opened = self._open[interaction.token]
        try:
            answer = await receipt.answer()
            if answer.messages or interaction.type != COMMAND:
                return
            await asyncio.sleep(PATIENCE)
            async with opened.alone:
                if not opened.is_answered:
                    with suppress(BotctlError):  # it goes away by itself after 15 minutes
                        await self._rest.call(
                            "DELETE",
                            "/webhooks/{webhook_id}/{webhook_token}/messages/@original",
                            webhook_id=interaction.application_id,
                            webhook_token=interaction.token,
                        )
        finally:
            del self._open[interaction.token]
