"""Contacts: what is taken for one, and in which form."""

from __future__ import annotations

import pytest

from botctl.identity.contact import Malformed, read_contact, shown


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  it is <Ada.L+x@Example.COM>, thanks", "Ada.L+x@example.com"),
        ("ada@müller.de", "ada@xn--mller-kva.de"),
        ("ada@localhost", Malformed()),
        ("ada", Malformed()),
        ("ada@example.com or bob@example.com", Malformed()),
        ("ada@example.com\nBcc: bob", "ada@example.com"),
        ("ada@exam\nple.com", Malformed()),
        ("ädä@example.com", Malformed()),
        ("a" * 400 + "@example.com", Malformed()),
        ("", Malformed()),
    ],
)
def test_an_email_address(text: str, read: str | Malformed) -> None:
    assert read_contact("email", text) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("+4915112345678", "+4915112345678"),
        ("My number: +49 (151) 12 34 56 78", "+4915112345678"),
        ("＋４９ 151 12345678", "+4915112345678"),
        ("015112345678", Malformed("no_country")),
        ("0049 151 12345678", Malformed("no_country")),
        ("+123", Malformed()),
        ("+1 900 555 0123", Malformed()),
        ("+44 20 7946 0018 ext. 5", Malformed()),
        ("later", Malformed()),
        ("+", Malformed()),
    ],
)
def test_a_phone_number(text: str, read: str | Malformed) -> None:
    assert read_contact("phone", text) == read


def test_a_contact_is_shown_so_that_only_its_owner_recognises_it() -> None:
    assert shown("email", "ada@example.com") == "a***@example.com"
    assert shown("phone", "+4915112345678") == "+49***78"
