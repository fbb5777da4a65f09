"""The product's own examples: each loads, or is refused for the reason that its manifest note gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from botctl.lint.check import check_paths
from botctl.project.load import load_project_file
from botctl.source.diagnostic import Diagnostic

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
MANIFEST: list[dict[str, Any]] = json.loads((EXAMPLES / "MANIFEST.json").read_text())


def found_in(file: str) -> list[Diagnostic]:
    return check_paths([EXAMPLES / file], load_project_file(EXAMPLES)).diagnostics


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["file"])
def test_an_example_is_fine_or_refused_for_the_reason_in_its_note(entry: dict[str, Any]) -> None:
    codes = sorted(diagnostic.code for diagnostic in found_in(entry["file"]))

    if any(node.startswith("(no id)") for node in entry["nodes"]):
        assert codes == ["WF102"]
    elif entry["kind"] == "published_fragments" and entry["edges"]:
        assert codes == ["WF205"] * entry["edges"]
    elif entry["kind"] == "published_fragments":
        assert codes == ([] if entry["nodes"][0].endswith(":trigger") else ["WF201"])
    elif "/x" in entry["file"]:
        assert len(codes) == 1
    else:
        assert codes == []


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("constructed/x01_no_trigger.json", "No trigger node in workflow"),
        ("constructed/x02_empty.json", "Workflow is empty"),
        ("constructed/x03_cycle.json", "the edges `a -> b -> a` lead round in a circle"),
    ],
)
def test_what_cannot_run_is_told_in_one_sentence(file: str, message: str) -> None:
    assert [diagnostic.message for diagnostic in found_in(file)] == [message]
