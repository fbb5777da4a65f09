"""YAML is read as YAML 1.2 would mean it, and whatever cannot be read is said with its place."""

from __future__ import annotations

from typing import Any

import pytest

from botctl.source.diagnostic import Diagnostic
from botctl.source.document import Document, read_document


def read(text: str) -> Document:
    document, diagnostics = read_document(text, "file.yaml")
    assert document is not None, diagnostics
    return document


def mistake(text: str) -> Diagnostic:
    document, diagnostics = read_document(text, "file.yaml")
    assert document is None
    assert len(diagnostics) == 1, diagnostics
    return diagnostics[0]


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "On", "YES", "y", "n"])
def test_words_that_people_write_stay_text_as_keys_and_as_values(word: str) -> None:
    document = read(f"{word}: {word}\n")

    assert document.value == {word: word}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("2024-01-31", "2024-01-31"),
        ("12:30:00", "12:30:00"),
        ("1_000", "1_000"),
        ("0o17", 15),
        ("0x1f", 31),
        ("017", 17),
        ("-3", -3),
        ("+3", 3),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("+", "+"),
        ("1.2.3", "1.2.3"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("=", "="),
        ("'1'", "1"),
        ('"true"', "true"),
        ("!!str 1", "1"),
        ("!!int 1", 1),
        ("! 1", "1"),
    ],
)
def test_a_plain_value_means_what_yaml_1_2_says(written: str, value: Any) -> None:
    assert read(f"key: {written}\n").value == {"key": value}


def test_numbers_and_truths_as_keys_are_the_text_they_are_written_with() -> None:
    assert read("1: a\ntrue: b\nnull: c\n1.50: d\n").value == {
        "1": "a",
        "true": "b",
        "null": "c",
        "1.50": "d",
    }


def test_an_alias_repeats_what_was_marked() -> None:
    document = read("a: &mark [1, 2]\nb: *mark\n")

    assert document.value == {"a": [1, 2], "b": [1, 2]}


def test_a_byte_order_mark_does_not_move_the_columns() -> None:
    assert read("\ufeffkey: value\n").span(("key",)) == (1, 6, 1, 11)


def test_an_empty_file_is_null() -> None:
    assert read("# nothing\n").value is None


def test_a_key_that_stands_twice_is_told_with_both_places() -> None:
    found = mistake("a: 1\nb: 2\na: 3\n")

    assert (found.code, found.span, found.others[0].span) == ("YM102", (3, 1, 3, 2), (1, 1, 1, 2))


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: b: c\n", "YM101", 1, 5),
        ('a: "b\nc: d\n', "YM101", 1, 4),
        ("a:\n\t- b\n", "YM101", 2, 1),
        ("a: @b\n", "YM101", 1, 4),
        ("a: [1, 2\n", "YM101", 1, 8),
        ("a: \x01\n", "YM101", 1, 4),
        ('a: "\\q"\n', "YM101", 1, 5),
        ("- a\nb: c\n", "YM101", 2, 1),
        ("a: 1\n---\nb: 2\n", "YM104", 2, 1),
        ("a: .inf\n", "YM106", 1, 4),
        ("a: -.INF\n", "YM106", 1, 4),
        ("a: .nan\n", "YM106", 1, 4),
        ("a: 1e999\n", "YM106", 1, 4),
        (f"a: 1{'0' * 5000}\n", "YM106", 1, 4),
        ("a: *b\n", "YM108", 1, 4),
        ("a: &b [*b]\n", "YM108", 1, 8),
        ("a: {<<: {b: 1}}\n", "YM109", 1, 5),
        ("? [a]\n: b\n", "YM109", 1, 3),
        ("a: {{message}}\n", "YM110", 1, 4),
        ("a: {{message}} == b\n", "YM110", 1, 4),
        ("- {{message}}\n", "YM110", 1, 3),
        ("a: !!python/object:os.system ls\n", "YM111", 1, 4),
        ("a: !!int b\n", "YM111", 1, 4),
    ],
)
def test_what_cannot_be_read_is_one_mistake_at_its_place(
    text: str, code: str, line: int, column: int
) -> None:
    found = mistake(text)

    assert found.span is not None
    assert (found.code, found.span.line, found.span.column) == (code, line, column)


def test_aliases_cannot_be_made_to_fill_the_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]

    assert mistake("\n".join(lines)).code == "YM107"


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", '{"a":', "? "])
def test_no_depth_of_nesting_is_a_traceback(opening: str) -> None:
    document, diagnostics = read_document(opening * 100_000, "file.yaml")

    assert document is None
    assert len(diagnostics) == 1


def test_the_way_out_for_a_bare_template_is_what_to_write() -> None:
    assert mistake('a: {{name}} says "hi"\n').help == "write '{{name}} says \"hi\"'"
