"""Webhooks are acknowledged at once, however slow the turns are that run meanwhile."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from pathlib import Path

import httpx

from botctl.clock import SystemClock
from botctl.project.load import load_bot, load_project_file
from botctl.runtime.app import App
from botctl.secrets import Environment
from tests.fakes.slack_server import BOT_TOKEN, SlackServer
from tests.platforms.slack_world import SECRET, event, signed

SLOW = """
nodes:
  - {id: t, type: trigger}
  - {id: slow, type: mcp_tool, data: {toolName: functions__think}}
  - {id: say, type: send_message, data: {message: "{{message}}!"}}
edges: [t -> slow, slow -> say]
"""


def _write(folder: Path, base_url: str) -> None:
    bot = folder / "bots" / "b"
    bot.mkdir(parents=True)
    slack = f"{{mode: webhook, bot_token: '${{BOT}}', signing_secret: '${{SECRET}}', base_url: '{base_url}'}}"
    (bot / "bot.yaml").write_text(
        f"name: b\nworkspace: w\nworkflow: workflow.yaml\nplatforms: {{slack: {slack}}}\n"
    )
    (bot / "workflow.yaml").write_text(SLOW)
    (folder / "workspaces").mkdir()
    (folder / "workspaces" / "w.yaml").write_text(
        "name: w\nfunctions: {think: {python: 'slow_thoughts:think'}}\n"
    )
    (folder / "botctl.yaml").write_text("server: {port: 0}\n")
    (folder / "slow_thoughts.py").write_text(
        "import asyncio\nenough = asyncio.Event()\n"
        "async def think():\n    await enough.wait()\n    return 1\n"
    )


def test_a_webhook_is_acknowledged_within_50_ms_while_50_slow_turns_run(tmp_path: Path) -> None:
    async def story() -> tuple[list[float], set[int], int]:
        async with SlackServer() as slack:
            _write(tmp_path, slack.base_url)
            environment = Environment({"BOT": BOT_TOKEN, "SECRET": SECRET})
            project = load_project_file(tmp_path, environment)
            bot, diagnostics = load_bot(project, "b", environment)
            assert bot is not None, diagnostics
            async with App(project, [bot], environment, clock=SystemClock()) as app:
                receiving = asyncio.create_task(app.receive())
                assert app.server is not None
                async with httpx.AsyncClient(base_url=app.server.url, trust_env=False) as client:
                    took, statuses = [], set()
                    for number in range(150):
                        seconds, status = await _post(client, number)
                        took.append(seconds)
                        statuses.add(status)
                    from slow_thoughts import enough  # type: ignore[import-not-found]

                    enough.set()
                    await app.settle()
                receiving.cancel()
                await asyncio.gather(receiving, return_exceptions=True)
            said = sum(1 for method, _ in slack.calls if method == "chat.postMessage")
            return took, statuses, said

    took, statuses, said = asyncio.run(story())

    assert (statuses, said) == ({200}, 150)
    assert statistics.median(took[50:]) < 0.05


async def _post(client: httpx.AsyncClient, number: int) -> tuple[float, int]:
    body = json.dumps(event(user=f"U{number}", channel=f"D{number}", ts=f"1767225600.{number:06}")).encode()
    headers = signed(body, now_ms=time.time_ns() // 1_000_000)
    started = time.perf_counter()
    response = await client.post("/webhooks/b/slack", content=body, headers=headers)
    return time.perf_counter() - started, response.status_code
