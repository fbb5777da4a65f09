"""Discord: bots of the developer portal.

With `mode: polling` messages come over the gateway: direct messages, mentions in servers, and replies to the
bot; `/ask`, `/reset` and buttons too, as long as no interactions endpoint is set. With `mode: webhook` only
commands and buttons come, signed, to /webhooks/<bot>/discord; ordinary messages never do. `/ask` and `/reset`
are registered by themselves; other commands of the application are left alone.

The message content intent is not needed. If it is on in the portal, it is used: then replies to the bot that
do not mention it come with their text.

After a restart messages are fetched that came meanwhile, in channels in which somebody had talked to the bot
before. What cannot be fetched: messages in other channels, in channels whose history the bot may not read,
and commands and buttons, which Discord tells the user have failed.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import field_validator

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
    """The application's id; asked for if left out."""
    public_key: str = ""
    """The application's public key in hex; needed for webhook."""
    base_url: str = "https://discord.com/api/v10"
    """Where the API is."""

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if "${" not in url and not re.match(r"https?://[^/]", url):
            raise ValueError("should be an address that starts with https:// or http://")
        return url


def connect(settings: DiscordSettings, context: ConnectionContext) -> Connection:
    """A connection; nothing is contacted. A UserError when `public_key` is none, or missing for webhook."""
    from botctl.platforms.discord_connection import DiscordConnection

    return DiscordConnection(settings, context)


DISCORD = Platform(
    name="discord",
    doc=__doc__,
    settings=DiscordSettings,
    limits=PlatformLimits(text=2000, buttons=25, per_chat=1.0, per_message=0.02),
    connect=connect,
    secrets=("token", "public_key"),
)
