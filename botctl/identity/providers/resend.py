"""resend: email by Resend (resend.com).

```yaml
identity:
  resend:
    api_key: ${RESEND_API_KEY}
    sender: Support <codes@example.com>   # of a domain that you verified at resend.com/domains
```
"""

from __future__ import annotations

import json
import re

from pydantic import Field

from botctl.clock import Clock
from botctl.errors import BotctlError, OutsideError, UserError
from botctl.identity.letter import write_mail
from botctl.identity.provider import Carrier, ContactRefusedError, Delivery, IdentityProvider
from botctl.identity.wire import Answer, Wire, WireSettings, check_email_sender, endpoint

_QUOTAS = ("daily_quota_exceeded", "monthly_quota_exceeded")
_ABOUT_TO = re.compile(r"['\"`]to['\"`]|\brecipient\b", re.IGNORECASE)
_ABOUT_FROM = re.compile(r"['\"`]from['\"`]|\bdomain\b.*\bverif|\btesting emails\b", re.IGNORECASE)


class ResendSettings(WireSettings):
    """`identity: resend:`."""

    api_key: str = Field(repr=False)
    """The API key, as `${NAME}`; one with sending access is enough."""
    sender: str
    """Whom mails are from: `codes@example.com` or `Support <codes@example.com>`, of a verified domain."""
    base_url: str = "https://api.resend.com"
    """Where Resend's API is."""


class ResendCarrier:
    """See `Carrier`. The delivery's id is the Idempotency-Key: for 24 hours a repeat sends nothing."""

    def __init__(self, settings: ResendSettings) -> None:
        check_email_sender("resend", settings.sender)
        self._settings = settings
        self._url = endpoint("resend", settings.base_url, "/emails")
        self._wire = Wire(
            "resend",
            timeout=settings.timeout,
            keys="`identity.resend.api_key`",
            secrets=(settings.api_key,),
        )

    async def carry(self, delivery: Delivery) -> str:
        """The id of the mail."""
        mail = write_mail(delivery)
        document = {
            "from": self._settings.sender,
            "to": [delivery.contact],
            "subject": mail.subject,
            "text": mail.text,
        }
        answer = await self._wire.ask(
            "POST",
            self._url,
            headers={
                "Authorization": f"Bearer {self._settings.api_key}",
                "Content-Type": "application/json",
                "Idempotency-Key": delivery.id,
            },
            content=json.dumps(document).encode(),
        )
        if not answer.is_success:
            raise self._refusal(answer, delivery)
        id = self._wire.id_in(answer, delivery, "id")
        if not id:
            raise self._wire.odd(answer)
        return id

    def _refusal(self, answer: Answer, delivery: Delivery) -> BotctlError:
        """Resend's errors by `name` (resend.com/docs/api-reference/errors, read 2026-11)."""
        name, said = answer.text("name"), answer.text("message")
        if name in _QUOTAS:  # also 429, but no pause of minutes helps
            return OutsideError(
                self._wire.tell("has used up the quota of the account", said, delivery),
                help="wait until it is renewed, or take a larger plan",
                not_executed=True,
            )
        if name == "concurrent_idempotent_requests":
            return OutsideError(self._wire.tell("is still busy with it", said, delivery), retryable=True)
        if name == "invalid_from_address" or (answer.status in (400, 403, 422) and _ABOUT_FROM.search(said)):
            return UserError(
                self._wire.tell("refused `identity.resend.sender`", said, delivery),
                help="use an address of a domain that is verified at resend.com/domains",
            )
        if name == "invalid_to_address" or (answer.status in (400, 422) and _ABOUT_TO.search(said)):
            return ContactRefusedError(self._wire.tell("cannot reach this address", said, delivery))
        return self._wire.failure(answer, said, delivery)

    async def close(self) -> None:
        """Let go of connections."""
        await self._wire.close()


def connect(settings: ResendSettings, clock: Clock) -> Carrier:
    """A carrier; nothing is contacted."""
    return ResendCarrier(settings)


RESEND = IdentityProvider(
    name="resend",
    doc=__doc__,
    contact_types=("email",),
    settings=ResendSettings,
    connect=connect,
    secrets=("api_key",),
)
