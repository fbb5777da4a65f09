"""The challenge: the states of an auth_gate, and what is done next; pure, without clock, store or words.

    awaiting_contact -> awaiting_otp -> verified | failed

`advance` takes a state and one thing that happened, and gives the state after it and what to do. Times are
milliseconds since 1970, UTC. A state never holds a code or a link, only the keyed hash of the one that
counts: earlier ones fit nothing.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from botctl.identity.codes import fits, looks_like_code
from botctl.identity.contact import Malformed, read_contact
from botctl.identity.provider import ContactType

MOST_RESENDS = 2
"""Codes after the first, asked for by the user or sent because of wrong tries."""
MOST_MALFORMED = 3
"""Texts that are no contact, or contacts that cannot be reached."""
RESEND_PAUSE_MS = 30_000
"""Between a code and the next that the user asks for."""
WHOLE_MS = 30 * 60_000
"""For all of it, from the first question."""

Stage = Literal["awaiting_contact", "awaiting_otp", "verified", "failed"]
IssueResult = Literal["sent", "limited", "refused", "in doubt"]


class Settings(Struct, frozen=True, kw_only=True):
    """What one gate demands. ttl_ms: how long a code is good for; attempts: wrong tries of one code."""

    contact_type: ContactType
    method: Literal["code", "link"] = "code"
    ttl_ms: int = 600_000
    attempts: int = 3


class State(Struct, frozen=True, kw_only=True):
    """Where a gate stands.

    hash: of the code or link that counts; "" while there is none. wrong: tries of this code that were wrong.
    malformed: texts that were no usable contact. challenges: the ids of all that was issued, oldest first;
    results: what became of each.
    """

    begun_at: int
    stage: Stage = "awaiting_contact"
    contact: str = ""
    hash: str = ""
    sent_at: int = 0
    expires_at: int = 0
    wrong: int = 0
    resends: int = 0
    malformed: int = 0
    challenges: tuple[str, ...] = ()
    results: tuple[IssueResult, ...] = ()

    @property
    def deadline(self) -> int:
        """When the gate fails by itself."""
        return self.begun_at + WHOLE_MS

    def to_json(self) -> Any:
        """As a JSON value."""
        return msgspec.to_builtins(self)


def state_from_json(value: Any) -> State:
    """The state that `to_json` gave."""
    return msgspec.convert(value, State)


class Entered(Struct, frozen=True):
    """The gate is entered for the first time."""


class Typed(Struct, frozen=True):
    """The user said something. code_hash: keyed hash of the digits in it, "" if none was made."""

    text: str
    code_hash: str = ""


class Pressed(Struct, frozen=True):
    """A link was confirmed on its page, which checked that it was still good."""

    token_hash: str


class Passed(Struct, frozen=True):
    """The deadline has come."""


class Issued(Struct, frozen=True):
    """What became of an Issue. hash: of what was sent under the id `challenge`; "" if nothing was."""

    result: IssueResult
    challenge: str
    hash: str = ""


Input = Entered | Typed | Pressed | Passed | Issued


class Ask(Struct, frozen=True):
    """Ask for the contact. why: what was wrong with the last one."""

    why: Literal["", "malformed", "no_country", "refused"] = ""


class Say(Struct, frozen=True):
    """Tell the user how it stands. number: minutes (sent), tries left (wrong), seconds (too_soon)."""

    what: Literal["sent", "sent_again", "sent_after_wrong", "wrong", "not_a_code", "expired", "too_soon",
                  "no_more", "press_link"]  # fmt: skip
    number: int = 0


class Issue(Struct, frozen=True):
    """Send a new code or link to the state's contact, good for ttl_ms; then advance with an Issued."""

    ttl_ms: int


class Verified(Struct, frozen=True):
    """The user proved that the state's contact is theirs."""


class Failed(Struct, frozen=True):
    """They did not; reason: why, for the trace."""

    reason: str


Action = Ask | Say | Issue | Verified | Failed


