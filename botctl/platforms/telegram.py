"""Telegram: bots made with BotFather.

`mode: polling` asks for updates; what was stored is confirmed, nothing else. `mode: webhook` has Telegram
bring them to this server, which `botctl run` and `botctl webhook set` arrange. In groups the bot answers what
is meant for it: commands, replies to it, and messages that mention it. In privacy mode, which BotFather
switches, it gets little else of what is said there; `botctl doctor` tells.
"""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

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
    format: Literal["plain", "markdown"] = "plain"
    """markdown: bold, italic, code and links in texts are shown as such; plain: texts stand as written."""
    base_url: str = "https://api.telegram.org"
    """Where the Bot API is."""

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if "${" not in url and not url.startswith(("https://", "http://")):
            raise ValueError("should be an address that starts with https:// or http://")
        return url


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
