"""Custom: any program that can POST JSON.

    POST /webhooks/<bot>/custom   {"text": "...", "userId": "...", "channelId": "..."}

answers {response, messages, run_id, status, tool_calls, tokens, cost_cents, latency_ms} in the same response;
202 with what is known when the run waits or takes longer than `answer_timeout`. With `Accept:
text/event-stream` the messages come as server-sent events. With `callback_url` every message is POSTed there.
With `secret` requests must be signed with Standard Webhooks, and so are callbacks; without one, botctl
listens on this machine only.
"""

from __future__ import annotations

from botctl.duration import Duration
from botctl.platforms.custom_connection import CustomConnection
from botctl.platforms.platform import (
    Connection,
    ConnectionContext,
    Platform,
    PlatformLimits,
    PlatformSettings,
)


class CustomSettings(PlatformSettings):
    """`platforms: custom:`."""

    secret: str = ""
    """The secret that requests are signed with (Standard Webhooks), as `${NAME}`."""
    callback_url: str = ""
    """Where messages are POSTed to; they are in the response alone if left out."""
    answer_timeout: Duration = 25.0
    """How long a request waits for its answer before it is told 202."""


def connect(settings: CustomSettings, context: ConnectionContext) -> Connection:
    """A connection; nothing is contacted."""
    return CustomConnection(
        secret=settings.secret,
        callback_url=settings.callback_url,
        answer_timeout=settings.answer_timeout,
        context=context,
    )


CUSTOM = Platform(
    name="custom",
    doc=__doc__,
    settings=CustomSettings,
    limits=PlatformLimits(),
    connect=connect,
    secrets=("secret",),
)
