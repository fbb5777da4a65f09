"""The auth_gate node: makes sure who the user is, by a code sent to their email or phone.

The bot asks for the email address or phone number, sends a one-time code and checks the reply. `provider`
says who sends it: resend and ses send email, twilio and msg91 text messages, custom_http either. With
`method: link` the message holds a link to press instead of a code.

The verified address or number is kept in `outputVariable` as text.

Ways out: `verified` and `failed`.

```yaml
- id: verify
  type: auth_gate
  data:
    provider: resend
    contact_type: email
    outputVariable: verified_identity
    label: Verify Customer Email
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from botctl.duration import Duration
from botctl.execution.outcome import Outcome
from botctl.execution.step import Step
from botctl.nodes.node_type import NodeData, NodeType, Shape
from botctl.nodes.site import Site
from botctl.nodes.templates import VariableName
from botctl.nodes.unbuilt import unbuilt
from botctl.source.rule import Finding, Rule

_SENDS = {"resend": "email", "ses": "email", "twilio": "phone", "msg91": "phone"}


class AuthGateData(NodeData):
    """`data` of auth_gate."""

    provider: Literal["resend", "ses", "twilio", "msg91", "custom_http"]
    """Who sends the code: resend, ses, twilio, msg91 or custom_http."""
    contact_type: Literal["email", "phone"]
    """What the user is asked for: email or phone."""
    outputVariable: VariableName = ""
    """The variable that keeps the verified email address or phone number."""
    method: Literal["code", "link"] = "code"
    """code: the user types six digits; link: the user presses a link."""
    ttl: Duration = Field(default=600.0, gt=0)
    """How long a code or link is good for."""
    attempts: int = Field(default=3, ge=1, le=10)
    """Wrong codes until a new one must be sent."""
    remember: Duration | None = None
    """For this long the same user is not asked again."""


async def execute(data: AuthGateData, step: Step) -> Outcome:
    """Not built yet."""
    raise unbuilt("auth_gate")


def handles(data: AuthGateData) -> tuple[str, ...]:
    """Whether the user proved it."""
    return ("verified", "failed")


def writes(data: AuthGateData) -> Mapping[str, Shape]:
    """The verified contact."""
    return {data.outputVariable: Shape.TEXT} if data.outputVariable else {}


def check_contact(site: Site[AuthGateData]) -> Iterator[Finding]:
    """A provider that cannot reach this kind of contact.

    resend and ses send email, twilio and msg91 send text messages to phones; custom_http does whatever your
    endpoint does.

    Bad:

    ```yaml
    - id: verify
      type: auth_gate
      data:
        provider: twilio
        contact_type: email
    ```

    Good:

    ```yaml
    - id: verify
      type: auth_gate
      data:
        provider: twilio
        contact_type: phone
    ```
    """
    provider, contact = site.data.provider, site.data.contact_type
    sends = _SENDS.get(provider, contact)
    if sends != contact:
        fitting = " or ".join(f"`{name}`" for name, kind in _SENDS.items() if kind == contact)
        yield Finding(
            message=f"`{provider}` cannot send a code by {contact}",
            at=("provider",),
            label=f"sends by {sends} only",
            help=f"use {fitting}, or `contact_type: {sends}`",
            others=((("contact_type",), "asked for here"),),
        )


AUTH_GATE = NodeType(
    name="auth_gate",
    doc=__doc__,
    data=AuthGateData,
    execute=execute,
    rules=(Rule(code="WF403", severity="error", check=check_contact, doc=check_contact.__doc__),),
    handles=handles,
    writes=writes,
)
