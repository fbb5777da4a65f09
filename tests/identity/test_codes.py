"""Codes: what they are made of, what their hashes are bound to, and what is left of a text that is masked."""

from __future__ import annotations

import re

import pytest

from botctl.identity.codes import (
    code_hash,
    contact_hash,
    digits_of,
    fits,
    looks_like_code,
    masked,
    new_code,
    new_token,
    token_hash,
    user_hash,
)
from botctl.messages import ConversationKey

KEY = b"k" * 32
ADA = ConversationKey("b", "telegram", "1", "ada", "")


def test_codes_have_six_digits_and_tokens_fit_into_a_url() -> None:
    codes, tokens = {new_code() for _ in range(200)}, {new_token() for _ in range(200)}

    assert all(re.fullmatch(r"[0-9]{6}", code) for code in codes) and len(codes) > 190
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens) and len(tokens) == 200


@pytest.mark.parametrize(
    ("text", "digits", "left"),
    [
        ("123456", "123456", "••••••"),
        ("It is 123 456.", "123456", "It is ••• •••."),
        ("１２３٤٥٦", "123456", "••••••"),
        ("1\ufe0f\u20e32\ufe0f\u20e3", "12", "•\ufe0f\u20e3•\ufe0f\u20e3"),
        ("①②³", "123", "•••"),
        ("no", "", "no"),
    ],
)
def test_every_digit_of_every_script_is_read_and_masked(text: str, digits: str, left: str) -> None:
    assert (digits_of(text), masked(text)) == (digits, left)
    assert looks_like_code(text) == looks_like_code(left) == bool(digits)


def test_a_hash_is_bound_to_its_key_conversation_and_purpose() -> None:
    others = [
        code_hash(b"x" * 32, ADA, "123456"),
        code_hash(KEY, ADA, "123457"),
        *(code_hash(KEY, ADA._replace(**{part: "other"}), "123456") for part in ADA._fields),
        code_hash(KEY, ADA._replace(thread_id="1"), "23456"),
        token_hash(KEY, "123456"),
        contact_hash(KEY, "code", "123456"),
    ]

    assert [fits(other, code_hash(KEY, ADA, "123456")) for other in others] == [False] * len(others)
    assert fits(code_hash(KEY, ADA, "123456"), code_hash(KEY, ADA, "123456"))


def test_what_does_not_exist_fits_nothing() -> None:
    assert (fits("", ""), fits("a", ""), fits("", "a")) == (False, False, False)


def test_a_user_is_the_same_in_every_chat_of_a_platform_and_for_every_bot() -> None:
    elsewhere = ConversationKey("another", "telegram", "2", "ada", "thread")

    assert user_hash(KEY, ADA) == user_hash(KEY, elsewhere)
    assert user_hash(KEY, ADA) != user_hash(KEY, ADA._replace(platform="slack"))
    assert contact_hash(KEY, "email", "Ada@example.com") == contact_hash(KEY, "email", "ada@example.com")


def test_where_a_platform_knows_no_users_its_channels_are_told_apart() -> None:
    nobody = ADA._replace(user_id="")

    assert user_hash(KEY, nobody) != user_hash(KEY, nobody._replace(channel_id="2"))
