"""A bot on Discord: the gateway or the endpoint in, channels and interaction tokens out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from discord import File
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from botctl.errors import BotctlError, UserError
from botctl.messages import Attachment, IncomingMessage, OutgoingMessage
from botctl.platforms import discord_application as application
from botctl.platforms.discord_answer import Part, parts_of
from botctl.platforms.discord_gateway import receive
from botctl.platforms.discord_intake import Intake
from botctl.platforms.discord_interactions import PONG, Interactions
from botctl.platforms.discord_payload import PING, Interaction, PoisonError, read_json
from botctl.platforms.discord_rest import DiscordError, DiscordRest
from botctl.platforms.discord_signature import Verifier, is_public_key
from botctl.platforms.platform import Checked, ConnectionContext, Registration, SendError
from botctl.platforms.webhook import JsonResponse, refusal

if TYPE_CHECKING:
    from botctl.platforms.discord import DiscordSettings

logger = logging.getLogger(__name__)

_MOST_UNFINISHED = 1000


class DiscordConnection:
    """See `discord.py`. refused counts requests that were not to be trusted."""

    def __init__(
        self, settings: DiscordSettings, context: ConnectionContext, rest: DiscordRest | None = None
    ) -> None:
        """rest: used instead of one of its own."""
        key = settings.public_key
        if (key or settings.mode == "webhook") and not is_public_key(key):
            raise UserError(
                f"`public_key` of platform `discord` of bot `{context.bot}` is "
                + ("not 64 hex digits" if key else "not given, and webhooks cannot be told from others'"),
                help="copy it from the application's page of the developer portal",
            )
        self.refused = 0
        self._settings = settings
        self._context = context
        self._verifier = Verifier(key) if key else None
        self._rest = rest or DiscordRest(bot=context.bot, base_url=settings.base_url, token=settings.token)
        self.interactions = Interactions(self._rest, context)
        self._unfinished: dict[str, list[str]] = {}
        self._not_typing: set[str] = set()

    @property
    def is_verified(self) -> bool:
        """Webhooks that are not signed are never taken; without a key none is."""
        return True

    async def run(self) -> None:
        """Receive over the gateway until that breaks. With webhooks there is nothing to poll."""
        if self._settings.mode == "webhook":
            return
        me = await self._rest.me()
        if self._context.may_take_over:
            await self.unregister()  # else commands and buttons go on to where the endpoint is
        await self._prepare_commands()
        cursor = await self._context.load_cursor()
        try:
            async with asyncio.TaskGroup() as group:
                intake = Intake(self._rest, self.interactions, self._context, group, cursor, me.id)
                try:
                    await receive(self._rest, self._context.bot, intake.take)
                except BotctlError as error:  # what has come is stored first
                    broken = error
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None  # the first is what broke the others
        raise broken

    async def webhook(self, request: Request) -> Response:
        """Verify, store, acknowledge. The answer goes by the interaction's token."""
        if request.method != "POST":
            return refusal(405, f"an interaction is not sent with {request.method}", "use POST")
        body = await request.body()
        fault = "`public_key` is not set"
        if self._verifier is not None:
            fault = self._verifier.fault(request.scope["headers"], body, self._context.now_ms())
        if fault:
            self.refused += 1
            return refusal(401, f"this request is refused: {fault}", "only Discord sends requests here")
        try:
            interaction = read_json(body, Interaction)
        except PoisonError as error:
            logger.warning("a discord interaction cannot be understood: %s", error)
            return refusal(400, f"this interaction cannot be understood: {error}", "send one of API v10")
        if interaction.type == PING:
            return JsonResponse(200, PONG)
        response = JsonResponse(200, await self.interactions.take(interaction))
        response.background = BackgroundTask(self._acknowledged, interaction)
        return response

    def can_edit(self, message: IncomingMessage) -> bool:
        """What is said by an interaction's token ends with it."""
        return "token" not in message.reply

    async def edit(self, message: OutgoingMessage, ids: tuple[str, ...]) -> tuple[str, ...]:
        """See `Editor`."""
        return await self._send(message, ids)

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        """Send it in as many messages as it needs. What was sent before an error is not sent again."""
        return await self._send(message, ())

    async def _send(self, message: OutgoingMessage, shown: tuple[str, ...]) -> tuple[str, ...]:
        """shown: the ids of its first parts, which are edited."""
        parts = parts_of(message)
        if not parts:
            raise SendError("there is nothing in this message that discord could show", permanent=True)
        sent = self._unfinished.pop(message.id, [])
        try:
            for number in range(len(sent), len(parts)):
                part = parts[number]
                if number < len(shown):
                    sent.append(await self._edit_part(message, part, shown[number]))
                else:
                    sent.append(await self._send_part(message, part, number))
        except DiscordError as error:
            if error.retryable:
                self._unfinished[message.id] = sent
                if len(self._unfinished) > _MOST_UNFINISHED:
                    del self._unfinished[next(iter(self._unfinished))]
            raise SendError(
                error.message, permanent=not error.retryable, retry_after=error.retry_after
            ) from error
        except UserError as error:
            raise SendError(error.message, permanent=True) from error
        return tuple(sent)

    async def typing(self, channel_id: str, thread_id: str) -> None:
        """Show it, for ten seconds or until a message comes."""
        if channel_id in self._not_typing:
            return
        try:
            await self._rest.call("POST", "/channels/{channel_id}/typing", channel_id=channel_id)
        except UserError:
            pass
        except DiscordError as error:
            if not error.retryable:  # 10,000 refused requests in ten minutes ban the machine's address
                self._not_typing.add(channel_id)

    async def registration(self) -> Registration:
        """Where interactions are sent; "" for the gateway. Discord tells nothing else about it."""
        return Registration(url=(await self._rest.application()).interactions_endpoint_url or "")

    async def register(self, url: str) -> None:
        """Register `/ask` and `/reset`, and this address for them; nothing that is so already."""
        await self._register_commands()
        await application.register_endpoint(self._rest, url)

    async def unregister(self) -> None:
        """Interactions come over the gateway again; the commands stay."""
        await application.unregister_endpoint(self._rest)

    async def check(self) -> tuple[Checked, ...]:
        """See `Checkable`."""
        settings = self._settings
        return await application.check(
            self._rest, self._context, mode=settings.mode, public_key=settings.public_key
        )

    async def close(self) -> None:
        """Let go of everything."""
        await self.interactions.close()
        await self._rest.close()

    async def _acknowledged(self, interaction: Interaction) -> None:
        """The response is out."""
        self.interactions.acknowledged(interaction)

    async def _register_commands(self) -> None:
        id = self._settings.application_id or (await self._rest.application()).id
        await application.register_commands(self._rest, id)

    async def _prepare_commands(self) -> None:
        """Messages come without commands too: not being able to register them is told, no more."""
        try:
            await self._register_commands()
        except DiscordError as error:
            if error.retryable:
                raise
            logger.warning(
                "/ask and /reset of bot %s are not registered: %s", self._context.bot, error.message
            )

    async def _send_part(self, message: OutgoingMessage, part: Part, number: int) -> str:
        """Send one part by the interaction's token; without one, or when it is over, to the channel."""
        if "token" in message.reply:
            files = self._open(part.files)
            try:
                id = await self.interactions.answer(message.reply, part.body, files)
            finally:
                _close(files)
            if id is not None:
                return id
        body = {**part.body, "nonce": f"{message.id}-{number}"[:25], "enforce_nonce": True}
        replied = message.reply.get("message")
        if replied and number == 0:
            body["message_reference"] = {"message_id": str(replied), "fail_if_not_exists": False}
        return await self._send_to_channel(message, body, part.files)

    async def _edit_part(self, message: OutgoingMessage, part: Part, id: str) -> str:
        """Files cannot be added by an edit without naming those that stay; drafts have none."""
        path = "/channels/{channel_id}/messages/{message_id}"
        place = message.channel_id
        await self._rest.call("PATCH", path, body=part.body, channel_id=place, message_id=id)
        return id

    async def _send_to_channel(
        self, message: OutgoingMessage, body: dict[str, Any], attachments: Sequence[Attachment]
    ) -> str:
        files = self._open(attachments)
        try:
            sent = await self._rest.call(
                "POST",
                "/channels/{channel_id}/messages",
                body=body,
                files=files,
                channel_id=message.channel_id,
            )
        except DiscordError as error:
            if "token" in message.reply and not error.retryable:
                error.message = f"the interaction's 15 minutes are over, and to its channel {error.message}"
            raise
        finally:
            _close(files)
        return str(sent["id"])

    def _open(self, attachments: Sequence[Attachment]) -> list[File]:
        files = self._context.files
        if attachments and files is None:
            raise SendError("this bot keeps no files that could be sent", permanent=True)
        return [File(files.open(one), filename=one.name or None) for one in attachments if files is not None]


def _close(files: Sequence[File]) -> None:
    for file in files:
        file.close()
