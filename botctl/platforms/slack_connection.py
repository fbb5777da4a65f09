"""A bot at Slack: Socket Mode or the Events API in, chat.postMessage out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import structs
from starlette.responses import Response

from botctl.errors import OutsideError, UserError
from botctl.messages import Attachment, IncomingMessage, OutgoingMessage
from botctl.platforms.platform import Checked, ConnectionContext, SendError
from botctl.platforms.slack_check import check_slack
from botctl.platforms.slack_files import fetch
from botctl.platforms.slack_messages import Heard, Listener, MalformedError, bot_user, read
from botctl.platforms.slack_payload import read_payload
from botctl.platforms.slack_post import Post, posts_of
from botctl.platforms.slack_signature import fault as signature_fault
from botctl.platforms.slack_threads import Threads
from botctl.platforms.slack_web import TOKEN_FAULTS, SlackFault, SlackWeb
from botctl.platforms.webhook import JsonResponse, refusal

if TYPE_CHECKING:
    from starlette.requests import Request

    from botctl.platforms.slack import SlackSettings

logger = logging.getLogger(__name__)

HEARTBEAT = 5.0
"""Seconds between two looks whether the socket is alive."""

_MOST_RECENT = 1000
Kept = TypeVar("Kept")
_NOT_THERE = frozenset(("channel_not_found", "not_in_channel", "is_archived"))
_HELP = {
    "not_in_channel": "invite the bot to the channel",
    "channel_not_found": "is the channel's id right, and was the bot invited?",
    "missing_scope": "`botctl doctor` tells which",
}


@dataclass(slots=True)
class _Lane:
    """Messages of one channel, which must not overtake each other while a file is fetched."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


