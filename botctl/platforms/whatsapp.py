"""WhatsApp: numbers of the WhatsApp Cloud API.

Messages come by webhook: in the app's dashboard, under WhatsApp > Configuration, enter
`https://<this server>/webhooks/<bot>/whatsapp` and the `verify_token`, and subscribe to the field `messages`;
or let `botctl webhook set` give this one number an address of its own. Every webhook is verified with
`app_secret`; without it, or without `verify_token`, the platform is off.

A user is known by the business-scoped id that WhatsApp gives him (`US.1349...`), because those who have a
user name may hide their number; by the number where there is no such id. A number is written with digits
only, as in `send_proactive` or `handoff: {notify: [{whatsapp: "16505551234"}]}`.

WhatsApp takes free text within 24 hours after the user's last message. Later a message leaves as a template
that Meta has approved: the message's own, or `template` of these settings; without one it is not sent and
says why. A template is written `name:language` (`notice:en_US`); its body then has one parameter, {{1}}, that
holds the text. It may also be JSON, the object as the Graph API takes it: {"name": "order_ready",
"language": "en", "components": [...]}; it is sent as it is.
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
from botctl.platforms.whatsapp_template import template_fault

_VERSION = re.compile(r"v\d+\.\d+")


class WhatsappSettings(PlatformSettings):
    """`platforms: whatsapp:`."""

    mode: Literal["webhook"] = "webhook"
    """webhook: WhatsApp has no other way."""
    phone_number_id: str
    """The id of the number that answers (not the number itself)."""
    access_token: str
    """The access token, as `${NAME}`."""
    verify_token: str
    """What is asked for when the webhook is set up, as `${NAME}`; make it up."""
    app_secret: str
    """The app's secret that webhooks are signed with, as `${NAME}`."""
    api_version: str = "v25.0"
    """The version of the Graph API."""
    base_url: str = "https://graph.facebook.com"
    """Where the Graph API is."""
    template: str = ""
    """The template that carries what is said after the 24 hours, `name:language` or JSON; else it fails."""

    @field_validator("api_version")
    @classmethod
    def _is_version(cls, version: str) -> str:
        if "${" not in version and not _VERSION.fullmatch(version):
            raise ValueError("should be a version such as v25.0")
        return version

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if "${" not in url and not url.startswith(("https://", "http://")):
            raise ValueError("should be an address that starts with https:// or http://")
        return url

    @field_validator("template")
    @classmethod
    def _is_template(cls, written: str) -> str:
        if written and "${" not in written and (fault := template_fault(written)):
            raise ValueError(fault)
        return written


def connect(settings: WhatsappSettings, context: ConnectionContext) -> Connection:
    """A connection; nothing is contacted. A UserError when a secret is empty."""
    from botctl.platforms.whatsapp_connection import WhatsappConnection

    return WhatsappConnection(settings, context)


WHATSAPP = Platform(
    name="whatsapp",
    doc=__doc__,
    settings=WhatsappSettings,
    # 80 a second per number (Meta's throughput page), one in 6 seconds to one user (its partners), 2026-06
    limits=PlatformLimits(text=4096, buttons=3, per_chat=6.0, per_message=1 / 80),
    connect=connect,
    secrets=("access_token", "phone_number_id", "verify_token", "app_secret"),
)
