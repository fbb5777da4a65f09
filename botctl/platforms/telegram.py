"""Telegram: bots made with BotFather. Its settings are checked; talking to it is not built yet."""

from __future__ import annotations

from typing import Literal

from botctl.errors import UserError
from botctl.platforms.platform import (
    Connection,
    ConnectionContext,
    Platform,
    PlatformLimits,
    PlatformSettings,
)


class TelegramSettings(PlatformSettings):
    """`platforms: telegram:`."""

    mode: Literal["polling", "webhook"] = "polling"
    """polling: botctl asks for updates; webhook: Telegram sends them to this server."""
    token: str
    """The bot's token, as `${NAME}`."""
    webhook_secret: str = ""
    """What Telegram puts into every webhook; made up if left out."""
    base_url: str = "https://api.telegram.org"
    """Where the Bot API is."""


def connect(settings: TelegramSettings, context: ConnectionContext) -> Connection:
    """Not built yet."""
    raise UserError(
        f"platform `telegram` of bot `{context.bot}` is not built yet in this version of botctl",
        help="use console or custom",
    )


TELEGRAM = Platform(
    name="telegram",
    doc=__doc__,
    settings=TelegramSettings,
    limits=PlatformLimits(text=4096, buttons=100, per_chat=1.0),
    connect=connect,
    secrets=("token",),
)
