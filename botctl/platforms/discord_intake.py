"""Discord's intake: what the gateway brings is stored, in order per channel; what it missed is fetched."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import aiohttp
from msgspec import structs

from botctl.messages import Attachment, AttachmentKind
from botctl.platforms.discord_interactions import Interactions
from botctl.platforms.discord_messages import incoming_message
from botctl.platforms.discord_payload import DIRECT, File, Interaction, Message, PoisonError, read
from botctl.platforms.discord_rest import DiscordError, DiscordRest
from botctl.platforms.platform import ConnectionContext, FileRefusedError, Files

logger = logging.getLogger(__name__)

MOST_CHANNELS = 500
"""Channels whose last message is remembered."""
MOST_PAGES = 50
"""Pages of messages that are fetched per channel after a pause."""
DOWNLOAD_TIME = 30.0
"""Seconds that a file of a message may take."""

_PAGE = 100
_AT_ONCE = 4
_CHUNK = 65_536


class Intake:
    """Everything that comes over one gateway connection. `take` never waits; the work is the group's tasks'.

    The cursor is JSON: the id of the last message by channel, whether it was for us or not. Ids grow with
    time; a message is only counted as seen when it is stored.
    """

    def __init__(
        self,
        rest: DiscordRest,
        interactions: Interactions,
        context: ConnectionContext,
        group: asyncio.TaskGroup,
        cursor: str | None,
        me: str,
    ) -> None:
        self._rest = rest
        self._interactions = interactions
        self._context = context
        self._group = group
        self._me = me
        self._seen = read_cursor(cursor)
        self._lanes: dict[str, deque[Callable[[], Awaitable[None]]]] = {}
        self._fetching = asyncio.Semaphore(_AT_ONCE)
        self._storing = asyncio.Lock()  # else a cursor could overtake another and take its message back

    def take(self, event: str, payload: Any) -> None:
        """One event of the gateway, in the order in which they come."""
        match event:
            case "READY":  # a new session; one that was resumed has missed nothing
                for channel in self._context.known_channels():
                    if channel in self._seen:
                        self._put(channel, partial(self._catch_up, channel))
            case "MESSAGE_CREATE":
                self._put(str(payload.get("channel_id")), partial(self._message, payload, None))
            case "INTERACTION_CREATE":  # not in a lane: it has three seconds
                self._group.create_task(self._interaction(payload))

    def _put(self, channel: str, work: Callable[[], Awaitable[None]]) -> None:
        lane = self._lanes.get(channel)
        if lane is not None:
            lane.append(work)
            return
        self._lanes[channel] = deque((work,))
        self._group.create_task(self._empty(channel))

    async def _empty(self, channel: str) -> None:
        lane = self._lanes[channel]
        try:
            while lane:
                await lane[0]()
                lane.popleft()
        finally:
            del self._lanes[channel]

    async def _message(self, payload: Any, is_direct: bool | None) -> None:
        """is_direct: None where the payload tells it itself."""
        try:
            message = read(payload, Message)
        except PoisonError as error:
            where = payload.get("id") if isinstance(payload, dict) else ""
            logger.warning("discord message %s cannot be understood: %s", where, error)
            return
        context = self._context
        incoming = incoming_message(
            message,
            bot=context.bot,
            me=self._me,
            is_direct=message.guild_id is None if is_direct is None else is_direct,
            now_ms=context.now_ms(),
        )
        if incoming is None:
            if message.channel_id in self._seen:
                newest(self._seen, message.channel_id, message.id)
            return
        if message.attachments:
            kept = await keep_files(context.files, message.attachments)
            incoming = structs.replace(incoming, attachments=kept)
        async with self._storing:
            seen = {**self._seen}
            newest(seen, message.channel_id, message.id)
            await context.accept(incoming, write_cursor(seen))
            newest(self._seen, message.channel_id, message.id)

    async def _interaction(self, payload: Any) -> None:
        try:
            interaction = read(payload, Interaction)
        except PoisonError as error:
            logger.warning("a discord interaction cannot be understood: %s", error)
            return
        channel = interaction.channel_id
        async with self._storing:
            if channel and channel not in self._seen:  # else a message before it may still be on its way
                self._seen[channel] = interaction.id
            acknowledgement = await self._interactions.take(interaction, write_cursor(self._seen))
        await self._interactions.acknowledge(interaction, acknowledgement)

    async def _catch_up(self, channel: str) -> None:
        """Store what came to a channel since the last message that was seen there."""
        is_direct: bool | None = None
        for _ in range(MOST_PAGES):
            after = self._seen[channel]
            async with self._fetching:
                page = await self._fetch(
                    "/channels/{channel_id}/messages", channel, {"after": after, "limit": _PAGE}
                )
                if not page:
                    return
                if is_direct is None:  # messages that are fetched do not tell their server
                    is_direct = (await self._fetch("/channels/{channel_id}", channel)).get("type") == DIRECT
            for payload in sorted(page, key=_number):
                await self._message(payload, is_direct)
                newest(self._seen, channel, str(_number(payload)))
            if len(page) < _PAGE:
                return
        logger.warning(
            "more than %d messages came to discord channel %s meanwhile; those after %s are not read",
            MOST_PAGES * _PAGE,
            channel,
            self._seen[channel],
        )

    async def _fetch(self, path: str, channel: str, params: dict[str, Any] | None = None) -> Any:
        """What is at a path, waiting as long as Discord asks to; nothing where we may not look any more."""
        while True:
            try:
                return await self._rest.call("GET", path, params=params, channel_id=channel)
            except DiscordError as error:
                if error.status in (403, 404):
                    logger.warning("discord channel %s cannot be read any more: %s", channel, error.message)
                    return {}
                if error.status != 429 or error.retry_after is None:
                    raise
                await asyncio.sleep(error.retry_after)


def _number(payload: Any) -> int:
    id = payload.get("id") if isinstance(payload, dict) else None
    return int(id) if isinstance(id, str) and id.isdecimal() else 0


def newest(seen: dict[str, str], channel: str, id: str) -> None:
    """Note a message; the channel that was noted last stands last."""
    seen[channel] = max(seen.pop(channel, "0"), id, key=int)


def read_cursor(cursor: str | None) -> dict[str, str]:
    """The last message by channel; none of what is not written so."""
    try:
        found = json.loads(cursor or "{}")
    except ValueError:
        found = {}
    channels = found.items() if isinstance(found, dict) else ()
    return {channel: id for channel, id in channels if isinstance(id, str) and id.isdecimal()}


def write_cursor(seen: dict[str, str]) -> str:
    """The cursor, without the channels that were silent for longest when there are too many."""
    return json.dumps(dict(list(seen.items())[-MOST_CHANNELS:]), separators=(",", ":"))


async def keep_files(files: Files | None, attachments: Sequence[File]) -> tuple[Attachment, ...]:
    """The files of a message, fetched. One that is not kept has no path, and says why."""
    if files is None:
        return tuple(_unkept(one, "files are not kept") for one in attachments)
    timeout = aiohttp.ClientTimeout(total=DOWNLOAD_TIME)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        return tuple([await _keep(files, session, one) for one in attachments])


async def _keep(files: Files, session: aiohttp.ClientSession, file: File) -> Attachment:
    try:
        async with session.get(file.url, allow_redirects=False) as response:
            if response.status != 200:
                return _unkept(file, f"discord answered {response.status}")
            chunks: AsyncIterator[bytes] = response.content.iter_chunked(_CHUNK)
            return await files.keep(_kind(file), file.filename, file.content_type or "", chunks)
    except FileRefusedError as error:
        return _unkept(file, str(error))
    except (TimeoutError, aiohttp.ClientError):  # a disk that is full is no fault of the file
        return _unkept(file, "it could not be fetched")


def _unkept(file: File, why: str) -> Attachment:
    return Attachment(
        kind=_kind(file),
        name=file.filename,
        media_type=file.content_type or "",
        size=file.size,
        refused=why,
    )


def _kind(file: File) -> AttachmentKind:
    match (file.content_type or "").partition("/")[0]:
        case "image":
            return "image"
        case "audio":
            return "audio"
        case "video":
            return "video"
    return "document"
