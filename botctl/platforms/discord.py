"""Discord: bots of the developer portal. Its settings are checked; talking to it is not built yet."""

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


class DiscordSettings(PlatformSettings):
    """`platforms: discord:`."""

    mode: Literal["polling", "webhook"] = "polling"
    """polling: the gateway; webhook: the interactions endpoint, which brings no ordinary messages."""
    token: str
    """The bot's token, as `${NAME}`."""
    application_id: str = ""
    """The application's id; needed for webhook."""
    public_key: str = ""
    """The application's public key in hex; needed for webhook."""
    base_url: str = "https://discord.com/api/v10"
    """Where the API is."""


def connect(settings: DiscordSettings, context: ConnectionContext) -> Connection:
    """Not built yet."""
    raise UserError(
        f"platform `discord` of bot `{context.bot}` is not built yet in this version of botctl",
        help="use console or custom",
    )


DISCORD = Platform(
    name="discord",
    doc=__doc__,
    settings=DiscordSettings,
    limits=PlatformLimits(text=2000, buttons=25, per_chat=1.0),
    connect=connect,
    secrets=("token",),
)
