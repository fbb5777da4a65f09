"""Scale: what many waiting runs cost, and whether a message costs more when many runs are stored."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botctl.clock import SystemClock
from botctl.messages import IncomingMessage, OutgoingMessage
from botctl.project.load import load_bot, load_project_file
from botctl.runtime.app import App
from botctl.secrets import Environment
from botctl.store.database import connect

ROOT = Path(__file__).resolve().parent.parent.parent
WAITS = """
nodes:
  - {id: t, type: trigger}
  - {id: ask, type: send_message, data: {message: "Your size?"}}
  - {id: hold, type: logic, data: {logicType: wait}}
  - {id: got, type: send_message, data: {message: "So {{message}}."}}
edges: [t -> ask, ask -> hold, hold -> got]
"""
ECHO = """
nodes:
  - {id: t, type: trigger}
  - {id: say, type: send_message, data: {message: "you said {{message}}"}}
edges: [t -> say]
"""
# One real conversation is made by the app and then copied, so that every row is as the app writes it.
_COPY = {
    "conversations": "channel_id = 'c' || n.i, user_id = 'u' || n.i",
    "inbox": "conversation = :conversation + n.i, dedupe_key = ''",
    "runs": "id = 'copy' || n.i, conversation = :conversation + n.i, message = :message + n.i,"
    " dealing = :message + n.i",
    "steps": "run = :run + n.i",
    "outbox": "id = 'copy' || n.i, conversation = :conversation + n.i, run = :run + n.i",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """A start in seconds, resident memory in megabytes, and the median milliseconds of one message."""

    start: float
    memory: float
    message: float


class Nowhere:
    """A platform that takes everything."""

    async def run(self) -> None:
        pass

    async def webhook(self, request: Any) -> Any:
        raise NotImplementedError

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        return ("x",)

    async def close(self) -> None:
        pass


def waiting(runs: int) -> Cost:
    """With so many runs that wait for a reply, each in a conversation of its own."""
    return _in_a_process(WAITS, runs)


def stored(runs: int) -> Cost:
    """With so many runs that are over."""
    return _in_a_process(ECHO, runs)


def listing(runs: int) -> float:
    """Seconds of work (user and system time) of `botctl runs list` beyond that of `botctl status --help`."""
    with tempfile.TemporaryDirectory() as folder:
        _prepare(Path(folder), ECHO, runs)
        botctl = [sys.executable, "-m", "botctl"]
        listed = [_work([*botctl, "runs", "list"], folder) for _ in range(5)]
        idle = [_work([*botctl, "runs", "list", "--help"], folder) for _ in range(5)]
    return statistics.median(listed) - statistics.median(idle)


def _work(command: Sequence[str], folder: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _in_a_process(workflow: str, runs: int) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        _prepare(Path(folder), workflow, runs)
        command = [sys.executable, "-m", "tests.bench.scale", folder]
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return Cost(**json.loads(told))


def _prepare(folder: Path, workflow: str, runs: int) -> None:
    bot = folder / "bots" / "b"
    bot.mkdir(parents=True)
    (bot / "bot.yaml").write_text("name: b\nworkflow: workflow.yaml\n")
    (bot / "workflow.yaml").write_text(workflow)

    async def one() -> None:
        async with _app(folder) as app:
            await _say(app, "first", "first")
            await app.settle()

    asyncio.run(one())
    with closing(connect(folder / ".botctl" / "state.db")) as connection:
        first = {
            "conversation": connection.execute("SELECT max(seq) FROM conversations").fetchone()[0],
            "message": connection.execute("SELECT max(seq) FROM inbox").fetchone()[0],
            "run": connection.execute("SELECT max(seq) FROM runs").fetchone()[0],
        }
        connection.execute("BEGIN")
        connection.execute(
            "CREATE TEMP TABLE n AS WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1"
            f" FROM c LIMIT {max(runs - 1, 1)}) SELECT i FROM c"
        )
        for table, changes in _COPY.items():
            changed = dict(part.strip().split(" = ") for part in changes.split(", "))
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            kept = [name for name in columns if name != "seq" or table == "steps"]
            values = ", ".join(changed.get(name, f"o.{name}") for name in kept)
            connection.execute(
                f"INSERT INTO {table} ({', '.join(kept)}) SELECT {values} FROM {table} o, n",
                {name: value for name, value in first.items() if f":{name}" in values},
            )
        connection.execute("COMMIT")


def _app(folder: Path) -> App:
    environment = Environment({})
    project = load_project_file(folder, environment)
    bot, _ = load_bot(project, "b", environment)
    assert bot is not None
    return App(project, [bot], environment, clock=SystemClock(), connections={("b", "console"): Nowhere()})


async def _say(app: App, user: str, text: str) -> str:
    message = IncomingMessage(
        bot="b",
        platform="console",
        dedupe_key="",
        channel_id=user.replace("u", "c"),
        user_id=user,
        text=text,
        received_at=app.clock.now_ms(),
    )
    return (await (await app.inbox.accept(message)).answer()).status


async def _measure(folder: Path) -> Cost:
    started = time.perf_counter()
    async with _app(folder) as app:
        start = time.perf_counter() - started
        memory = _resident()
        for number in range(3):
            await _say(app, f"warm{number}", "x")
        took = []
        for number in range(1, 9):
            for _ in range(1 if app.turns.waiting else 25):
                before = time.perf_counter()
                await _say(app, f"u{number}", "large")
                took.append((time.perf_counter() - before) * 1000)
        await app.settle()
    return Cost(start, memory, statistics.median(took))


def _resident() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    cost = asyncio.run(_measure(Path(sys.argv[1])))
    print(json.dumps({"start": cost.start, "memory": cost.memory, "message": cost.message}))