def advance(state: State, happened: Input, settings: Settings, now_ms: int) -> tuple[State, Action]:
    """The state after what happened, and what to do about it. A gate that is over stays as it is."""
    if state.stage == "verified":
        return state, Verified()
    if state.stage == "failed":
        return state, Failed("it had failed already")
    match happened:
        case Passed():
            return _fail(state, "it took longer than 30 minutes")
        case Entered():
            return state, Ask()
        case Issued():
            return _issued(state, happened, settings, now_ms)
        case _ if now_ms >= state.deadline:
            return _fail(state, "it took longer than 30 minutes")
        case Pressed(token_hash):
            return _pressed(state, token_hash)
        case Typed(text) if _word(text) == "cancel":
            return _fail(state, "the user cancelled it")
        case Typed() if state.stage == "awaiting_contact":
            return _contact(state, happened.text, settings, now_ms)
        case Typed(text) if _word(text) == "resend":
            return _resend(state, settings, now_ms)
        case Typed():
            return _tried(state, happened, settings, now_ms)


def _contact(state: State, text: str, settings: Settings, now_ms: int) -> tuple[State, Action]:
    contact = read_contact(settings.contact_type, text)
    if isinstance(contact, Malformed):
        return _ask_again(state, contact.why)
    return _issue(replace(state, stage="awaiting_otp", contact=contact), settings, now_ms)


def _ask_again(state: State, why: Literal["malformed", "no_country", "refused"]) -> tuple[State, Action]:
    state = replace(state, malformed=state.malformed + 1)
    if state.malformed >= MOST_MALFORMED:
        return _fail(state, f"no usable contact was given in {MOST_MALFORMED} tries")
    return state, Ask(why)


def _issue(state: State, settings: Settings, now_ms: int) -> tuple[State, Action]:
    return replace(state, hash=""), Issue(_ttl_ms(state, settings, now_ms))


def _ttl_ms(state: State, settings: Settings, now_ms: int) -> int:
    return min(settings.ttl_ms, state.deadline - now_ms)


def _issued(state: State, issued: Issued, settings: Settings, now_ms: int) -> tuple[State, Action]:
    """What was sent, limited or in doubt is told alike: the answer tells nothing of the contact."""
    is_first, was_wrong = state.sent_at == 0, state.wrong >= settings.attempts
    state = replace(
        state,
        challenges=(*state.challenges, issued.challenge),
        results=(*state.results, issued.result),
        wrong=0,
    )
    if issued.result == "refused":
        return _ask_again(replace(state, stage="awaiting_contact", contact="", hash="", sent_at=0), "refused")
    ttl_ms = _ttl_ms(state, settings, now_ms)
    state = replace(state, hash=issued.hash, sent_at=now_ms, expires_at=now_ms + ttl_ms)
    what: Literal["sent", "sent_again", "sent_after_wrong"] = "sent" if is_first else "sent_again"
    return state, Say("sent_after_wrong" if was_wrong else what, max(1, ttl_ms // 60_000))


def _pressed(state: State, token_hash: str) -> tuple[State, Action]:
    if state.stage == "awaiting_otp" and fits(token_hash, state.hash):
        return replace(state, stage="verified", hash=""), Verified()
    return state, Say("press_link")


def _resend(state: State, settings: Settings, now_ms: int) -> tuple[State, Action]:
    if state.resends >= MOST_RESENDS:
        return _expired(state) if now_ms >= state.expires_at else (state, Say("no_more"))
    pause_ms = state.sent_at + RESEND_PAUSE_MS - now_ms
    if pause_ms > 0:
        return state, Say("too_soon", -(-pause_ms // 1000))
    return _issue(replace(state, resends=state.resends + 1), settings, now_ms)


def _tried(state: State, typed: Typed, settings: Settings, now_ms: int) -> tuple[State, Action]:
    if now_ms >= state.expires_at:
        return _expired(state)
    if settings.method == "link":
        return state, Say("press_link")
    if fits(typed.code_hash, state.hash):
        return replace(state, stage="verified", hash=""), Verified()
    if not typed.code_hash and not looks_like_code(typed.text):
        return state, Say("not_a_code")
    state = replace(state, wrong=state.wrong + 1)
    if state.wrong < settings.attempts:
        return state, Say("wrong", settings.attempts - state.wrong)
    if state.resends >= MOST_RESENDS:
        return _fail(state, "too many wrong codes")
    return _issue(replace(state, resends=state.resends + 1), settings, now_ms)


def _expired(state: State) -> tuple[State, Action]:
    if state.resends >= MOST_RESENDS:
        return _fail(state, "the last code had expired")
    return state, Say("expired")


def _fail(state: State, reason: str) -> tuple[State, Action]:
    return replace(state, stage="failed", hash=""), Failed(reason)


def _word(text: str) -> str:
    """A text as a command: without a slash or quotes around it, in lower case."""
    return text.strip().strip("/`'\"“”‘’.!").casefold()
