"""custom_http: a server of yours that sends the code or the link, by email or phone.

```yaml
identity:
  custom_http:
    url: https://example.com/send-code
    headers: {Authorization: "Bearer ${SENDER_KEY}"}
    json:
      to: "{{contact}}"
      text: "{{code}} is your code, good for {{minutes}} minutes"
    secret: ${SENDER_SECRET}             # signs requests with Standard Webhooks
    success_when: result.queued
```

Without `json` all of {id, contact, code, link, minutes} is sent; of code and link one is empty. `webhook-id`
is new for each delivery. Any 2xx means it was sent, unless `success_when` says otherwise; 422 means that this
contact cannot be reached, 429 not now, 401 and 403 that the headers are wrong. Redirects are not followed,
and private networks not entered unless `allow_private` is set; 127.0.0.1 and localhost are fine.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field, field_validator

from botctl.clock import Clock
from botctl.errors import BotctlError, OutsideError, UserError
from botctl.expr.json_template import JsonTemplate, parse_json_template
from botctl.expr.path import ExpressionError, Parts, look_up, parse_bare_path
from botctl.identity.provider import Carrier, ContactRefusedError, Delivery, IdentityProvider
from botctl.identity.wire import Answer, Wire, WireSettings

_NAMES = ("id", "contact", "code", "link", "minutes")
_ALL = {name: "{{" + name + "}}" for name in _NAMES}
_SHORTEST_SECRET = 16


class CustomHttpSettings(WireSettings):
    """`identity: custom_http:`."""

    url: str = Field(repr=False)
    """Where deliveries are sent to."""
    method: Literal["POST", "PUT"] = "POST"
    """POST or PUT."""
    headers: dict[str, str] = Field(default={}, repr=False)
    """Headers of the request, for a key for example."""
    body: dict[str, Any] | None = Field(default=None, alias="json")
    """The JSON that is sent; its texts may hold {{contact}}, {{code}}, {{link}}, {{id}} and {{minutes}}."""
    secret: str = Field(default="", repr=False)
    """Requests are signed with it by Standard Webhooks: `whsec_` and base64, as `${NAME}`."""
    success_when: str = ""
    """A path in the answer, such as `result.queued`, that must lead to something true."""
    allow_private: bool = False
    """Whether the url may lead into a private network."""

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if "${" not in url and not url.startswith(("https://", "http://")):
            raise ValueError("should be an address that starts with https:// or http://")
        return url


class CustomHttpCarrier:
    """See `Carrier`. Values are put into the JSON as they are: none of them can change its shape."""

    def __init__(self, settings: CustomHttpSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._template = _template(_ALL if settings.body is None else settings.body)
        self._names = {place.parts[0] for place in self._template.placeholders}
        self._success = _path(settings.success_when)
        if settings.secret:
            _check_secret(settings.secret)
        self._wire = Wire(
            "custom_http",
            timeout=settings.timeout,
            keys="`identity.custom_http.headers`",
            secrets=(
                settings.secret,
                *[word for value in settings.headers.values() for word in value.split()],
            ),
            public_only=not settings.allow_private,
        )

    async def carry(self, delivery: Delivery) -> str:
        """The `id` of the answer if it has one, else that of the delivery."""
        needed = "link" if delivery.link else "code"
        if needed not in self._names:
            raise UserError(
                f"`identity.custom_http.json` has no place for the {needed}",
                help="write {{" + needed + "}} into one of its texts",
            )
        values = {name: getattr(delivery, name) for name in _NAMES}
        content = json.dumps(self._template.render(values), ensure_ascii=False)
        answer = await self._wire.ask(
            self._settings.method,
            self._settings.url,
            headers=self._headers(delivery, content),
            content=content.encode(),
        )
        if not answer.is_success:
            raise self._refusal(answer, delivery)
        if self._success and not look_up(self._success, {"answer": answer.document}):
            raise OutsideError(
                self._wire.tell(
                    f"answered HTTP {answer.status}, but `{self._settings.success_when}` is not true",
                    _said(answer),
                    delivery,
                )
            )
        return self._wire.id_in(answer, delivery, "id") or delivery.id

    def _headers(self, delivery: Delivery, content: str) -> dict[str, str]:
        """The user's headers, ours where there are none, and the signature, which nothing replaces."""
        own = {"content-type": "application/json"}
        signed = {"webhook-id": delivery.id}
        if self._settings.secret:
            from standardwebhooks import Webhook

            timestamp = self._clock.now_ms() // 1000
            signed["webhook-timestamp"] = str(timestamp)
            signed["webhook-signature"] = Webhook(self._settings.secret).sign(
                delivery.id, datetime.fromtimestamp(timestamp, UTC), content
            )
        return own | {name.lower(): value for name, value in self._settings.headers.items()} | signed

    def _refusal(self, answer: Answer, delivery: Delivery) -> BotctlError:
        if answer.status == 422:
            return ContactRefusedError(self._wire.tell("cannot reach this contact", _said(answer), delivery))
        if answer.status in (404, 405, 410):
            return UserError(
                f"custom_http answered HTTP {answer.status}",
                help="see whether `identity.custom_http.url` and `method` are right",
            )
        return self._wire.failure(answer, _said(answer), delivery)

    async def close(self) -> None:
        """Let go of connections."""
        await self._wire.close()


def _said(answer: Answer) -> str:
    return answer.text("message", "error", "detail")


def _template(document: dict[str, Any]) -> JsonTemplate:
    """The JSON to be sent; a UserError when it has a placeholder that is never filled."""
    try:
        template = parse_json_template(document)
    except ExpressionError as error:
        raise UserError(f"`identity.custom_http.json`: {error.message}", help=error.help) from None
    for placeholder in template.placeholders:
        if len(placeholder.parts) != 1 or placeholder.parts[0] not in _NAMES:
            raise UserError(
                f"`identity.custom_http.json` has a placeholder `{placeholder.name}`, which is never filled",
                help=f"there are {', '.join(_NAMES[:-1])} and {_NAMES[-1]}",
            )
    return template


def _path(text: str) -> Parts:
    """The path below `answer`, the document as a whole; () if there is none."""
    if not text:
        return ()
    try:
        return ("answer", *parse_bare_path(text))
    except ExpressionError as error:
        raise UserError(f"`identity.custom_http.success_when`: {error.message}", help=error.help) from None


def _check_secret(secret: str) -> None:
    try:
        raw = base64.b64decode(secret.removeprefix("whsec_") + "==")
    except (binascii.Error, ValueError):  # ValueError: it is not ASCII
        raw = b""
    if len(raw) < _SHORTEST_SECRET:
        raise UserError(
            "`identity.custom_http.secret` is not a secret of Standard Webhooks",
            help="make one of `whsec_` and the base64 of 24 to 64 random bytes",
        )


def connect(settings: CustomHttpSettings, clock: Clock) -> Carrier:
    """A carrier; nothing is contacted. A UserError when the settings do not make one."""
    return CustomHttpCarrier(settings, clock)


CUSTOM_HTTP = IdentityProvider(
    name="custom_http",
    doc=__doc__,
    contact_types=("email", "phone"),
    settings=CustomHttpSettings,
    connect=connect,
    secrets=("url",),
)
