"""Two hundred conversations at once with a model that takes a second for each answer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from botctl.clock import SystemClock
from botctl.project.load import load_bot, load_project_file
from botctl.runtime.app import App
from botctl.secrets import Environment
from tests.runtime.world import Mailbag, incoming

ANSWER = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "done"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}


async def _think(seconds: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A model's server that thinks for so long, on connections that stay open."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.split("content-length:")[1].split("\r\n")[0])
            await reader.readexactly(length)
            await asyncio.sleep(seconds)
            body = json.dumps(ANSWER).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                b"content-length: %d\r\n\r\n%s" % (len(body), body)
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def seconds_without_a_processor() -> float:
    """How long this thread was ready and other programs had the processors (Linux; elsewhere not known)."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


@asynccontextmanager
async def slow_model(seconds: float) -> AsyncIterator[str]:
    """Its address."""
    server = await asyncio.start_server(partial(_think, seconds), "127.0.0.1", 0, backlog=500)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()


def test_two_hundred_conversations_with_a_slow_model_take_less_than_four_seconds(tmp_path: Path) -> None:
    async def story(url: str) -> tuple[float, set[str]]:
        bot = tmp_path / "bots" / "b"
        bot.mkdir(parents=True)
        llm = f"{{provider: custom, model: m, api_key: k, base_url: '{url}'}}"
        (bot / "bot.yaml").write_text(f"name: b\nllm: {llm}\n")
        environment = Environment({})
        project = load_project_file(tmp_path, environment)
        loaded, diagnostics = load_bot(project, "b", environment)
        assert loaded is not None, diagnostics
        app = App(
            project, [loaded], environment, clock=SystemClock(), connections={("b", "console"): Mailbag()}
        )
        async with app:
            await (await app.inbox.accept(incoming("warm up", user="w"))).answer()
            started, waited = time.monotonic(), seconds_without_a_processor()
            receipts = await asyncio.gather(
                *[app.inbox.accept(incoming("hi", user=f"u{number}")) for number in range(200)]
            )
            answers = await asyncio.gather(*[receipt.answer() for receipt in receipts])
            await app.settle()
            took = time.monotonic() - started - (seconds_without_a_processor() - waited)
        return took, {answer.status for answer in answers}

    async def whole() -> tuple[float, set[str]]:
        async with slow_model(1) as url:
            return await story(url)

    took, statuses = asyncio.run(whole())

    assert statuses == {"completed"}
    assert took < 4
