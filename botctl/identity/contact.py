"""Contacts: email addresses and phone numbers as users type them, checked and brought into one form."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from botctl.identity.provider import ContactType

_LONGEST = 320
_AROUND = "<>()[]\"'`,;:!?."


class Malformed(Struct, frozen=True):
    """A text that is no contact. why: `no_country` for a phone number without its `+49` or the like."""

    why: Literal["malformed", "no_country"] = "malformed"


def read_contact(contact_type: ContactType, text: str) -> str | Malformed:
    """The one contact in what a user typed: an email address as mail servers write it, a number in E.164.

    Only the writing is checked. Nobody is asked, so the answer does not depend on who owns it.
    """
    if len(text) > _LONGEST:
        return Malformed()
    return _email(text) if contact_type == "email" else _phone(text)


def shown(contact_type: ContactType, contact: str) -> str:
    """A contact for traces and for the chat: who owns it knows it, nobody else learns it."""
    if contact_type == "phone":
        return f"{contact[:3]}***{contact[-2:]}"
    name, _, domain = contact.rpartition("@")
    return f"{name[:1]}***@{domain}"


def _email(text: str) -> str | Malformed:
    from email_validator import EmailNotValidError, validate_email

    found = [word.strip(_AROUND) for word in text.split() if "@" in word]
    if len(found) != 1:
        return Malformed()
    try:
        # No DNS: a look-up would take its time, and longer for some domains than for others.
        valid = validate_email(found[0], check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        return Malformed()
    return valid.ascii_email or Malformed()


def _phone(text: str) -> str | Malformed:
    from phonenumbers import (
        NumberParseException,
        PhoneNumberFormat,
        PhoneNumberType,
        format_number,
        is_valid_number,
        number_type,
        parse,
    )

    if "+" not in text and "\uff0b" not in text:
        return Malformed("no_country" if any(one.isdigit() for one in text) else "malformed")
    try:
        number = parse(text, None)
    except NumberParseException:
        return Malformed()
    if not is_valid_number(number) or number.extension:
        return Malformed()
    if number_type(number) == PhoneNumberType.PREMIUM_RATE:  # who sends pays, and a stranger earns
        return Malformed()
    return str(format_number(number, PhoneNumberFormat.E164))
