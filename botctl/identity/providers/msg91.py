"""msg91: text messages by MSG91.

```yaml
identity:
  msg91:
    auth_key: ${MSG91_AUTH_KEY}
    template_id: ${MSG91_TEMPLATE_ID}    # an OTP template with ##OTP## in it
```

The words are those of the template: Indian networks deliver nothing but templates registered with DLT. So
MSG91 carries codes and no links.
"""

from __future__ import annotations

import json
import re

from pydantic import Field

from botctl.clock import Clock
from botctl.errors import BotctlError, OutsideError, UserError
from botctl.identity.provider import Carrier, ContactRefusedError, Delivery, IdentityProvider
from botctl.identity.wire import Answer, Wire, WireSettings, endpoint

# MSG91 says in words what is wrong; its error list was last seen in SDKs and public programs (2026-11).
_BAD_KEY = re.compile(r"auth[ _-]?key|authenticat|whitelist|blacklisted ip|ip is blacklisted", re.IGNORECASE)
_BAD_TEMPLATE = re.compile(r"template|\bdlt\b|\bflow\b|placeholder|sender ?id", re.IGNORECASE)
_BAD_ACCOUNT = re.compile(r"balance|credit|demo account|expired user|banned user", re.IGNORECASE)
_BAD_MOBILE = re.compile(r"mobile|phone|\bnumber\b|recipient|country", re.IGNORECASE)
_TOO_MANY = re.compile(r"limit|too many|same request|try (again )?(after|later)", re.IGNORECASE)


class Msg91Settings(WireSettings):
    """`identity: msg91:`."""

    auth_key: str = Field(repr=False)
    """The auth key, as `${NAME}`."""
    template_id: str
    """The id of the OTP template; for India one that is registered with DLT."""
    base_url: str = "https://control.msg91.com"
    """Where MSG91's API is."""


class Msg91Carrier:
    """See `Carrier`. Numbers go without `+`; the code is ours, MSG91 is never asked to check one."""

    def __init__(self, settings: Msg91Settings) -> None:
        self._settings = settings
        self._url = endpoint("msg91", settings.base_url, "/api/v5/otp")
        self._wire = Wire(
            "msg91",
            timeout=settings.timeout,
            keys="`identity.msg91.auth_key`",
            secrets=(settings.auth_key,),
        )

    async def carry(self, delivery: Delivery) -> str:
        """The id of the request."""
        if delivery.link:
            raise UserError(
                "msg91 cannot carry a link: its messages are templates with a code",
                help="use `method: code`, or provider twilio or custom_http",
            )
        document = {
            "template_id": self._settings.template_id,
            "mobile": delivery.contact.removeprefix("+"),
            "otp": delivery.code,  # a text: it may begin with 0
            "otp_expiry": delivery.minutes,
        }
        answer = await self._wire.ask(
            "POST",
            self._url,
            headers={
                "authkey": self._settings.auth_key,
                "Content-Type": "application/json",
                "Accept": "application/json",
            },
            content=json.dumps(document).encode(),
        )
        if answer.is_success and answer.text("type") == "success":
            return self._wire.id_in(answer, delivery, "request_id", "message") or delivery.id
        raise self._refusal(answer, delivery)

    def _refusal(self, answer: Answer, delivery: Delivery) -> BotctlError:
        """What went wrong, by MSG91's words: the status is often 200 all the same."""
        said = answer.text("message")
        if answer.is_success and not said:
            return self._wire.odd(answer)
        if answer.status == 429 or answer.status >= 500:
            return self._wire.failure(answer, said, delivery)
        if _BAD_KEY.search(said):
            return UserError(
                self._wire.tell("refused `identity.msg91.auth_key`", said, delivery),
                help="set it to the auth key of the MSG91 panel, and see which IP addresses may use it",
            )
        if _BAD_TEMPLATE.search(said):
            return UserError(
                self._wire.tell("refused `identity.msg91.template_id`", said, delivery),
                help="use an approved OTP template with ##OTP## in it; India needs its DLT registration",
            )
        if _BAD_ACCOUNT.search(said):
            return UserError(
                self._wire.tell("does not send for this account", said, delivery),
                help="see its balance and its state in the MSG91 panel",
            )
        if _TOO_MANY.search(said):
            return OutsideError(
                self._wire.tell("has too much to do", said, delivery),
                retryable=True,
                not_executed=True,
                retry_after=answer.retry_after,
            )
        if _BAD_MOBILE.search(said):
            return ContactRefusedError(self._wire.tell("cannot reach this number", said, delivery))
        return self._wire.failure(answer, said, delivery)

    async def close(self) -> None:
        """Let go of connections."""
        await self._wire.close()


def connect(settings: Msg91Settings, clock: Clock) -> Carrier:
    """A carrier; nothing is contacted."""
    return Msg91Carrier(settings)


MSG91 = IdentityProvider(
    name="msg91",
    doc=__doc__,
    contact_types=("phone",),
    settings=Msg91Settings,
    connect=connect,
    secrets=("auth_key", "template_id"),
)
