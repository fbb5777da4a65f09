"""Telegram: bots made with BotFather.

`mode: polling` asks for updates; what was stored is confirmed, nothing else. `mode: webhook` has Telegram
bring them to this server, which `botctl run` and `botctl webhook set` arrange. In groups the bot answers what
is meant for it: commands, replies to it, and messages that mention it.
"""

from __future__ import annotations

from typing import Literal

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
    """What Telegram puts into every webhook; made of the token if left out."""
    base_url: str = "https://api.telegram.org"
    """Where the Bot API is."""


def connect(settings: TelegramSettings, context: ConnectionContext) -> Connection:
    """A connection; the client library is loaded when it is first used."""
    from botctl.platforms.telegram_connection import TelegramConnection  # it brings starlette's responses

    return TelegramConnection(settings, context)


TELEGRAM = Platform(
    name="telegram",
    doc=__doc__,
    settings=TelegramSettings,
    limits=PlatformLimits(text=4096, buttons=100, per_chat=1.0, per_message=1 / 30),
    connect=connect,
    secrets=("token",),
)
