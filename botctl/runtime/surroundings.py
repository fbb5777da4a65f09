"""Surroundings: what the connections of a bot may know of the world, read from the store when they ask."""

from __future__ import annotations

from pathlib import Path

from botctl.clock import Clock
from botctl.platforms.platform import Accept, ConnectionContext
from botctl.runtime.files import MessageFiles
from botctl.runtime.registration import webhook_address
from botctl.spec.bot import LimitsSection
from botctl.store import conversations, inbox, outbox
from botctl.store.database import Database


def surroundings(
    bot: str,
    platform: str,
    *,
    accept: Accept,
    database: Database,
    clock: Clock,
    state_folder: Path,
    limits: LimitsSection,
    public_url: str,
    may_take_over: bool,
) -> ConnectionContext:
    """The context of one connection."""

    async def load_cursor() -> str | None:
        return database.read(lambda connection: inbox.load_cursor(connection, bot, platform))

    def last_message_at(channel: str, user: str) -> int | None:
        return database.read(lambda store: conversations.last_at(store, bot, platform, channel, user))

    def known_channels() -> list[str]:
        return database.read(lambda connection: conversations.channels_of(connection, bot, platform))

    async def undelivered(id: str, reason: str) -> None:
        await database.write(lambda connection: outbox.undelivered(connection, bot, id, reason))

    async def channel_moved(old: str, new: str) -> None:
        await database.write(lambda connection: conversations.move(connection, bot, platform, old, new))

    largest = round(limits.max_file_mb * 1_000_000)
    return ConnectionContext(
        bot=bot,
        accept=accept,
        now_ms=clock.now_ms,
        load_cursor=load_cursor,
        files=MessageFiles(state_folder / "files", clock, largest=largest, types=limits.file_types),
        last_message_at=last_message_at,
        known_channels=known_channels,
        undelivered=undelivered,
        webhook_url=webhook_address(public_url, bot, platform),
        may_take_over=may_take_over,
        channel_moved=channel_moved,
    )
