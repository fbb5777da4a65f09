"""`--fix` mends what is surely safe, leaves comments and layout alone, and says what it did."""

from __future__ import annotations

from pathlib import Path

import pytest

from botctl.lint.bare import linted
from botctl.lint.fix import Repair, repaired
from botctl.project.workflow_file import load_workflow
from botctl.source.document import shown

START = "nodes:\n  - {id: start, type: trigger, data: {}}\n"


def mended(folder: Path, text: str, name: str = "workflow.yaml") -> tuple[str, list[Repair]]:
    path = folder / name
    path.write_text(text, newline="")
    return repaired(text, shown(path), linted(load_workflow(path)))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            START + "  # keep\n  - type: parallel  # too\n    data: {}\nedges:\n  - start -> fan\n",
            START
            + "  # keep\n  - id: fan\n    type: parallel  # too\n    data: {}\nedges:\n  - start -> fan\n",
            [Repair(4, "gave a node the id `fan`")],
        ),
        (
            START + "  - {type: parallel}\n  - { type: parallel }\nedges: []\n",
            START
            + "  - {id: parallel_1, type: parallel}\n  - { id: parallel_2, type: parallel }\nedges: []\n",
            [Repair(3, "gave a node the id `parallel_1`"), Repair(4, "gave a node the id `parallel_2`")],
        ),
        (
            START + "  - {id: a, type: send_message, data: {message: Hi}}\nedges:\n  - start => a # why\n",
            START + "  - {id: a, type: send_message, data: {message: Hi}}\nedges:\n  - start -> a # why\n",
            [Repair(5, "wrote the arrow `=>` of an edge as `->`")],
        ),
        (
            START + "  - {id: a, type: parallel}\nedges:\n  - start --> a\n  - start.error → a\n",
            START + "  - {id: a, type: parallel}\nedges:\n  - start -> a\n  - start.error -> a\n",
            [
                Repair(5, "wrote the arrow `-->` of an edge as `->`"),
                Repair(6, "wrote the arrow `→` of an edge as `->`"),
            ],
        ),
        (
            START
            + "  - {id: a, type: parallel}\nedges:\n  - start -> a\n  - source: start\n    target: a\n# z\n",
            START + "  - {id: a, type: parallel}\nedges:\n  - start -> a\n# z\n",
            [Repair(6, "took out an edge that stands there twice")],
        ),
        (
            START + "# the last word",
            START + "# the last word\nedges: []\n",
            [Repair(3, "added `edges`, of which there are none")],
        ),
        (
            START + "  # botctl: ignore[WF203] because\n  - {id: a, type: parallel}\nedges: [start -> a]\n",
            START + "  # botctl: ignore[WF203] because\n  - {id: a, type: parallel}\nedges: [start -> a]\n",
            [],
        ),
        (
            START
            + "  - {id: a, type: parallel}  # botctl: ignore[WF203] because it is new\nedges: [start -> a]\n",
            START + "  - {id: a, type: parallel}\nedges: [start -> a]\n",
            [Repair(3, "took out an ignore comment that hides nothing")],
        ),
        (
            START + "  # botctl: ignore[WF203] because x\n  - {id: a, type: parallel}\nedges: [start -> a]\n",
            START + "  - {id: a, type: parallel}\nedges: [start -> a]\n",
            [Repair(3, "took out an ignore comment that hides nothing")],
        ),
    ],
)
def test_what_is_safe_is_mended_and_all_else_stays(
    before: str, after: str, said: list[Repair], tmp_path: Path
) -> None:
    assert mended(tmp_path, before) == (after, said)


@pytest.mark.parametrize(
    ("written", "quoted"),
    [
        ("{{message}}, you said", '"{{message}}, you said"'),
        ('{{message}} "it is" # a comment', "'{{message}} \"it is\"' # a comment"),
        ('{{message}} isn\'t "it"', "'{{message}} isn''t \"it\"'"),
    ],
)
def test_a_text_that_begins_with_a_placeholder_gets_its_quotes(
    written: str, quoted: str, tmp_path: Path
) -> None:
    text = START + "  - id: a\n    type: send_message\n    data:\n      message: {}\nedges: [start -> a]\n"

    assert mended(tmp_path, text.replace("message: {}", f"message: {written}")) == (
        text.replace("message: {}", f"message: {quoted}"),
        [Repair(6, "put quotes around a text that begins with `{{`")],
    )


@pytest.mark.parametrize(
    ("written", "quoted"),
    [
        ("{message: {{message}}, useTemplate: true}", '{message: "{{message}}", useTemplate: true}'),
        ("{message: {{message}} hello}", '{message: "{{message}} hello"}'),
        ("{message: {{message}}}", '{message: "{{message}}"}'),
        ("{message: {{a}} and {{b}},\n      label: x}", '{message: "{{a}} and {{b}}",\n      label: x}'),
        ("[{{message}}, x]", '["{{message}}", x]'),
        ("{message: {{a}} b, label: {{c}} d}", '{message: "{{a}} b", label: {{c}} d}'),  # the next one next
        ("{message: {{message}}, you said}", "{message: {{message}}, you said}"),  # whose comma is it?
        ("{message: {{message}}\n      and more}", "{message: {{message}}\n      and more}"),
    ],
)
def test_within_brackets_a_text_ends_where_the_next_entry_begins(
    written: str, quoted: str, tmp_path: Path
) -> None:
    text = START + "  - {id: a, type: send_message, data: HERE}\nedges: [start -> a]\n"

    after, _ = mended(tmp_path, text.replace("HERE", written))

    assert after == text.replace("HERE", quoted)


def test_a_json_file_stays_json(tmp_path: Path) -> None:
    before = """{
  "nodes": [
    {"id": "start", "type": "trigger", "data": {}},
    {
      "type": "parallel"
    }
  ],
  "edges": [
    {"source": "start", "target": "p"},
    {"source": "start", "target": "p"}
  ]
}"""

    after, repairs = mended(tmp_path, before, "workflow.json")

    assert after == before.replace('"type": "parallel"', '"id": "p",\n      "type": "parallel"')
    assert [repair.line for repair in repairs] == [5]
    assert mended(tmp_path, after, "workflow.json")[0] == after.replace(
        ',\n    {"source": "start", "target": "p"}\n', "\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        START
        + "  - {type: parallel}\n  - {type: parallel}\nedges: [start -> a, start -> b]\n",  # which is which?
        START + "  - {id: a, type: parallel}\nedges:\n  - start > nowhere > a\n",
        START + "  - {id: a, type: parallel}\nedges:\n  - start -> a\n  - start -> a # why twice?\n",
        START + "  - {name: a, type: parallel}\nedges: [start -> a]\n",  # misspelt, not missing
        '{"workflow_json": "{\\"nodes\\": [{\\"type\\": \\"trigger\\"}], \\"edges\\": []}"}',
        "nodes: [\n",
    ],
)
def test_what_is_not_surely_safe_is_left_alone(text: str, tmp_path: Path) -> None:
    assert mended(tmp_path, text) == (text, [])


def test_lines_that_end_as_on_windows_do_so_after_it(tmp_path: Path) -> None:
    text = START + "  - {id: a, type: parallel}\nedges:\n  - start -> a\n  - start -> a\n"

    assert mended(tmp_path, text.replace("\n", "\r\n"))[0] == text[: -len("  - start -> a\n")].replace(
        "\n", "\r\n"
    )
