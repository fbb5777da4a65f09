"""Custom: any program that can POST JSON.

    POST /webhooks/<bot>/custom   {"text": "...", "userId": "...", "channelId": "..."}

userName and messageId may come too (user_id, channel_id, user_name and message_id mean the same). Without a
channelId the channel is the user's own; other fields are ignored. The same response answers {response,
messages, run_id, status, tool_calls, tokens, cost_cents, latency_ms}: 200 when the run is over, also if it
failed (status `error`, the fallback message in `messages`) or the message is not answered (status `ignored`
and a `reason`); 202 with what is known when the run waits or takes longer than `answer_timeout`. With
`Accept: text/event-stream` the messages come as events `message`, and the whole as `done`. With
`callback_url` every message is POSTed there as well. A request that is repeated (the same webhook-id, else
the same messageId) is told the same answer.

With `secret` requests must be signed with Standard Webhooks, and so are callbacks; without one, botctl
listens on this machine only.
"""

from __future__ import annotations

from pydantic import Field, field_validator

from botctl.duration import Duration
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
    answer_timeout: Duration = Field(default=25.0, gt=0, le=600)
    """How long a request waits for its answer before it is told 202."""

    @field_validator("callback_url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if url and "${" not in url and not url.startswith(("https://", "http://")):
            raise ValueError("should be an address that starts with https:// or http://")
        return url


def connect(settings: CustomSettings, context: ConnectionContext) -> Connection:
    """A connection; nothing is contacted. A UserError when the secret cannot be one."""
    from botctl.platforms.custom_connection import CustomConnection

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
