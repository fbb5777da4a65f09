"""The auth_gate node: makes sure who the user is, by a code sent to their email or phone.

The bot asks for the email address or phone number, sends a one-time code and checks the reply. `provider`
says who sends it: resend and ses send email, twilio and msg91 text messages, custom_http either. console
prints it in the terminal and serves only there, for development. With `method: link` the message holds a link
to press instead of a code; it leads to this server, so `server.public_url` must be set.

The user may say `resend`, twice at most and 30 seconds apart, and `cancel`. After `attempts` wrong codes a
new one is sent, which counts as a resend. A third text that is no contact, or 30 minutes in all, fail.

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
from botctl.errors import InDoubtError, UserError
from botctl.execution.outcome import Done, LeaveGate, Link, Outcome, Reply, Until, Wait, WaitFor
from botctl.execution.step import Gatekeeper, Step
from botctl.identity.challenge import (
    Action,
    Ask,
    Entered,
    Failed,
    Input,
    Issue,
    Issued,
    Passed,
    Pressed,
    Say,
    Settings,
    State,
    Typed,
    Verified,
    advance,
    state_from_json,
)
from botctl.identity.contact import shown
from botctl.identity.words import question, sentence
from botctl.ids import new_id
from botctl.messages import Said
from botctl.nodes.node_type import NodeData, NodeType
from botctl.nodes.shape import Origin, Shape
from botctl.nodes.site import Site
from botctl.nodes.template_rules import TEMPLATE_RULES
from botctl.nodes.templates import Template, VariableName, render
from botctl.source.rule import Finding, Rule

_TOLD = {
    "limited": "was not sent: too many were sent to this contact or for this user",
    "refused": "was not sent: the provider cannot reach this contact",
    "in doubt": "may have been sent, or not: nobody knows, and it is not sent again by itself",
}
_SENDS = {"resend": "email", "ses": "email", "twilio": "phone", "msg91": "phone"}


class AuthGateData(NodeData):
    """`data` of auth_gate."""

    provider: Literal["resend", "ses", "twilio", "msg91", "custom_http", "console"]
    """Who sends the code: resend, ses, twilio, msg91, custom_http, or console (for development)."""
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
    ask: Template = ""
    """The first question, instead of the usual one."""


async def execute(data: AuthGateData, step: Step) -> Outcome:
    """Let the challenge advance by what happened, and do what it says."""
    gate = step.gate
    if gate is None:
        raise UserError("there is nobody here who could send a code", help="run the bot with `botctl run`")
    if step.state is None and data.remember is not None:
        contact = gate.remembered(data.contact_type, step.now_ms - round(data.remember * 1000))
        if contact:
            step.log.note("this user was verified not long ago (`remember`)")
            return Done(_written(data, contact), "verified")
    settings = Settings(
        contact_type=data.contact_type,
        method=data.method,
        ttl_ms=round(data.ttl * 1000),
        attempts=data.attempts,
    )
    state = State(begun_at=step.now_ms) if step.state is None else state_from_json(step.state)
    state, action = advance(state, _happened(step), settings, step.now_ms)
    if isinstance(action, Issue):
        issued = await _issue(data, step, gate, state, action)
        state, action = advance(state, issued, settings, step.now_ms)
    for number, result in enumerate(state.results, 1):  # the trace keeps the notes of the last visit only
        if result != "sent":
            step.log.note(f"{data.method} {number} {_TOLD[result]}")
    step.log.output = {"stage": state.stage}
    if state.contact:
        step.log.output["contact"] = shown(data.contact_type, state.contact)
    return _outcome(data, step, settings, state, action)


def _happened(step: Step) -> Input:
    """What the gate was entered for. A reply that may be a code was masked before it was stored."""
    match step.event:
        case None:
            return Entered()
        case event if event.kind == "until":
            return Passed()
        case event if event.kind == "link":
            return Pressed(str(event.value["token_hash"]))
        case event:
            return Typed(str(event.value), step.message.code_hash)


async def _issue(data: AuthGateData, step: Step, gate: Gatekeeper, state: State, issue: Issue) -> Issued:
    """Send a code, once: what was interrupted is not sent again by itself; the user may say `resend`."""
    number = len(state.challenges) + 1
    challenge = await step.once(f"challenge {number}", _new_challenge, repeatable=True)
    try:
        result = await step.once(
            f"send {number}",
            lambda: gate.issue(
                challenge=challenge,
                provider=data.provider,
                contact_type=data.contact_type,
                contact=state.contact,
                method=data.method,
                ttl=issue.ttl_ms / 1000,
            ),
        )
    except InDoubtError:
        result = "in doubt"
    return Issued(result, challenge, "" if result == "limited" else gate.hash_of(challenge))


async def _new_challenge() -> str:
    return new_id()


def _outcome(data: AuthGateData, step: Step, settings: Settings, state: State, action: Action) -> Done | Wait:
    orders: tuple[LeaveGate, ...] = ()
    match action:
        case Verified():
            leave = LeaveGate(
                contact_type=data.contact_type, contact=state.contact, challenges=state.challenges
            )
            return Done(_written(data, state.contact), "verified", orders=(leave,))
        case Failed(reason):
            step.log.note(f"failed: {reason}")
            return Done(handle="failed", orders=(LeaveGate(challenges=state.challenges),))
        case Ask():
            text = question(action, settings, render(data.ask, step) if not action.why else "")
            if state.challenges:  # or the next number they give would be taken for a code, and masked
                orders = (LeaveGate(challenges=state.challenges),)
        case Say():
            text = sentence(action, state, settings)
        case Issue():
            raise AssertionError("what was issued is told by then")
    waits: tuple[WaitFor, ...] = (Reply(), Until(state.deadline))
    if data.method == "link" and state.hash:
        waits = (*waits, Link(state.hash))
    return Wait(waits, state.to_json(), (Said(text=text),), orders)


def _written(data: AuthGateData, contact: str) -> Mapping[str, str]:
    return {data.outputVariable: contact} if data.outputVariable else {}


def handles(data: AuthGateData) -> tuple[str, ...]:
    """Whether the user proved it."""
    return ("verified", "failed")


def writes(data: AuthGateData) -> Mapping[str, Origin]:
    """The verified contact."""
    return {data.outputVariable: Shape.TEXT} if data.outputVariable else {}


def check_contact(site: Site[AuthGateData]) -> Iterator[Finding]:
    """A provider that cannot reach this kind of contact.

    resend and ses send email, twilio and msg91 send text messages to phones; custom_http does whatever your
    endpoint does, and console prints.

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
    rules=(
        *TEMPLATE_RULES,
        Rule(code="WF403", severity="error", check=check_contact, doc=check_contact.__doc__),
    ),
    handles=handles,
    writes=writes,
    sets_by=("verified",),
)
