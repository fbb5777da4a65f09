"""The desk of a running app: what the operations of the API work with."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from botctl.runtime.app import App
from botctl.runtime.standing import BotShape, bot_shape
from botctl.web.api_operation import Desk


def desk_of(app: App) -> Desk:
    """For the API of this app. Bots that it does not run are told by their files and the state."""

    async def standing() -> Sequence[BotShape]:
        names = sorted({*app.project.bot_names(), *app.bots})
        return [_live(app, await asyncio.to_thread(_shape, app, name)) for name in names]

    return Desk(
        database=app.database,
        clock=app.clock,
        state_folder=app.state_folder,
        look=app.look,
        standing=standing,
        faults=lambda: app.supervisor.faults,
        mask=app.environment.mask,
    )


def _shape(app: App, name: str) -> BotShape:
    return bot_shape(app.project, app.environment, name, stdin="closed")


def _live(app: App, told: BotShape) -> BotShape:
    """With what is switched on indeed, of a bot that this process runs."""
    if told.bot not in app.bots:
        return told
    platforms = sorted(platform for bot, platform in app.connections if bot == told.bot)
    off = {platform: why for (bot, platform), why in app.off.items() if bot == told.bot}
    return replace(told, platforms=platforms, off=off)
