"""The auth_gate node: what it asks, sends, awaits, writes and orders; the challenge has tests of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec import structs

from botctl.errors import BotctlError, InDoubtError, OutsideError, UserError
from botctl.execution.outcome import Done, Event, LeaveGate, Link, Outcome, Reply, Until, Wait
from botctl.execution.step import Step
from botctl.identity.challenge import WHOLE_MS
from botctl.nodes.auth_gate import AUTH_GATE
from botctl.nodes.shape import Shape
from tests.nodes.world import RememberingJournal, a_message, a_step, codes, execute, findings

WRITTEN = {"provider": "resend", "contact_type": "email", "outputVariable": "who"}
NOW = 1_767_225_600_000
ADA = Event("reply", "ada@example.com")


@dataclass
class FakeGatekeeper:
    """Issues what `results` say, `sent` when they are used up; a code's hash is `hash of <id>`."""

    results: list[str | BotctlError] = field(default_factory=list)
    known: str = ""
    asked: list[tuple[str, int]] = field(default_factory=list)
    issued: list[dict[str, Any]] = field(default_factory=list)

    async def issue(self, **what: Any) -> str:
        self.issued.append(what)
        result = self.results.pop(0) if self.results else "sent"
        if isinstance(result, BotctlError):
            raise result
        return result

    def hash_of(self, challenge: str) -> str:
        return f"hash of {challenge}"

    def remembered(self, contact_type: str, since_ms: int) -> str:
        self.asked.append((contact_type, since_ms))
        return self.known


class Gate:
    """A gate that is entered again and again, as the engine would."""

    def __init__(
        self, gatekeeper: FakeGatekeeper | None = None, journal: RememberingJournal | None = None, **more: Any
    ) -> None:
        self.gatekeeper = gatekeeper or FakeGatekeeper()
        self.journal = journal or RememberingJournal()
        self.written: Mapping[str, Any] = {**WRITTEN, **more}
        self.state: Any = None
        self.steps: list[Step] = []

    def happens(self, event: Event | None, *, code_hash: str = "") -> Outcome:
        """What the node says to an event; code_hash: of the message that the event is about."""
        step = structs.replace(
            a_step(
                journal=self.journal,
                state=self.state,
                event=event,
                variables={"name": "Ada"},
                message=a_message("••••••", code_hash=code_hash),
            ),
            gate=self.gatekeeper,
        )
        self.steps.append(step)
        outcome = execute(AUTH_GATE, self.written, step)
        if isinstance(outcome, Wait):
            self.state = outcome.state
        return outcome

    @property
    def notes(self) -> list[str]:
        """What the last visit told the trace."""
        return self.steps[-1].log.notes


def said(outcome: Outcome) -> str:
    """What is said while it waits."""
    assert isinstance(outcome, Wait)
    (one,) = outcome.say
    return one.text


def test_a_contact_is_asked_for_and_awaited_for_30_minutes() -> None:
    outcome = Gate().happens(None)

    assert isinstance(outcome, Wait)
    assert outcome.for_ == (Reply(), Until(NOW + WHOLE_MS))
    assert said(outcome) == "To go on I need to make sure who you are. What is your email address?"


def test_the_first_question_may_be_another_one() -> None:
    gate = Gate(ask="Your mail, {{name}}?")

    assert said(gate.happens(None)) == "Your mail, Ada?"
    assert said(gate.happens(Event("reply", "no"))).startswith("That does not look like an email address.")


def test_a_code_is_sent_once_and_its_hash_awaited() -> None:
    gate = Gate(ttl="5m")
    gate.happens(None)

    outcome = gate.happens(ADA)

    challenge = gate.journal.remembered["challenge 1"]
    assert gate.gatekeeper.issued == [
        {
            "challenge": challenge,
            "provider": "resend",
            "contact_type": "email",
            "contact": "ada@example.com",
            "method": "code",
            "ttl": 300.0,
        }
    ]
    assert gate.journal.repeatable == {"challenge 1": True, "send 1": False}
    assert isinstance(outcome, Wait) and outcome.for_ == (Reply(), Until(NOW + WHOLE_MS))
    assert said(outcome) == (
        "I am sending a six-digit code to a***@example.com. It is good for 5 minutes. Please type it here."
        " If nothing arrives, say `resend`; to stop, say `cancel`."
    )


def test_the_right_code_verifies_and_leaves_the_gate() -> None:
    gate = Gate()
    gate.happens(None)
    gate.happens(ADA)
    challenge = gate.journal.remembered["challenge 1"]

    outcome = gate.happens(Event("reply", "••••••"), code_hash=f"hash of {challenge}")

    leave = LeaveGate(contact_type="email", contact="ada@example.com", challenges=(challenge,))
    assert outcome == Done({"who": "ada@example.com"}, "verified", orders=(leave,))
    assert gate.steps[-1].log.output == {"stage": "verified", "contact": "a***@example.com"}


def test_a_wrong_code_does_not_verify_and_cancel_leaves_the_gate() -> None:
    gate = Gate()
    gate.happens(None)
    gate.happens(ADA)

    told = said(gate.happens(Event("reply", "••••••"), code_hash="hash of another"))
    outcome = gate.happens(Event("reply", "cancel"))

    assert told == "That is not the code. 2 tries left."
    assert outcome == Done(
        handle="failed", orders=(LeaveGate(challenges=(gate.journal.remembered["challenge 1"],)),)
    )
    assert gate.notes == ["failed: the user cancelled it"]


