"""The worked examples of SEMANTICS, each through the engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.world import play

SCENARIOS = sorted((Path(__file__).parent / "scenarios").glob("*.json"))


def test_the_scenarios_are_there() -> None:
    assert len(SCENARIOS) >= 25


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_a_scenario_runs_as_it_is_written(file: Path) -> None:
    scenario = json.loads(file.read_text())

    told = play(scenario["workflow"], scenario["message"])

    assert {name: told[name] for name in scenario["expect"]} == scenario["expect"]
