"""Agents over each provider's real SDK: two rounds of parallel tool calls, then text; killed in between."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from botctl.engine.trace import story_json, story_of
from botctl.store import runs
from botctl.store.database import connect
from tests.fakes.llm_server import Hangs, ModelServer, Says
from tests.llm.world import ANTHROPIC_CASE, CUSTOM_CASE, GOOGLE_CASE, GROQ_CASE, KEY, OPENAI_CASE, Case

WITH_TOOLS = (OPENAI_CASE, ANTHROPIC_CASE, GOOGLE_CASE, GROQ_CASE, CUSTOM_CASE)
NAME = "functions__pay"
FIRST = Says(calls=((NAME, '{"to": "Ada"}'), (NAME, '{"to": "Bob"}')))
SECOND = Says("One more moment.", calls=((NAME, '{"to": "Cleo"}'), (NAME, '{"to": "Dan"}')))
LAST = Says("All four are paid.")
TOOLS = """
import pathlib
async def pay(to):
    with (pathlib.Path(__file__).parent / "paid").open("a") as file:
        file.write(to + " ")
    return {"paid": to}
"""
SCHEMA = "{type: object, properties: {to: {type: string}}, required: [to]}"


def write_project(folder: Path, case: Case, address: str) -> None:
    """An agent `b` with one tool that costs money, and its model at this address."""
    (folder / "shop.py").write_text(TOOLS)
    (folder / "workspaces").mkdir()
    (folder / "workspaces" / "w.yaml").write_text(
        f"name: w\nfunctions:\n  pay: {{python: 'shop:pay', parameters: {SCHEMA}}}\n"
    )
    llm = {"provider": case.provider.name, "api_key": KEY, "base_url": address + case.suffix}
    bot = folder / "bots" / "b"
    bot.mkdir(parents=True)
    (bot / "bot.yaml").write_text(
        f"name: b\nworkspace: w\nllm: {json.dumps(llm | case.settings | {'timeout': '20s'})}\n"
    )


async def started(folder: Path) -> Process:
    """`botctl run b`, as a process of its own."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(folder)}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "botctl", "run", "b"), cwd=folder, env=environment, stdin=PIPE, stdout=PIPE
    )


async def said(process: Process, text: str = "") -> str:
    """What it says until its input has come to its end and everything is answered."""
    output, _ = await process.communicate(text.encode())
    return output.decode()


def story(folder: Path) -> dict[str, Any]:
    """The one run, as `botctl runs show --json` has it."""
    with closing(connect(folder / ".botctl" / "state.db")) as connection:
        newest = runs.latest(connection, most=1, bot=None, status=None)[0]
        return story_json(story_of(connection, runs.get(connection, newest.seq)))


def told(run: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """(type, label, what it was called with or said) of each step of the loop."""
    return [
        (step["type"], step["label"], _told(step))
        for step in run["execution_log"]
        if step["type"] in ("llm_call", "mcp_tool")
    ]


def _told(step: dict[str, Any]) -> Any:
    return step["output"] if step["type"] == "llm_call" else step["input"]["arguments"]["to"]


STEPS = [
    ("llm_call", "model 0", ""),
    ("mcp_tool", NAME, "Ada"),
    ("mcp_tool", NAME, "Bob"),
    ("llm_call", "model 1", "One more moment."),
    ("mcp_tool", NAME, "Cleo"),
    ("mcp_tool", NAME, "Dan"),
    ("llm_call", "model 2", "All four are paid."),
]


@pytest.mark.parametrize("case", WITH_TOOLS, ids=lambda case: case.provider.name)
def test_two_rounds_of_parallel_calls_and_a_text_are_steps_of_the_journal(tmp_path: Path, case: Case) -> None:
    async def whole() -> tuple[str, int]:
        assert case.rules is not None
        async with ModelServer(case.rules(), FIRST, SECOND, LAST) as server:
            write_project(tmp_path, case, server.address)
            return await said(await started(tmp_path), "pay all\n"), len(server.received)

    output, asked = asyncio.run(whole())

    run = story(tmp_path)
    assert (output, asked, run["status"]) == ("All four are paid.\n", 3, "completed")
    assert sorted(told(run)) == sorted(STEPS)
    assert sorted((tmp_path / "paid").read_text().split()) == ["Ada", "Bob", "Cleo", "Dan"]


@pytest.mark.parametrize("case", WITH_TOOLS, ids=lambda case: case.provider.name)
def test_a_kill_between_the_rounds_repeats_no_finished_call(tmp_path: Path, case: Case) -> None:
    async def whole() -> tuple[str, int]:
        assert case.rules is not None
        async with ModelServer(case.rules(), FIRST, Hangs(), SECOND, LAST) as server:
            write_project(tmp_path, case, server.address)
            process = await started(tmp_path)
            assert process.stdin is not None
            process.stdin.write(b"pay all\n")
            await process.stdin.drain()
            await server.has_received(2)
            process.send_signal(signal.SIGKILL)
            await process.wait()
            return await said(await started(tmp_path)), len(server.received)

    output, asked = asyncio.run(whole())

    run = story(tmp_path)
    assert (asked, run["status"]) == (4, "completed")
    assert "All four are paid." in output or [one["text"] for one in run["sent"]] == ["All four are paid."]
    assert sorted(told(run)) == sorted(STEPS)
    assert sorted((tmp_path / "paid").read_text().split()) == ["Ada", "Bob", "Cleo", "Dan"]
