"""The letter: what a person reads who is sent a code or a link."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from botctl.identity.letter import LONGEST_SMS, Mail, write_mail, write_sms
from tests.identity.world import CODE, EMAIL, LINK, PHONE, code_for, link_for


def test_a_code_mail_has_the_code_in_its_text_and_not_in_its_subject() -> None:
    assert write_mail(code_for(EMAIL)) == Mail(
        "Your code for Support",
        "Your code for Support is 048213\n\n"
        "Type it where you were asked for it, within 10 minutes. Pass it on to nobody.\n\n"
        "If you did not ask for this, somebody may have typed your address by mistake."
        " Then there is nothing to do.\n",
    )


def test_a_link_mail_tells_of_the_button_that_must_be_pressed() -> None:
    assert write_mail(link_for(EMAIL, minutes=1)) == Mail(
        "Confirm your email address for Support",
        "Open this link to confirm your email address for Support, and press the button on its page:\n\n"
        f"{LINK}\n\n"
        "It works once, within 1 minute.\n\n"
        "If you did not ask for this, somebody may have typed your address by mistake."
        " Then leave the link alone, and nothing happens.\n",
    )


def test_text_messages_are_one_line() -> None:
    assert [write_sms(code_for(PHONE)), write_sms(link_for(PHONE, minutes=15))] == [
        "048213 is your code for Support, good for 10 minutes. Do not share it.",
        f"Confirm your number for Support within 15 minutes: {LINK}",
    ]


def test_a_bot_without_a_name_is_not_named() -> None:
    assert [write_sms(code_for(PHONE, sender="")), write_mail(code_for(EMAIL, sender=" ")).subject] == [
        "048213 is your code, good for 10 minutes. Do not share it.",
        "Your code",
    ]


@pytest.mark.parametrize("name", ["Support " * 60, "🙂" * 200, "x" * 5000, "a\r\nBcc: eve@example.com\n" * 9])
def test_no_name_makes_a_code_message_too_long_or_more_than_one_line(name: str) -> None:
    text = write_sms(code_for(PHONE, sender=name, minutes=1440))
    subject = write_mail(code_for(EMAIL, sender=name)).subject

    assert (len(text) <= LONGEST_SMS, CODE in text, text.splitlines(), subject.splitlines()) == (
        True,
        True,
        [text],
        [subject],
    )


def test_a_long_link_is_whole_and_the_name_gives_way() -> None:
    link = "https://bots.example.com/verify/" + "t" * 180

    text = write_sms(replace(link_for(PHONE), link=link))

    assert text == f"Confirm your number within 10 minutes: {link}"
