"""Slack: apps of a workspace. Its settings are checked; talking to it is not built yet."""

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


class SlackSettings(PlatformSettings):
    """`platforms: slack:`."""

    mode: Literal["polling", "webhook"] = "polling"
    """polling: socket mode; webhook: the Events API."""
    bot_token: str
    """The bot token (xoxb-...), as `${NAME}`."""
    app_token: str = ""
    """The app-level token (xapp-...), as `${NAME}`; needed for polling."""
    signing_secret: str = ""
    """The signing secret, as `${NAME}`; needed for webhook."""
    base_url: str = "https://slack.com/api/"
    """Where the API is."""


def connect(settings: SlackSettings, context: ConnectionContext) -> Connection:
    """Not built yet."""
    raise UserError(
        f"platform `slack` of bot `{context.bot}` is not built yet in this version of botctl",
        help="use console or custom",
    )


SLACK = Platform(
    name="slack",
    doc=__doc__,
    settings=SlackSettings,
    limits=PlatformLimits(text=4000, buttons=25, per_chat=1.0),
    connect=connect,
    secrets=("bot_token",),
)
