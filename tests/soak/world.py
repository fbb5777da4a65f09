"""The world of a soak: a real botctl process, killed again and again, and what is outside of it."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx

from botctl.engine.run import run_from_json
from botctl.store import runs, steps
from botctl.store.database import connect

WORKFLOW = """
nodes:
  - {id: t, type: trigger}
  - {id: ask, type: llm_call, data: {prompt: "{{message}}", outputVariable: kind}}
  - id: pay
    type: mcp_tool
    data: {toolName: functions__pay, arguments: {what: "{{message}}"}, outputVariable: n}
  - {id: say, type: send_message, data: {message: "{{message}} is {{kind.text}} and {{n}}"}}
edges: [t -> ask, ask -> pay, pay -> say]
"""
PAY = """
import os
async def pay(what):
    file = os.open({ledger!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, what.encode() + b"\\n")
    os.close(file)
    return "paid"
"""


class Mailbox:
    """An HTTP server that takes what the bot says, like the system behind a callback would."""

    def __init__(self) -> None:
        self.took: list[tuple[str, str, str]] = []
        mailbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(length := int(self.headers["content-length"]))
                if len(body) < length:
                    return  # the process died while it was sending
                said = json.loads(body)
                mailbox.took.append((self.headers["webhook-id"], said.get("replyTo", ""), said["text"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Process:
    """`botctl run b`, which starts again as often as it is killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = ""
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "botctl", "run", "b", "--port", "0"),
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert self._process.stderr is not None
        while True:
            line = (await self._process.stderr.readline()).decode()
            if not line:
                raise RuntimeError("botctl did not start")
            if line.startswith("listening on "):
                self.url = line.removeprefix("listening on ").strip() + "/webhooks/b/custom"
                return

    async def end(self, how: signal.Signals = signal.SIGKILL) -> int:
        """End it; its exit code."""
        assert self._process is not None
        self.url = ""
        self._process.send_signal(how)
        await self._process.communicate()
        return int(self._process.returncode or 0)


@dataclass
class Outcome:
    """What became of a soak, counted."""

    messages: int
    kills: int
    unanswered: list[str] = field(default_factory=list)
    repeated_replies: int = 0
    paid_twice: list[str] = field(default_factory=list)
    paid_again_after_the_step: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    in_doubt: int = 0

    @property
    def is_good(self) -> bool:
        """Nothing lost, nothing done twice, at most one reply repeated per kill."""
        return not (self.unanswered or self.paid_twice) and self.repeated_replies <= self.kills


def write_project(folder: Path, callback_url: str) -> Path:
    """The project of the soak; the till's ledger."""
    ledger = folder / "ledger"
    bot = folder / "bots" / "b"
    bot.mkdir(parents=True)
    (bot / "bot.yaml").write_text(
        "name: b\nworkspace: w\nworkflow: workflow.yaml\nllm: {provider: scripted, script: script.yaml}\n"
        f"fallback_message: sorry\nplatforms: {{custom: {{callback_url: '{callback_url}'}}}}\n"
    )
    (bot / "workflow.yaml").write_text(WORKFLOW)
    (bot / "script.yaml").write_text("- reply: fine\n")
    (folder / "workspaces").mkdir()
    (folder / "workspaces" / "w.yaml").write_text("name: w\nfunctions: {pay: {python: 'till:pay'}}\n")
    (folder / "till.py").write_text(PAY.format(ledger=str(ledger)))
    return ledger


async def _say_all(process: Process, conversation: int, each: int, pause: float) -> None:
    """One user: message after message, each sent again until it was accepted, as platforms do."""
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        for number in range(each):
            text = f"m{conversation}-{number}"
            body = {"text": text, "userId": f"u{conversation}", "messageId": text}
            while not await _accepted(client, process.url, body):  # noqa: ASYNC110
                await asyncio.sleep(0.02)  # as a platform waits before it tries again
            await asyncio.sleep(random.uniform(0, pause))


async def _accepted(client: httpx.AsyncClient, url: str, body: dict[str, str]) -> bool:
    if not url:
        return False
    try:
        return (await client.post(url, json=body)).is_success
    except httpx.HTTPError:
        return False


async def soak(folder: Path, *, conversations: int, each: int, kills: int, seed: int) -> Outcome:
    """Let users talk to a bot whose process is killed again and again, then count."""
    random.seed(seed)
    mailbox = Mailbox()
    ledger = write_project(folder, mailbox.url)
    process = Process(folder)
    await process.start()
    pause = kills * 0.9 / each
    users = [asyncio.create_task(_say_all(process, number, each, pause)) for number in range(conversations)]
    for _ in range(kills):
        await asyncio.sleep(random.uniform(0.05, 0.45))
        await process.end()
        await process.start()
    await asyncio.gather(*users)
    wanted = {f"m{conversation}-{number}" for conversation in range(conversations) for number in range(each)}
    for _ in range(200):
        if wanted <= {reply_to for _, reply_to, _ in mailbox.took}:
            break
        await asyncio.sleep(0.1)
    await process.end(signal.SIGTERM)
    mailbox.close()
    return _count(folder, mailbox, ledger, wanted, kills)


def _count(folder: Path, mailbox: Mailbox, ledger: Path, wanted: set[str], kills: int) -> Outcome:
    outcome = Outcome(len(wanted), kills)
    replies: dict[str, set[str]] = defaultdict(set)
    for id, reply_to, _ in mailbox.took:
        replies[reply_to].add(id)
    outcome.unanswered = sorted(wanted - replies.keys())
    ids = Counter(id for id, _, _ in mailbox.took)
    outcome.repeated_replies = sum(number - 1 for number in ids.values())
    outcome.repeated_replies += sum(len(different) - 1 for different in replies.values())
    paid = Counter(ledger.read_text().split())
    outcome.paid_twice = sorted(what for what, number in paid.items() if number > 1)
    with closing(connect(folder / ".botctl" / "state.db")) as connection:
        for row in runs.latest(connection, bot="b", status=None, most=10_000):
            outcome.statuses[row.status] += 1
            outcome.in_doubt += row.in_doubt
            state = run_from_json(runs.get(connection, row.seq).state)
            journal = steps.of_run(connection, row.seq)
            finished = any(step.node == "pay" and step.error is None for step in journal)
            if finished and paid[state.variables["message"]] != 1:
                outcome.paid_again_after_the_step.append(state.variables["message"])
    return outcome
