"""A text without its quotes ends where its value was meant to, or nobody says where."""

from __future__ import annotations

import pytest

from botctl.source.bare_text import bare_text, quoted


@pytest.mark.parametrize(
    ("before", "line", "expected"),
    [
        ("message: ", "{{a}}, you said # why", "{{a}}, you said"),
        ("{message: ", "{{a}} b, label: x}", "{{a}} b"),
        ("{message: ", "{{a}}}", "{{a}}"),
        ("{message: ", "{{a}},", "{{a}}"),
        ("[", "{{a}} or {{b}}, c]", "{{a}} or {{b}}"),
        ('{"x": "{", message: ', "{{a}} b}", "{{a}} b"),
        ("{x: {y: 1}}\nmessage: ", "{{a}} b}", "{{a}} b}"),
        ("{message: ", "{{a}}, you said}", ""),
        ("{message: ", "{{a}} b]", ""),
        ("{message: ", "{{a}} b", ""),
        ("{message: ", "{{a}} {b}}", ""),
    ],
)
def test_the_end_of_a_text_without_quotes(before: str, line: str, expected: str) -> None:
    assert bare_text(f"{before}{line}\nnext: line\n", len(before)) == expected


@pytest.mark.parametrize(
    ("written", "expected"), [("{{a}} b", '"{{a}} b"'), ('{{a}} isn\'t "b"', "'{{a}} isn''t \"b\"'")]
)
def test_quotes_mean_what_stands_in_them(written: str, expected: str) -> None:
    assert quoted(written) == expected
