"""The reference model agrees with the worked examples, and with itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.random_workflows import MESSAGE, random_workflow
from tests.engine.reference_model import READINGS, run_model

SCENARIOS = sorted((Path(__file__).parent / "scenarios").glob("*.json"))


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_the_model_tells_a_scenario_as_it_is_written(file: Path) -> None:
    scenario = json.loads(file.read_text())

    told = run_model(scenario["workflow"], scenario["message"])

    assert {name: told[name] for name in scenario["expect"]} == scenario["expect"]


def test_a_random_workflow_is_the_same_for_the_same_seed() -> None:
    assert random_workflow(7) == random_workflow(7)


def test_random_workflows_end_and_meet_every_paragraph() -> None:
    met = set()
    for seed in range(300):
        workflow = random_workflow(seed)
        told = run_model(workflow, MESSAGE)
        joined = any(len(wave) > 1 for wave in told["waves"])
        met |= {told["status"], told["limit"]} | ({"joined"} if joined else set())
        met |= {"refused"} if told["not_followed"] else set()
        met |= {"cut"} if told["cut"] else set()
        met |= {"caught"} if told["status"] == "completed" and "error" in told["variables"] else set()
        assert len({node["id"] for node in workflow["nodes"]}) == len(workflow["nodes"])

    assert met >= {"completed", "error", None, "max_nodes", "joined", "refused", "cut", "caught"}


@pytest.mark.parametrize("reading", list(READINGS))
def test_another_reading_still_ends(reading: str) -> None:
    for seed in range(20):
        assert run_model(random_workflow(seed), MESSAGE, reading)["status"] in ("completed", "error")
