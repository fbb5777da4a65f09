"""The split: pieces that fit, cut where a person would cut, with nothing lost."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botctl.platforms.split import split_text, utf16_length

WORDS = st.lists(
    st.sampled_from(["a", "word", "sentence.", "\n", "\n\n", "😀", "    indented", "x" * 30, "- item"])
)


def test_a_text_that_fits_is_left_as_it_is() -> None:
    assert split_text("  one\n\n two  ", 100) == ["  one\n\n two  "]


@pytest.mark.parametrize("text", ["", "   ", "\n\n", " " * 50])
def test_blank_text_gives_no_message(text: str) -> None:
    assert split_text(text, 10) == []


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("first paragraph\n\nsecond line\nthird", ["first paragraph", "second line\nthird"]),
        ("one line here\nanother line here", ["one line here", "another line here"]),
        ("A sentence. Another one follows", ["A sentence.", "Another one follows"]),
        ("some words without any full stop", ["some words without", "any full stop"]),
        ("x" * 45, ["x" * 20, "x" * 20, "x" * 5]),
        ("- a long item here\n  - an inner item", ["- a long item here", "  - an inner item"]),
        ("Wirklich? Ja! Und dann kam er", ["Wirklich? Ja!", "Und dann kam er"]),
    ],
)
def test_a_text_is_cut_where_a_person_would_cut_it(text: str, pieces: list[str]) -> None:
    assert split_text(text, 20) == pieces


def test_crumbs_are_avoided() -> None:
    text = "Hi.\n\n" + "word " * 30

    assert len(split_text(text, 100)[0]) > 50


def test_a_code_block_that_fits_is_not_cut() -> None:
    code = "```python\nprint(1)\n\nprint(2)\n```"

    pieces = split_text("Some words before the code.\n\n" + code + "\n\nand after", 50)

    assert code in pieces[1]


def test_a_code_block_that_does_not_fit_is_closed_and_opened_again() -> None:
    code = "```python\n" + "\n".join(f"print({number})" for number in range(20)) + "\n```"

    pieces = split_text(code, 60)

    assert all(len(piece) <= 60 for piece in pieces)
    assert all(piece.startswith("```python\n") and piece.endswith("\n```") for piece in pieces)
    assert [number for piece in pieces for number in re.findall(r"\d+", piece)] == [str(n) for n in range(20)]


def test_a_length_may_be_counted_in_utf16_units() -> None:
    pieces = split_text("😀" * 10, 8, utf16_length)

    assert pieces == ["😀" * 4, "😀" * 4, "😀" * 2]


@settings(max_examples=150, deadline=None)
@given(words=WORDS, limit=st.integers(2, 60))
def test_pieces_fit_and_lose_only_white_space(words: list[str], limit: int) -> None:
    text = " ".join(words)

    pieces = split_text(text, limit, utf16_length)

    assert all(piece.strip() and utf16_length(piece) <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@settings(max_examples=150, deadline=None)
@given(
    parts=st.lists(
        st.sampled_from(["```\n", "```py\n", "~~~\n", "code line\n", "\n", "text ", "````\n"]), max_size=30
    ),
    limit=st.integers(1, 60),
)
def test_fences_of_any_kind_neither_hang_nor_overflow(parts: list[str], limit: int) -> None:
    text = "".join(parts)

    pieces = split_text(text, limit)

    assert all(len(piece) <= limit for piece in pieces)
    assert "".join(pieces).count("code") >= (text.count("code") if limit > 40 else 0)
