"""Words: all that an auth_gate says to users. The same whoever they are and whatever contact they gave."""

from __future__ import annotations

from botctl.identity.challenge import Ask, Say, Settings, State
from botctl.identity.contact import shown

_CONTACT = {"email": "email address", "phone": "phone number"}
_PHONE_FORM = "with the country code, such as +49 1512 3456789"
_ASK = {
    "email": "To go on I need to make sure who you are. What is your email address?",
    "phone": f"To go on I need to make sure who you are. What is your phone number, {_PHONE_FORM}?",
}
_AGAIN = {
    "email": "That does not look like an email address. Please send it again, such as name@example.com.",
    "phone": f"That does not look like a phone number. Please send it again, {_PHONE_FORM}.",
}
_THINGS = {"code": "a six-digit code", "link": "a link"}
_TO_DO = {"code": "Please type it here.", "link": "Please open it and press the button there."}


def question(ask: Ask, settings: Settings, first: str = "") -> str:
    """The question for a contact. first: what to say instead when it is asked for the first time."""
    match ask.why:
        case "":
            return first or _ASK[settings.contact_type]
        case "no_country":
            return f"That number has no country code. Please send it {_PHONE_FORM}."
        case "refused":
            return f"I cannot reach you there. Please give me another {_CONTACT[settings.contact_type]}."
        case _:
            return _AGAIN[settings.contact_type]


def sentence(say: Say, state: State, settings: Settings) -> str:
    """How it stands."""
    method = settings.method
    match say.what:
        case "sent" | "sent_again" | "sent_after_wrong":
            return _sent(say, state, settings)
        case "wrong":
            return f"That is not the code. {_counted(say.number, 'try', 'tries')} left."
        case "not_a_code":
            return "Please type the six digits I sent you, or `resend` or `cancel`."
        case "expired":
            return f"That {method} is no longer good. Say `resend` for a new one, or `cancel`."
        case "too_soon":
            return f"Please wait {_counted(say.number, 'second', 'seconds')} before you say `resend`."
        case "no_more":
            return f"I cannot send another {method}. Please use the last one, or say `cancel`."
        case "press_link":
            return "Please press the link I sent you, or say `resend` or `cancel`."


def _sent(say: Say, state: State, settings: Settings) -> str:
    method = settings.method
    before = "That was not the code either. " if say.what == "sent_after_wrong" else ""
    thing = _THINGS[method] if say.what == "sent" else f"a new {method}"
    after = "" if say.what == "sent" else " Earlier ones no longer work."
    return (
        f"{before}I am sending {thing} to {shown(settings.contact_type, state.contact)}. It is good for"
        f" {_counted(say.number, 'minute', 'minutes')}.{after} {_TO_DO[method]}"
        " If nothing arrives, say `resend`; to stop, say `cancel`."
    )


def _counted(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"