def test_when_its_time_is_over_it_fails() -> None:
    gate = Gate()
    gate.happens(None)

    outcome = gate.happens(Event("until", NOW + WHOLE_MS))

    assert outcome == Done(handle="failed", orders=(LeaveGate(),))


def test_a_link_is_awaited_and_verifies() -> None:
    gate = Gate(method="link")
    gate.happens(None)
    outcome = gate.happens(ADA)
    hash = f"hash of {gate.journal.remembered['challenge 1']}"

    verified = gate.happens(Event("link", {"token_hash": hash}))

    assert isinstance(outcome, Wait) and outcome.for_[2:] == (Link(hash),)
    assert isinstance(verified, Done) and verified.handle == "verified"


def test_without_an_output_variable_nothing_is_written() -> None:
    gate = Gate(outputVariable="")
    gate.happens(None)
    gate.happens(ADA)
    challenge = gate.journal.remembered["challenge 1"]

    outcome = gate.happens(Event("reply", "••••••"), code_hash=f"hash of {challenge}")

    assert isinstance(outcome, Done) and outcome.writes == {}


def test_a_user_who_is_remembered_is_not_asked() -> None:
    gate = Gate(FakeGatekeeper(known="ada@example.com"), remember="12h")

    outcome = gate.happens(None)

    assert outcome == Done({"who": "ada@example.com"}, "verified")
    assert gate.gatekeeper.asked == [("email", NOW - 12 * 3_600_000)]


def test_nobody_is_remembered_unless_it_is_wanted() -> None:
    gate = Gate(FakeGatekeeper(known="ada@example.com"))

    assert (isinstance(gate.happens(None), Wait), gate.gatekeeper.asked) == (True, [])


def test_a_limit_is_in_the_trace_and_not_in_what_is_said() -> None:
    limited, sent = Gate(FakeGatekeeper(["limited"])), Gate()
    for gate in (limited, sent):
        gate.happens(None)

    assert said(limited.happens(ADA)) == said(sent.happens(ADA))
    assert limited.notes == ["code 1 was not sent: too many were sent to this contact or for this user"]


def test_a_refused_contact_is_asked_for_again_and_its_code_is_void() -> None:
    gate = Gate(FakeGatekeeper(["refused"]))
    gate.happens(None)

    outcome = gate.happens(ADA)

    assert said(outcome) == "I cannot reach you there. Please give me another email address."
    assert isinstance(outcome, Wait)
    assert outcome.orders == (LeaveGate(challenges=(gate.journal.remembered["challenge 1"],)),)


class InterruptedJournal(RememberingJournal):
    """A journal that remembers an intent to send, and no result: the process died in between."""

    async def once(self, key: str, action: Any, *, repeatable: bool, part: Any = None) -> Any:
        if key == "send 1":
            raise InDoubtError("in doubt")
        return await super().once(key, action, repeatable=repeatable)


def test_a_send_that_was_interrupted_is_not_repeated_and_its_code_is_good() -> None:
    gate = Gate(journal=InterruptedJournal())
    gate.happens(None)

    told = said(gate.happens(ADA))
    challenge = gate.journal.remembered["challenge 1"]
    outcome = gate.happens(Event("reply", "••••••"), code_hash=f"hash of {challenge}")

    assert told.startswith("I am sending a six-digit code to a***@example.com.")
    assert gate.gatekeeper.issued == []
    assert gate.notes == [
        "code 1 may have been sent, or not: nobody knows, and it is not sent again by itself"
    ]
    assert isinstance(outcome, Done) and outcome.handle == "verified"


@pytest.mark.parametrize("error", [UserError("no key"), OutsideError("down", retryable=True)])
def test_a_provider_that_cannot_send_fails_the_node(error: BotctlError) -> None:
    gate = Gate(FakeGatekeeper([error]))
    gate.happens(None)

    with pytest.raises(type(error), match=error.message):
        gate.happens(ADA)


def test_without_a_gatekeeper_it_is_a_clear_error() -> None:
    with pytest.raises(UserError, match="nobody here who could send a code"):
        execute(AUTH_GATE, WRITTEN)


def test_its_ways_out_and_its_variable_are_known() -> None:
    data = AUTH_GATE.data.model_validate({**WRITTEN, "method": "link", "ttl": "5m", "remember": "12h"})

    assert AUTH_GATE.handles(data) == ("verified", "failed")
    assert AUTH_GATE.writes(data) == {"who": Shape.TEXT}


@pytest.mark.parametrize(
    ("provider", "contact", "found"),
    [
        ("resend", "phone", ["WF403"]),
        ("ses", "phone", ["WF403"]),
        ("twilio", "email", ["WF403"]),
        ("msg91", "email", ["WF403"]),
        ("ses", "email", []),
        ("msg91", "phone", []),
        ("custom_http", "email", []),
        ("custom_http", "phone", []),
        ("console", "email", []),
        ("console", "phone", []),
    ],
)
def test_a_provider_that_cannot_reach_the_contact_is_found(
    provider: str, contact: str, found: list[str]
) -> None:
    assert codes(AUTH_GATE, {"provider": provider, "contact_type": contact}) == found


def test_the_fitting_providers_are_named() -> None:
    ((_, finding),) = findings(AUTH_GATE, {"provider": "resend", "contact_type": "phone"})

    assert finding.help == "use `twilio` or `msg91`, or `contact_type: email`"
