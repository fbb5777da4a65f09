"""The letter: what a person reads who is sent a code or a link. Plain text, the same for all providers."""

from __future__ import annotations

from msgspec import Struct

from botctl.identity.provider import Delivery

LONGEST_SMS = 160
"""Characters of a text message that is paid for once, as long as it is plain English (GSM 03.38)."""

_LONGEST_NAME = 60


class Mail(Struct, frozen=True):
    """An email in plain text."""

    subject: str
    text: str


def write_mail(delivery: Delivery) -> Mail:
    """The mail of a code or a link. The code is not in the subject: lock screens and mail logs show that."""
    bot = _for(_name(delivery))
    ending = "If you did not ask for this, somebody may have typed your address by mistake."
    if delivery.link:
        return Mail(
            f"Confirm your email address{bot}",
            f"Open this link to confirm your email address{bot}, and press the button on its page:\n\n"
            f"{delivery.link}\n\n"
            f"It works once, within {_time(delivery)}.\n\n"
            f"{ending} Then leave the link alone, and nothing happens.\n",
        )
    return Mail(
        f"Your code{bot}",
        f"Your code{bot} is {delivery.code}\n\n"
        f"Type it where you were asked for it, within {_time(delivery)}. Pass it on to nobody.\n\n"
        f"{ending} Then there is nothing to do.\n",
    )


def write_sms(delivery: Delivery) -> str:
    """The text message of a code, at most LONGEST_SMS characters; that of a link may need more for the link.

    A long name of the bot is cut.
    """
    name = _name(delivery)
    text = _sms(delivery, name)
    while name and len(text) > LONGEST_SMS:
        name = name[:-1].rstrip()
        text = _sms(delivery, name)
    return text


def _sms(delivery: Delivery, name: str) -> str:
    if delivery.link:
        return f"Confirm your number{_for(name)} within {_time(delivery)}: {delivery.link}"
    return f"{delivery.code} is your code{_for(name)}, good for {_time(delivery)}. Do not share it."


def _for(name: str) -> str:
    return f" for {name}" if name else ""


def _time(delivery: Delivery) -> str:
    return "1 minute" if delivery.minutes == 1 else f"{delivery.minutes} minutes"


def _name(delivery: Delivery) -> str:
    """The bot's name on one line: it stands in a subject."""
    printable = "".join(one if one.isprintable() else " " for one in delivery.sender)
    return " ".join(printable.split())[:_LONGEST_NAME].rstrip()