class SlackConnection:
    """See `slack.py`. refused counts requests that were not to be trusted."""

    def __init__(
        self, settings: SlackSettings, context: ConnectionContext, *, heartbeat: float = HEARTBEAT
    ) -> None:
        needed = "app_token" if settings.mode == "polling" else "signing_secret"
        if not getattr(settings, needed):
            raise UserError(
                f"platform `slack` of bot `{context.bot}` has no `{needed}`",
                help=f"`mode: {settings.mode}` needs it; or use the other mode",
            )
        self.refused = 0
        self._settings = settings
        self._context = context
        self._heartbeat = heartbeat
        self._web = SlackWeb(settings.bot_token, settings.base_url)
        self._user = ""
        self._threads: Threads | None = None
        self._lanes: dict[str, _Lane] = {}
        self._recent: dict[str, bool] = {}
        self._begun: dict[str, list[str]] = {}

    @property
    def is_verified(self) -> bool:
        """Always: with Socket Mode no webhook is listened to."""
        return True

    async def run(self) -> None:
        """Ask who we are; then, with Socket Mode, receive. A UserError when Slack refuses a token."""
        await self._who()
        if self._settings.mode == "webhook":
            return
        from botctl.platforms.slack_socket import receive  # bolt, which webhooks do without

        await receive(self._web, self._settings.app_token, self._address, self.take, self._heartbeat)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._web.close()

    async def check(self) -> tuple[Checked, ...]:
        """See `Checkable`."""
        return await check_slack(self._web, self._settings, self._context.webhook_url)

    async def webhook(self, request: Request) -> Response:
        """Verify, store, acknowledge. That it is a retry (X-Slack-Retry-Num) tells nothing: the first may
        never have come."""
        if self._settings.mode != "webhook":
            return refusal(404, "slack comes by Socket Mode here", "set `mode: webhook`")
        if request.method != "POST":
            return refusal(405, f"slack does not use {request.method}", "use POST")
        body = await request.body()
        fault = signature_fault(
            self._settings.signing_secret, request.scope["headers"], body, self._context.now_ms()
        )
        if fault:
            self.refused += 1
            return refusal(401, f"this request is refused: {fault}", "is `signing_secret` this app's?")
        try:
            payload = read_payload(request.headers.get("content-type", ""), body)
        except MalformedError as error:
            return refusal(422, str(error), "send what Slack sends")
        if payload.get("type") == "url_verification":
            return JsonResponse(200, {"challenge": str(payload.get("challenge", ""))})
        try:
            await self.take(payload)
        except OutsideError as error:
            return refusal(503, error.message, "send it again")
        return Response(status_code=200)

    async def take(self, body: Mapping[str, Any]) -> None:
        """Store what a payload says; returns when it is on disk. What is not for the bot is dropped."""
        if body.get("type") == "app_rate_limited":
            logger.warning(
                "slack holds events of bot %s back: more than 30,000 in an hour", self._context.bot
            )
        threads = await self._joined()
        listener = Listener(self._context.bot, self._user or bot_user(body) or await self._who(), threads)
        try:
            heard = read(body, listener, self._context.now_ms())
        except MalformedError as error:  # it would never be understood: acknowledged, and told
            logger.error("slack sent bot %s a payload that is not as documented: %s", listener.bot, error)
            return
        if heard is not None:
            async with self._in_order(heard.message.channel_id):
                await self._accept(heard, threads)

    def can_edit(self, message: IncomingMessage) -> bool:
        """What is said at a `response_url` has no name by which it could be edited."""
        return "response_url" not in message.reply

    async def edit(self, message: OutgoingMessage, ids: tuple[str, ...]) -> tuple[str, ...]:
        """See `Editor`."""
        return await self._send(message, ids)

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        """Post the text, then the files. Tried again, it goes on where it had come to."""
        return await self._send(message, ())

    async def _send(self, message: OutgoingMessage, shown: tuple[str, ...]) -> tuple[str, ...]:
        """shown: the ids of its first posts, which are edited."""
        ids = self._begun.pop(message.id, [])
        try:
            for step in self._steps(message, shown)[len(ids) :]:
                ids.append(await step())
        except SlackFault as fault:
            if fault.is_passing:
                _remember(self._begun, message.id, ids)
            help = f" ({_HELP[fault.code]})" if fault.code in _HELP else ""
            raise SendError(
                f"slack did not take it: {fault.code}{help}",
                permanent=not fault.is_passing,
                retry_after=fault.retry_after,
            ) from None
        return tuple(ids)

    def _steps(self, message: OutgoingMessage, shown: tuple[str, ...]) -> list[Callable[[], Awaitable[str]]]:
        made = posts_of(message)
        edits = [
            partial(self._web.edit, message.channel_id, ts, post)
            for ts, post in zip(shown, made, strict=False)
        ]
        posts = [*edits, *(partial(self._post, message, post) for post in made[len(edits) :])]
        files = [partial(self._upload, message, one) for one in message.attachments if one.path]
        return [*posts, *files]

    async def _post(self, message: OutgoingMessage, post: Post) -> str:
        try:
            return await self._web.post(message.channel_id, _thread(message), post)
        except SlackFault as fault:
            url = str(message.reply.get("response_url", ""))
            if fault.code not in _NOT_THERE or not self._web.is_slacks(url):
                raise
            await self._web.respond(url, post)  # a slash command works where the bot is no member
            return "response_url"

    async def _upload(self, message: OutgoingMessage, attachment: Attachment) -> str:
        if self._context.files is None:
            raise SendError("files are not kept here", permanent=True)
        path = self._context.files.open(attachment)
        return await self._web.upload(path, attachment.name, message.channel_id, _thread(message))

    async def _accept(self, heard: Heard, threads: Threads) -> None:
        message = heard.message
        if heard.thread:
            threads.join(heard.thread)
        if (
            heard.files and message.dedupe_key not in self._recent
        ):  # of a redelivered one they are kept already
            attachments = [await fetch(self._web, self._context.files, one) for one in heard.files]
            message = structs.replace(message, attachments=tuple(attachments))
        cursor = threads.cursor
        await self._context.accept(message, cursor)
        threads.stored(cursor)
        _remember(self._recent, message.dedupe_key, True)

    @asynccontextmanager
    async def _in_order(self, channel: str) -> AsyncIterator[None]:
        """One after the other, in the order of coming."""
        lane = self._lanes.setdefault(channel, _Lane())
        lane.waiting += 1
        try:
            async with lane.turn:
                yield
        finally:
            lane.waiting -= 1
            if not lane.waiting:
                del self._lanes[channel]

    async def _joined(self) -> Threads:
        if self._threads is None:
            cursor = await self._context.load_cursor()
            self._threads = self._threads or Threads(cursor)  # another one may have been quicker
        return self._threads

    async def _who(self) -> str:
        """The bot's own user. A UserError when the token is refused, an OutsideError when Slack is down."""
        if self._user:
            return self._user
        try:
            answer = await self._web.call(lambda client: client.auth_test())
        except SlackFault as fault:
            raise self._refused(
                "bot_token", fault, "the Bot User OAuth Token (xoxb-...) of the app"
            ) from None
        if not answer.get("bot_id"):
            raise UserError(
                f"`bot_token` of platform `slack` of bot `{self._context.bot}` is a person's",
                help="set it to the Bot User OAuth Token (xoxb-...) of the app",
            )
        self._user = str(answer.get("user_id", ""))
        return self._user

    async def _address(self) -> str:
        """The address of a socket."""
        token = self._settings.app_token
        while True:
            try:
                answer = await self._web.call(lambda client: client.apps_connections_open(app_token=token))
            except SlackFault as fault:
                if fault.retry_after is None:
                    help = "an app-level token (xapp-...) with the scope connections:write"
                    raise self._refused("app_token", fault, help) from None
                await asyncio.sleep(fault.retry_after)
            else:
                return str(answer.get("url", ""))

    def _refused(self, setting: str, fault: SlackFault, expected: str) -> UserError | OutsideError:
        """What a call that failed means for the connection: the setting is wrong, or Slack is down."""
        if fault.code in TOKEN_FAULTS:
            return UserError(
                f"slack refused `{setting}` of bot `{self._context.bot}`: {fault.code}",
                help=f"set it to {expected}",
            )
        return OutsideError(f"slack cannot be asked: {fault.code}", retryable=True)


def _remember(memory: dict[str, Kept], key: str, value: Kept) -> None:
    memory[key] = value
    if len(memory) > _MOST_RECENT:
        del memory[next(iter(memory))]


def _thread(message: OutgoingMessage) -> str:
    """Where the answer goes: the conversation's thread, or the one of a direct channel it was asked in."""
    return message.thread_id or str(message.reply.get("thread_ts", ""))
