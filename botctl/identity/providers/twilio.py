"""twilio: text messages by Twilio.

```yaml
identity:
  twilio:
    account_sid: ${TWILIO_ACCOUNT_SID}
    auth_token: ${TWILIO_AUTH_TOKEN}     # or api_key (SK...) and api_secret
    sender: "+15005550006"               # or messaging_service_sid: MG...
```

The code is made and checked by botctl, so Twilio's Messaging is used and not its Verify.
"""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import quote, urlencode

from pydantic import Field

from botctl.clock import Clock
from botctl.errors import BotctlError, UserError
from botctl.identity.letter import write_sms
from botctl.identity.provider import Carrier, ContactRefusedError, Delivery, IdentityProvider
from botctl.identity.wire import Answer, Wire, WireSettings, endpoint

# Twilio's codes, from its error dictionary (2026-11). More are added now and then; those that are not known
# here are told as they come.
_UNREACHABLE = frozenset((
    "21211",  # not a phone number
    "21214", "21217",  # cannot be reached, does not seem to exist
    "21265", "21266",  # a short code; our own number
    "21408",  # the region is not switched on
    "21610",  # the person said STOP
    "21612",  # cannot be reached from our number
    "21614", "21635",  # not a mobile number, a landline
))  # fmt: skip
_BAD_SENDER = frozenset(
    ("21212", "21603", "21606", "21659", "21660", "21661", "21701", "21702", "21703", "21705", "21712")
)
_TRIAL = "21608"


class TwilioSettings(WireSettings):
    """`identity: twilio:`."""

    account_sid: str = Field(repr=False)
    """The account's SID (AC...), as `${NAME}`."""
    auth_token: str = Field(default="", repr=False)
    """The account's auth token, as `${NAME}`; without one, an API key."""
    api_key: str = Field(default="", repr=False)
    """The SID of an API key (SK...), as `${NAME}`."""
    api_secret: str = Field(default="", repr=False)
    """The secret of the API key, as `${NAME}`."""
    sender: str = ""
    """Whom text messages are from: one of your numbers, a short code or a sender id."""
    messaging_service_sid: str = ""
    """The messaging service (MG...) that picks the sender, in place of `sender`."""
    base_url: str = "https://api.twilio.com"
    """Where Twilio's API is."""


class TwilioCarrier:
    """See `Carrier`. Twilio knows no repeats: the same delivery twice is two messages."""

    def __init__(self, settings: TwilioSettings) -> None:
        has_key = settings.api_key and settings.api_secret
        if not (has_key or settings.auth_token):
            raise UserError(
                "twilio has nothing to log in with",
                help="set `identity.twilio.auth_token`, or `api_key` and `api_secret`",
            )
        if bool(settings.sender) == bool(settings.messaging_service_sid):
            raise UserError(
                "twilio needs one sender",
                help="set either `identity.twilio.sender` or `identity.twilio.messaging_service_sid`",
            )
        self._settings = settings
        account = quote(settings.account_sid, safe="")
        path = f"/2010-04-01/Accounts/{account}/Messages.json"
        self._url = endpoint("twilio", settings.base_url, path)
        user, password = settings.account_sid, settings.auth_token
        if has_key:
            user, password = settings.api_key, settings.api_secret
        self._authorization = "Basic " + b64encode(f"{user}:{password}".encode()).decode()
        self._wire = Wire(
            "twilio",
            timeout=settings.timeout,
            keys="`api_key` and `api_secret` of `identity.twilio`"
            if has_key
            else "`account_sid` and `auth_token` of `identity.twilio`",
            secrets=(user, password),
        )

    async def carry(self, delivery: Delivery) -> str:
        """The SID of the message. Whether it arrives is known to Twilio alone."""
        sender = (
            {"MessagingServiceSid": self._settings.messaging_service_sid}
            if self._settings.messaging_service_sid
            else {"From": self._settings.sender}
        )
        answer = await self._wire.ask(
            "POST",
            self._url,
            headers={
                "Authorization": self._authorization,
                "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json",
            },
            content=urlencode({"To": delivery.contact, **sender, "Body": write_sms(delivery)}).encode(),
        )
        if not answer.is_success or answer.text("error_code"):
            raise self._refusal(answer, delivery)
        sid = self._wire.id_in(answer, delivery, "sid")
        if not sid:
            raise self._wire.odd(answer)
        return sid

    def _refusal(self, answer: Answer, delivery: Delivery) -> BotctlError:
        code = answer.text("code", "error_code")
        said = answer.text("message", "error_message")
        if code:
            said = f"{said} ({code})"
        if code in _UNREACHABLE:
            return ContactRefusedError(self._wire.tell("cannot reach this number", said, delivery))
        if code in _BAD_SENDER:
            return UserError(
                self._wire.tell("refused the sender", said, delivery),
                help="set `sender` or `messaging_service_sid` of `identity.twilio` to one of this account",
            )
        if code == _TRIAL:
            return UserError(
                self._wire.tell("does not send to this number from a trial account", said, delivery),
                help="verify the number in the Twilio console, or upgrade the account",
            )
        if answer.status == 404:
            return UserError(
                self._wire.tell("knows no such account", said, delivery),
                help="see whether `account_sid` and `base_url` of `identity.twilio` are right",
            )
        return self._wire.failure(answer, said, delivery)

    async def close(self) -> None:
        """Let go of connections."""
        await self._wire.close()


def connect(settings: TwilioSettings, clock: Clock) -> Carrier:
    """A carrier; nothing is contacted. A UserError when the settings do not make one."""
    return TwilioCarrier(settings)


TWILIO = IdentityProvider(
    name="twilio",
    doc=__doc__,
    contact_types=("phone",),
    settings=TwilioSettings,
    connect=connect,
    secrets=("account_sid",),
)
