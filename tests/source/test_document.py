"""A document knows where its keys and values, and parts of its texts, were written."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botctl.source.document import Document, embedded, read_document, read_file, shown
from botctl.source.span import Span

TEXT = """\
name: demo   # who
llm:
  provider: "scripted"
  model:
nodes:
  - id: start
    data: {message: 'it''s'}
  - id: second
"""


def read(text: str, file: str = "file.yaml") -> Document:
    document, diagnostics = read_document(text, file)
    assert document is not None, diagnostics
    return document


def cut(text: str, span: Span) -> str:
    lines = text.split("\n")
    if span.line == span.end_line:
        return lines[span.line - 1][span.column - 1 : span.end_column - 1]
    middle = lines[span.line : span.end_line - 1]
    first, last = lines[span.line - 1][span.column - 1 :], lines[span.end_line - 1][: span.end_column - 1]
    return "\n".join([first, *middle, last])


def test_a_span_is_exactly_the_value_or_the_key() -> None:
    document = read(TEXT)
    paths = [("name",), ("llm", "provider"), ("nodes", 0, "id"), ("nodes", 0, "data"), ("nodes", 1)]

    assert [cut(TEXT, document.span(path)) for path in paths] == [
        "demo",
        '"scripted"',
        "start",
        "{message: 'it''s'}",
        "id: second",
    ]
    assert cut(TEXT, document.span(("llm", "provider"), key=True)) == "provider"


def test_a_block_ends_with_its_last_value() -> None:
    assert cut(TEXT, read(TEXT).span(("llm",))) == 'provider: "scripted"\n  model:'


def test_what_is_missing_or_empty_is_pointed_at_by_what_is_there() -> None:
    document = read(TEXT)

    assert cut(TEXT, document.span(("nodes", 1, "data", "message"))) == "id: second"
    assert cut(TEXT, document.span(("llm", "model"))) == "model"


@pytest.mark.parametrize(
    "written",
    [
        "one {{two}} three",
        '"one {{two}} three"',
        "'it''s {{two}} three'",
        '"a \\"quoted\\" {{two}} \\u00e9"',
        "|\n  first line\n  and {{two}} there\n",
        "|-\n  first\n\n    indented {{two}}\n",
        ">\n  folded text\n  with {{two}} in it\n",
        '"over\n  two {{two}} lines"',
    ],
)
def test_a_part_of_a_text_is_found_in_every_way_of_writing_it(written: str) -> None:
    text = f"key: {written}\n"
    document = read(text)
    value = document.get(("key",))

    span = document.span_within(("key",), value.index("{{two}}"), len("{{two}}"))

    assert cut(text, span) == "{{two}}"


def test_a_part_that_folding_made_unclear_is_the_whole_text() -> None:
    document = read("key: >\n  a a\n  a a\n")

    assert document.span_within(("key",), 2, 1) == document.span(("key",))


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12))
def test_each_character_of_a_quoted_text_is_found_again(value: str) -> None:
    import json

    document = read(json.dumps({"key": value}), "file.json")
    written = document.text
    for index in range(len(value)):
        part = cut(written, document.span_within(("key",), index, 1))
        assert json.loads(f'"{part}"') == value[index]


def test_values_in_json_within_a_string_have_their_own_places() -> None:
    text = '{\n "workflow_json": "{\\"nodes\\": [{\\"id\\": \\"start\\"}]}"\n}'
    document, _ = embedded(read(text, "file.json"), ("workflow_json",))
    assert document is not None

    assert cut(text, document.span(("workflow_json", "nodes", 0, "id"))) == '\\"start\\"'


def test_a_comment_is_no_text_and_a_hash_in_a_text_is_no_comment() -> None:
    text = 'a: "# not"  # yes\nb: |\n  # not\n# yes\nc: d#not\n'
    document = read(text)
    hashes = [index for index, character in enumerate(text) if character == "#"]

    assert [document.is_text(index) for index in hashes] == [True, False, True, False, True]


def test_a_file_that_is_not_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "bot.yaml").write_bytes(b"name: demo\ndescription: caf\xe9\n")

    document, (found,) = read_file(tmp_path / "bot.yaml")

    assert document is None
    assert found.span is not None
    assert (found.code, found.span.line, found.span.column) == ("YM105", 2, 17)


def test_a_file_that_cannot_be_opened_is_a_finding(tmp_path: Path) -> None:
    documents = [read_file(tmp_path / "missing.yaml"), read_file(tmp_path)]

    assert [found[0].code for _, found in documents] == ["YM112", "YM112"]


def test_a_path_is_shown_from_the_current_folder_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert shown(tmp_path / "bots" / "a.yaml") == "bots/a.yaml"
    assert shown(tmp_path.parent / "a.yaml") == str(tmp_path.parent / "a.yaml")


def test_a_file_without_end_is_refused_before_it_is_read() -> None:
    _, (found,) = read_document("a" * 5_000_001, "file.yaml")

    assert found.code == "YM107"
