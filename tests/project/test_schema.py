"""The schemas accept what botctl accepts, and refuse what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from botctl.project.schema import KINDS, schema_for
from botctl.source.document import read_file

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "tests" / "examples"


def refused(kind: str, value: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(schema_for(kind)).iter_errors(value)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_itself_a_schema(kind: str) -> None:
    Draft202012Validator.check_schema(schema_for(kind))


def test_every_workflow_and_bot_of_the_samples_fits_its_schema() -> None:
    workflows = [*ROOT.glob("bots/*/workflow.yaml"), *(EXAMPLES / "constructed").glob("*.json")]
    files = {
        "workflow": workflows,
        "bot": ROOT.glob("bots/*/bot.yaml"),
        "workspace": ROOT.glob("workspaces/*.yaml"),
    }

    for kind, paths in files.items():
        for path in paths:
            document, _ = read_file(path)
            assert document is not None
            assert refused(kind, document.value) == [], path


def test_a_schema_knows_the_data_of_each_node_type() -> None:
    workflow = {"nodes": [{"id": "a", "type": "send_message", "data": {"mesage": "x"}}], "edges": []}

    assert len(refused("workflow", workflow)) == 1


def test_a_schema_knows_the_settings_of_each_platform() -> None:
    assert refused("bot", {"name": "a", "platforms": {"console": {}, "custom": {"secret": "x"}}}) == []
    assert refused("bot", {"name": "a", "platforms": {"custom": {"secrt": "x"}}}) != []


def test_every_field_in_a_schema_is_documented() -> None:
    text = json.dumps({kind: schema_for(kind) for kind in KINDS})

    assert text.count('"description"') > 150
