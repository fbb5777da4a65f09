"""`make bench`: the figures of this machine, in one table. Only ratios of one sitting mean anything."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from tests.bench import engine, lint, load, scale
from tests.bench.bench_sandbox import measure_sandbox

ROOT = Path(__file__).resolve().parent.parent.parent
BOTCTL = [sys.executable, "-m", "botctl"]
PEER = ROOT.parent / "shared" / "bench" / "langgraph_flow.py"

T = TypeVar("T")
Row = tuple[str, str, str]


def main() -> None:
    """Measure everything and print the table."""
    rows: list[Row] = []
    for measure in (_engine, _http, _start, _lint, _sandbox, _memory, _scale):
        print(f"measuring {measure.__name__.strip('_')} ...", file=sys.stderr)
        rows += measure()
    width = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print("  ".join(cell.ljust(width[column]) for column, cell in enumerate(row)).rstrip())


def _engine() -> list[Row]:
    speed = _run_loop(engine.measure())
    rows = [
        (
            "reference flow, 50 at a time",
            f"{speed.runs_per_second:.0f} runs/s",
            f"{speed.milliseconds:.2f} ms/run one after the other",
        )
    ]
    peer = os.environ.get("PEER_PYTHON")
    if peer and PEER.exists():
        told = subprocess.run([peer, str(PEER)], capture_output=True, text=True, check=True).stdout
        theirs = float(next(line for line in told.splitlines() if "=sync" in line).split(": ")[1].split()[0])
        rows.append(
            (
                "  the peer, durability sync",
                f"{theirs:.0f} runs/s",
                f"botctl: {speed.runs_per_second / theirs:.1f} times",
            )
        )
    return rows


def _http() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        bare = [sys.executable, "-m", "tests.bench.bare", f"{folder}/bare.db", "18571"]
        with _served(bare, 18571):
            _run_loop(load.post_many("http://127.0.0.1:18571/", 1000, 50))
            yardstick = _run_loop(load.post_many("http://127.0.0.1:18571/", 4000, 50))
        with _hello(Path(folder), 18572):
            _run_loop(load.post_many("http://127.0.0.1:18572/webhooks/hello/custom", 1000, 50))
            ours = _run_loop(load.post_many("http://127.0.0.1:18572/webhooks/hello/custom", 4000, 50))
    ratio = ours.per_second / yardstick.per_second
    return [
        (
            "custom HTTP, bots/hello, 50 at a time",
            f"{ours.per_second:.0f} req/s",
            f"p50 {ours.p50:.1f} ms, p99 {ours.p99:.1f} ms",
        ),
        ("  bare Starlette, one commit", f"{yardstick.per_second:.0f} req/s", f"botctl: {ratio:.2f} of it"),
    ]


def _start() -> list[Row]:
    python = [sys.executable, "-c"]
    with tempfile.TemporaryDirectory() as folder:
        workflow = Path(folder) / "fifty.yaml"
        workflow.write_text(fifty_nodes())
        nothing, typer_alone, three, help, validate = _side_by_side(
            [*python, "pass"],
            [*python, "import typer"],
            [*python, "import typer, pydantic, yaml"],
            [*BOTCTL, "--help"],
            [*BOTCTL, "validate", str(workflow)],
        )
    return [
        (
            "botctl --help",
            f"{help * 1000:.0f} ms",
            f"{help / typer_alone:.2f} times `import typer`, {help / nothing:.1f} times `pass`",
        ),
        (
            "botctl validate, 50 nodes",
            f"{validate * 1000:.0f} ms",
            f"{validate / three:.2f} times importing typer, pydantic, yaml",
        ),
    ]


def _lint() -> list[Row]:
    (small, few), (large, many) = lint.work(lint.NODES), lint.work(8 * lint.NODES)
    growth = (many / large) / (few / small)
    return [
        (
            f"linter, {lint.WORKFLOWS:,} workflows of {lint.NODES} nodes",
            f"{lint.nodes_per_second():,.0f} nodes/s",
            f"work per node of one with {large}: {growth:.2f} times that with {small}",
        )
    ]


def _sandbox() -> list[Row]:
    median, p99 = _run_loop(measure_sandbox())
    return [("code_block", f"{median:.2f} ms", f"p99 {p99:.2f} ms")]


def _memory() -> list[Row]:
    """Resident memory of a running bot after 100 and after 10,000 finished conversations."""
    with tempfile.TemporaryDirectory() as folder, _hello(Path(folder), 18573) as process:
        url = "http://127.0.0.1:18573/webhooks/hello/custom"
        _run_loop(load.post_many(url, 100, 20))
        before = _resident(process.pid)
        _run_loop(load.post_many(url, 9_900, 50))
        after = _resident(process.pid)
    return [
        ("memory, 10,000 conversations", f"{after:.0f} MB", f"{after - before:+.1f} MB since the first 100")
    ]


def fifty_nodes() -> str:
    """A workflow of fifty nodes of several types."""
    lines = ["nodes:", "  - {id: n0, type: trigger, data: {triggerType: message_received}}"]
    for number in range(1, 50):
        data = (
            f'type: send_message, data: {{message: "{number} {{{{message}}}}"}}',
            f"type: action, data: {{actionType: set_variable, variable: v{number}, value: text}}",
            'type: llm_call, data: {prompt: "Answer {{message}}", outputVariable: answer}',
        )[number % 3]
        lines.append(f"  - {{id: n{number}, {data}}}")
    lines.append("edges:")
    lines += [f"  - n{number} -> n{number + 1}" for number in range(49)]
    return "\n".join(lines) + "\n"


@contextmanager
def _hello(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    (folder / "bots").mkdir()
    (folder / "bots" / "hello").symlink_to(ROOT / "bots" / "hello")
    with _served([*BOTCTL, "run", "hello", "--project", str(folder), "--port", str(port)], port) as process:
        yield process


def _scale() -> list[Row]:
    none, ten, many = scale.waiting(1), scale.waiting(10), scale.waiting(10_000)
    few, lots = scale.stored(1_000), scale.stored(200_000)
    return [
        (
            "10,000 runs that wait",
            f"+{many.memory - none.memory:.1f} MB, +{many.start - none.start:.2f} s to start",
            f"waking one: {many.message / ten.message:.2f} times that with 10",
        ),
        (
            "200,000 runs stored",
            f"{lots.message:.2f} ms a message",
            f"{lots.message / few.message:.2f} times that with 1,000",
        ),
        ("  botctl runs list", f"{scale.listing(200_000):.3f} s of work", "beyond starting"),
    ]


@contextmanager
def _served(command: Sequence[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _run_loop(_listening(port, process))
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


async def _listening(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise SystemExit(f"{process.args!r} ended at once")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise SystemExit(f"nobody listens on port {port}")


def _side_by_side(*commands: Sequence[str], rounds: int = 15) -> list[float]:
    """The median seconds of each command, taken in turns so that all see the same machine."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    took: list[list[float]] = [[] for _ in commands]
    for number in range(rounds + 1):
        for place, command in enumerate(commands):
            started = time.perf_counter()
            subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
            if number:
                took[place].append(time.perf_counter() - started)
    return [statistics.median(times) for times in took]


def _resident(pid: int) -> float:
    """Megabytes of memory that a process holds."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _run_loop(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


if __name__ == "__main__":
    main()
