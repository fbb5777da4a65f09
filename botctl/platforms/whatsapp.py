"""WhatsApp: numbers of the WhatsApp Cloud API. Its settings are checked; talking to it is not built yet."""

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


class WhatsappSettings(PlatformSettings):
    """`platforms: whatsapp:`."""

    mode: Literal["polling", "webhook"] = "webhook"
    """webhook: WhatsApp has no other way."""
    phone_number_id: str
    """The id of the number that answers."""
    access_token: str
    """The access token, as `${NAME}`."""
    verify_token: str = ""
    """What is asked for when the webhook is set up, as `${NAME}`."""
    app_secret: str = ""
    """The app's secret that webhooks are signed with, as `${NAME}`."""
    api_version: str = "v25.0"
    """The version of the Graph API."""
    base_url: str = "https://graph.facebook.com"
    """Where the Graph API is."""


def connect(settings: WhatsappSettings, context: ConnectionContext) -> Connection:
    """Not built yet."""
    raise UserError(
        f"platform `whatsapp` of bot `{context.bot}` is not built yet in this version of botctl",
        help="use console or custom",
    )


WHATSAPP = Platform(
    name="whatsapp",
    doc=__doc__,
    settings=WhatsappSettings,
    limits=PlatformLimits(text=4096, buttons=3, per_chat=6.0),
    connect=connect,
    secrets=("access_token", "phone_number_id"),
)
