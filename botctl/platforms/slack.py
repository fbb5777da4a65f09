"""Slack: an app of a workspace.

People talk to it in direct messages; in a channel by mentioning it, and then in the thread that begins there
without mentioning it again (a reply that begins with somebody else's name is not for it). Every thread of a
channel is a conversation of its own, and is answered in the thread. The slash commands `/ask <question>` and
`/reset` work if the app has them.

`mode: polling` is Socket Mode: nothing has to be reachable from outside; `app_token` (with the scope
connections:write) is needed. `mode: webhook` is the Events API: `signing_secret` is needed, and the address
`<public_url>/webhooks/<bot>/slack` must be entered by hand as Request URL of Event Subscriptions, of
Interactivity and of the slash commands; Slack lets no bot do that itself.

Bot events: message.im, app_mention, message.channels, message.groups. Scopes of the bot token: chat:write,
im:history, app_mentions:read, channels:history, groups:history; for attachments files:read and files:write;
for slash commands commands. `botctl doctor` tells which are missing.
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

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if "${" not in url and not url.startswith(("https://", "http://")):
            raise ValueError("should be an address that starts with https:// or http://")
        return url


def connect(settings: SlackSettings, context: ConnectionContext) -> Connection:
    """A connection; nothing is contacted. A UserError when what its mode needs is not given."""
    from botctl.platforms.slack_connection import SlackConnection

    return SlackConnection(settings, context)


SLACK = Platform(
    name="slack",
    doc=__doc__,
    settings=SlackSettings,
    limits=PlatformLimits(text=4000, buttons=25, per_chat=1.0),
    connect=connect,
    secrets=("bot_token", "app_token", "signing_secret"),
)
