"""ses: email by Amazon SES (API v2).

```yaml
identity:
  ses:
    access_key_id: ${AWS_ACCESS_KEY_ID}
    secret_access_key: ${AWS_SECRET_ACCESS_KEY}
    region: eu-central-1
    sender: Support <codes@example.com>   # verified in SES, in this region
```

The key needs `ses:SendEmail`. As long as the account is in the sandbox, recipients must be verified as well.
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

_KEYS = "`identity.ses.access_key_id` and `identity.ses.secret_access_key`"
_THROTTLED = ("TooManyRequestsException", "ThrottlingException", "Throttling")
_ACCOUNT = {
    "AccountSuspendedException": "lift the suspension in the SES console",
    "SendingPausedException": "resume sending in the SES console",
    "MailFromDomainNotVerifiedException": "verify the MAIL FROM domain in the SES console",
    "NotFoundException": "see whether `region` and `base_url` fit together",
}
_BAD_ADDRESS = re.compile(r"\baddress\b|final '@domain'|\bdomain (contains|starts|ends)\b", re.IGNORECASE)
_SUPPRESSED = re.compile(r"blacklist|suppress", re.IGNORECASE)


class SesSettings(WireSettings):
    """`identity: ses:`."""

    access_key_id: str = Field(repr=False)
    """The access key's id, as `${NAME}`."""
    secret_access_key: str = Field(repr=False)
    """The secret access key, as `${NAME}`."""
    session_token: str = Field(default="", repr=False)
    """The session token, as `${NAME}`, if the key is a temporary one."""
    region: str = Field(pattern=r"^([a-z0-9-]+|\$\{.+\})$")
    """The AWS region, such as eu-central-1."""
    sender: str
    """Whom mails are from: a verified address, or any of a verified domain."""
    base_url: str = "https://email.{region}.amazonaws.com"
    """Where SES is; `{region}` stands for the region."""


class SesCarrier:
    """See `Carrier`. Requests are signed by botocore, at the machine's own time: AWS refuses any other."""

    def __init__(self, settings: SesSettings) -> None:
        from botocore.auth import SigV4Auth
        from botocore.credentials import Credentials

        check_email_sender("ses", settings.sender)
        base_url = settings.base_url.replace("{region}", settings.region)
        self._url = endpoint("ses", base_url, "/v2/email/outbound-emails")
        self._settings = settings
        # The host says `email`, the signing name is `ses` (botocore's model of SES v2).
        self._signer = SigV4Auth(
            Credentials(settings.access_key_id, settings.secret_access_key, settings.session_token or None),
            "ses",
            settings.region,
        )
        self._wire = Wire(
            "ses",
            timeout=settings.timeout,
            keys=_KEYS,
            secrets=(settings.access_key_id, settings.secret_access_key, settings.session_token),
        )

    async def carry(self, delivery: Delivery) -> str:
        """The id of the mail."""
        mail = write_mail(delivery)
        document = {
            "FromEmailAddress": self._settings.sender,
            "Destination": {"ToAddresses": [delivery.contact]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": mail.subject, "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": mail.text, "Charset": "UTF-8"}},
                }
            },
        }
        content = json.dumps(document).encode()
        answer = await self._wire.ask("POST", self._url, headers=self._signed(content), content=content)
        if not answer.is_success:
            raise self._refusal(answer, delivery)
        id = self._wire.id_in(answer, delivery, "MessageId")
        if not id:
            raise self._wire.odd(answer)
        return id

    def _signed(self, content: bytes) -> dict[str, str]:
        """The headers of a request, with its signature."""
        from botocore.awsrequest import AWSRequest

        request = AWSRequest("POST", self._url, headers={"Content-Type": "application/json"}, data=content)
        self._signer.add_auth(request)
        return {str(name): str(value) for name, value in request.headers.items()}

    def _refusal(self, answer: Answer, delivery: Delivery) -> BotctlError:
        """SES's errors by type (botocore's model of SES v2, 2026-11)."""
        written = answer.headers.get("x-amzn-errortype", "") or answer.text("__type", "code")
        kind = written.partition(":")[0].rpartition("#")[2]
        said = answer.text("message", "Message")
        if kind in _THROTTLED:
            return OutsideError(
                self._wire.tell("has too much to do", said, delivery),
                retryable=True,
                not_executed=True,
                retry_after=answer.retry_after,
            )
        if kind == "LimitExceededException":
            return OutsideError(
                self._wire.tell("has used up the quota of the account", said, delivery),
                help="wait until it is renewed, or ask AWS for a larger one",
                not_executed=True,
            )
        if kind in _ACCOUNT:
            return UserError(
                self._wire.tell("does not send for this account", said, delivery), help=_ACCOUNT[kind]
            )
        if answer.status == 400 and "not verified" in said:
            return UserError(
                self._wire.tell("refused `identity.ses.sender`", said, delivery),
                help=f"verify it in the SES console, region {self._settings.region}; "
                "in the sandbox recipients must be verified too",
            )
        is_bad = kind == "BadRequestException" and _BAD_ADDRESS.search(said)  # the sender was checked before
        if is_bad or (kind == "MessageRejected" and _SUPPRESSED.search(said)):
            return ContactRefusedError(self._wire.tell("cannot reach this address", said, delivery))
        return self._wire.failure(answer, said, delivery)

    async def close(self) -> None:
        """Let go of connections."""
        await self._wire.close()


def connect(settings: SesSettings, clock: Clock) -> Carrier:
    """A carrier; nothing is contacted."""
    return SesCarrier(settings)


SES = IdentityProvider(
    name="ses",
    doc=__doc__,
    contact_types=("email",),
    settings=SesSettings,
    connect=connect,
    secrets=("access_key_id", "secret_access_key"),
)
