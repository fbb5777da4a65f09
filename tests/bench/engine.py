"""Engine speed: the reference flow with its journal on disk, a scripted model and an in-process tool."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botctl.clock import SystemClock
from botctl.engine.interpreter import Interpreter
from botctl.engine.program import Program
from botctl.engine.transition import Limits
from botctl.execution.step import BotFacts
from botctl.llm.provider import ModelSettings
from botctl.llm.providers.scripted import SCRIPTED
from botctl.messages import IncomingMessage
from botctl.project.load import bare_workflow
from botctl.store import inbox, runs
from botctl.store.database import Database, open_database
from botctl.tools.tool import Tool, ToolHints, ToolResult

FLOW = Path(__file__).parent / "reference_flow.json"


class OrderTool:
    """The one tool of the reference flow, in this process."""

    tool = Tool(name="orders__get_order", hints=ToolHints(read_only=True))

    async def find(self, name: str) -> Tool | None:
        return self.tool if name == self.tool.name else None

    async def call(
        self, name: str, arguments: Mapping[str, Any], *, timeout: float | None = None
    ) -> ToolResult:
        await asyncio.sleep(0)
        return ToolResult(value={"id": arguments["order_id"], "total": 7})


class NoSandbox:
    """The reference flow has no code."""

    async def run(
        self, code: str, variables: Mapping[str, Any], message: str, user_id: str
    ) -> dict[str, Any]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Speed:
    """runs per second at 50 at a time, and milliseconds per run one after the other (median)."""

    runs_per_second: float
    milliseconds: float


async def measure(runs_at_once: int = 2000, concurrency: int = 50) -> Speed:
    """Run the flow many times at once, then a few times one after the other."""
    bot, _ = bare_workflow(FLOW)
    assert bot is not None and bot.graph is not None and bot.workflow is not None
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.yaml"
        script.write_text("- match: Classify\n  reply: billing\n")
        clock = SystemClock()
        program = Program(
            bot=BotFacts(name="reference"),
            graph=bot.graph,
            definition=bot.definition,
            text=(bot.workflow.file, bot.workflow.text),
            llm=SCRIPTED.connect(ModelSettings(provider="scripted", script=str(script)), clock),
            tools=OrderTool(),
            sandbox=NoSandbox(),
            mask=lambda text: text,
            limits=Limits(),
            fallback_message="",
        )
        database = await open_database(Path(folder) / "state.db")
        text = bot.workflow.text
        await database.write(lambda connection: runs.pin(connection, program.definition, "flow", text))
        interpreter = Interpreter(database, clock, lambda leaving: None)
        await _many(interpreter, program, database, 200, concurrency)
        started = time.perf_counter()
        await _many(interpreter, program, database, runs_at_once, concurrency)
        speed = runs_at_once / (time.perf_counter() - started)
        each = []
        for number in range(200):
            started = time.perf_counter()
            await _one(interpreter, program, database, f"s{number}")
            each.append((time.perf_counter() - started) * 1000)
        await database.close()
    return Speed(speed, statistics.median(each))


async def _many(
    interpreter: Interpreter, program: Program, database: Database, number: int, at_once: int
) -> None:
    gate = asyncio.Semaphore(at_once)

    async def bounded(name: str) -> None:
        async with gate:
            await _one(interpreter, program, database, name)

    await asyncio.gather(*[bounded(f"{number}.{index}") for index in range(number)])


async def _one(interpreter: Interpreter, program: Program, database: Database, user: str) -> None:
    message = IncomingMessage(
        bot="reference",
        platform="console",
        dedupe_key="",
        channel_id=user,
        user_id=user,
        text="where is order 1042?",
        received_at=1,
    )
    stored, _ = await database.write(lambda connection: inbox.add(connection, message))
    life = await interpreter.begin(program, stored)
    assert life.spoken == ["Order 1042 totals 7"], life.spoken


def main() -> None:
    """Print one line."""
    import uvloop

    number = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        speed = runner.run(measure(number))
    print(f"engine: {speed.runs_per_second:.0f} runs/s at 50, {speed.milliseconds:.2f} ms/run sequential")


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    main()
