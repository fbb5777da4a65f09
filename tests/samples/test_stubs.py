"""What the samples' stories let tools answer is what those tools could answer."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from botctl.project.load import load_project_file
from botctl.spec.story import Given
from tests.cli.test_commands import ROOT
from tests.samples.stories import stories_of

SAMPLES = sorted(load_project_file(ROOT).bot_files)


def locked_schemas() -> dict[str, Any]:
    """The output schema of every tool that a lock tells, by the tool's full name."""
    found: dict[str, Any] = {}
    for path in sorted((ROOT / "workspaces").glob("*.lock.json")):
        for tools in json.loads(path.read_text())["servers"].values():
            found |= {name: tool["outputSchema"] for name, tool in tools.items() if tool.get("outputSchema")}
    return found


def misfits(given: Given, schemas: dict[str, Any]) -> list[str]:
    """The stubs whose result the tool's schema does not allow. Lists and texts stand there as `result`."""
    found = []
    for name, stubs in given.tools.items():
        for stub in stubs if isinstance(stubs, list) else []:
            if name not in schemas or stub.error or stub.down or stub.silent:
                continue
            result = stub.result if isinstance(stub.result, dict) else {"result": stub.result}
            errors = jsonschema.Draft202012Validator(schemas[name]).iter_errors(result)
            found += [f"{name}: {error.message}" for error in errors]
    return found


@pytest.mark.parametrize("bot", SAMPLES)
def test_a_stub_gives_what_its_tool_could_give(bot: str) -> None:
    schemas = locked_schemas()

    wrong = {
        file.path.name: found
        for file in stories_of(ROOT, [bot])
        if (found := [one for given in (file.spec, *file.spec.stories) for one in misfits(given, schemas)])
    }

    assert wrong == {}
