"""A finding can be taken back with a reason, and only then, and only as long as it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from botctl.lint.check import check_paths
from botctl.project.load import load_project_file

HEAD = "nodes:\n  - {id: start, type: trigger}\n"


def codes(text: str, folder: Path, file: str = "w.yaml") -> list[str]:
    (folder / file).write_text(text)
    return [found.code for found in check_paths([folder / file], load_project_file(folder)).diagnostics]


@pytest.mark.parametrize(
    "text",
    [
        "  # botctl: ignore[WF203] because it waits for its edges\n  - {id: x, type: parallel}\n",
        "  - {id: x, type: parallel}  # botctl: ignore[WF203] because it waits\n",
        "  # botctl: ignore[WF203] because it waits\n  # and more words\n\n  - id: x\n    type: parallel\n",
        "  # botctl: ignore[WF203] because it waits\n  - type: parallel\n    id: x\n",
    ],
)
def test_a_finding_is_taken_back_where_the_comment_stands(text: str, tmp_path: Path) -> None:
    assert codes(HEAD + text + "edges: []\n", tmp_path) == []


def test_a_comment_can_name_several_codes(tmp_path: Path) -> None:
    comment = "  # botctl: ignore[WF203, WF209] because of reasons\n"
    node = "  - {id: x, type: loop, data: {loopType: count, iterations: 1}}\n"

    assert codes(HEAD + comment + node + "edges: []\n", tmp_path) == []


def test_a_comment_reaches_no_further_than_its_entry(tmp_path: Path) -> None:
    without_reason = "  # botctl: ignore[WF203] because\n  - {id: x, type: parallel}\n"
    ignored = "  # botctl: ignore[WF203] because it waits\n  - {id: y, type: parallel}\n"
    after = "  - {id: z, type: parallel}\n"

    found = codes(HEAD + without_reason + ignored + after + "edges: []\n", tmp_path)

    assert found == ["YM201", "WF203", "WF203"]


def test_a_comment_that_hides_nothing_is_told(tmp_path: Path) -> None:
    assert codes(HEAD + "edges: []  # botctl: ignore[WF203] because it was there\n", tmp_path) == ["YM202"]


@pytest.mark.parametrize(
    "comment",
    [
        "ignore[WF203]",
        "ignore because",
        "ignore[WF101] because x",
        "ignore[WF2O3] because x",
        "skip",
        "ignore[] because x",
    ],
)
def test_a_comment_without_effect_is_told(comment: str, tmp_path: Path) -> None:
    assert codes(f"{HEAD}edges: []  # botctl: {comment}\n", tmp_path) == ["YM201"]


def test_a_text_that_looks_like_a_comment_is_none(tmp_path: Path) -> None:
    node = '  - {id: x, type: send_message, data: {message: "a # botctl: ignore[WF203] because x"}}\n'

    assert codes(HEAD + node + "edges: []\n", tmp_path) == ["WF203"]


def test_ignores_in_a_workflow_that_could_not_be_checked_are_not_called_unused(tmp_path: Path) -> None:
    text = HEAD + "  # botctl: ignore[WF203] because x\n  - {id: x, type: paralel}\nedges: []\n"

    assert codes(text, tmp_path) == ["WF211"]
