"""The engine against the independent model of SEMANTICS, on random workflows, wave by wave."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from botctl.sandbox.javascript import JavaScriptPool
from botctl.store.database import open_database
from tests.engine.random_workflows import MESSAGE, random_workflow
from tests.engine.reference_model import run_model
from tests.engine.world import graph_of, play_in, program_of

SEEDS = range(300)
_MODELLED = ("v_", "shared", "i_", "n_", "list_")


def test_three_hundred_random_workflows_run_as_the_model_says(tmp_path: Path) -> None:
    different = asyncio.run(_compare(tmp_path / "state.db"))

    assert different == []


async def _compare(path: Path) -> list[tuple[int, dict[str, Any], dict[str, Any]]]:
    database, pool = await open_database(path), JavaScriptPool()
    different = []
    for seed in SEEDS:
        workflow = random_workflow(seed)
        program = replace(program_of(graph_of(workflow), timeout=60), sandbox=pool.for_bot("b"))
        told = _told(await play_in(database, program, MESSAGE))
        expected = _told(run_model(workflow, MESSAGE))
        if told != expected:
            different.append((seed, told, expected))
    await pool.close()
    await database.close()
    return different


def _told(run: dict[str, Any]) -> dict[str, Any]:
    variables = {name: value for name, value in run["variables"].items() if name.startswith(_MODELLED)}
    return {
        "waves": run["waves"],
        "messages": run["messages"],
        "status": run["status"],
        "not_followed": [list(edge) for edge in run["not_followed"]],
        "variables": variables,
    }
