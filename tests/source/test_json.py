"""JSON is read with the place of everything in it, and its mistakes are said in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botctl.source.diagnostic import Diagnostic
from botctl.source.document import Document, embedded, read_document


def read(text: str) -> Document:
    document, diagnostics = read_document(text, "file.json")
    assert document is not None, diagnostics
    return document


def mistake(text: str) -> Diagnostic:
    document, diagnostics = read_document(text, "file.json")
    assert document is None
    assert len(diagnostics) == 1, diagnostics
    return diagnostics[0]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(values, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_every_json_text_is_read_as_python_reads_it(value: Any, indent: Any, ascii: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii)

    assert read(text).value == json.loads(text)


@given(values)
def test_json_stored_as_a_string_is_read_as_the_json_in_it(value: Any) -> None:
    document, diagnostics = embedded(read(json.dumps(json.dumps(value))), ())

    assert diagnostics == []
    assert document is not None
    assert document.value == value


@pytest.mark.parametrize(
    ("text", "column", "label"),
    [
        ("", 1, "the file is empty"),
        ("{", 1, "this is never closed"),
        ('{"a": [1, 2}', 12, "a `,` or `]` should stand here"),
        ('{"a": 1,}', 8, "no `,` before `}`"),
        ('{"a" 1}', 6, "a `:` should stand here, after `a`"),
        ("{'a': 1}", 2, 'a key in "double quotes" should stand here'),
        ('{"a": NaN}', 7, "a value should stand here"),
        ('{"a": 1} // no', 10, "the JSON ends before this"),
        ("// no", 1, "JSON has no comments"),
        ('{"a": "\\q"}', 8, "not an escape that JSON has"),
        ('{"a": "b', 7, "this text has no end"),
        ('{"a": undefined}', 7, "a value should stand here"),
    ],
)
def test_json_that_does_not_parse_says_so_in_these_words(text: str, column: int, label: str) -> None:
    found = mistake(text)

    assert found.span is not None
    assert (found.code, found.message, found.label) == ("YM103", "JSON must parse", label)
    assert found.span.column == column


def test_a_key_that_stands_twice_is_told_with_both_places() -> None:
    found = mistake('{"a": 1, "a": 2}')

    assert (found.code, found.span, found.others[0].span) == ("YM102", (1, 10, 1, 13), (1, 2, 1, 5))


def test_a_number_beyond_all_bounds_is_told() -> None:
    assert [mistake(text).code for text in ("[1e999]", f"[{'9' * 5000}]")] == ["YM106", "YM106"]


def test_half_a_character_is_told() -> None:
    assert mistake('["\\ud83d"]').code == "YM105"


def test_a_mistake_in_json_within_a_string_points_into_the_string() -> None:
    document, diagnostics = embedded(read('{"workflow_json": "{\\"nodes\\": oops}"}'), ("workflow_json",))

    assert document is None
    assert diagnostics[0].span == (1, 32, 1, 33)
