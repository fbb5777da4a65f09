"""A world for runtime tests: a project in a folder, an app, a platform that remembers what it sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botctl.clock import Clock, StandingClock
from botctl.messages import IncomingMessage, OutgoingMessage
from botctl.platforms.platform import SendError
from botctl.project.load import load_bot, load_project_file
from botctl.runtime.app import App
from botctl.secrets import Environment

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

ECHO = """
nodes:
  - {id: t, type: trigger, data: {triggerType: message_received}}
  - {id: say, type: send_message, data: {message: "you said {{message}}"}}
edges: [t -> say]
"""


class HeldClock:
    """A clock that moves only when it is told to; whoever sleeps wakes when it has moved far enough."""

    def __init__(self, now_ms: int = 1_767_225_600_000) -> None:
        self._now_ms = now_ms
        self._sleepers: list[tuple[int, asyncio.Event]] = []
        self._more = asyncio.Event()

    def now_ms(self) -> int:
        return self._now_ms

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleepers.append((self._now_ms + round(seconds * 1000), woken))
        self._more.set()
        await woken.wait()

    async def pass_by(self, seconds: float) -> None:
        """Move forward by this many seconds, once somebody waits for a moment within them."""
        until = self._now_ms + round(seconds * 1000)
        while not any(self._now_ms < at_ms <= until for at_ms, _ in self._sleepers):
            self._more = asyncio.Event()  # of the loop that runs now
            await self._more.wait()
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move forward by this many seconds."""
        self._now_ms += round(seconds * 1000)
        for at_ms, woken in self._sleepers:
            if at_ms <= self._now_ms:
                woken.set()


class Mailbag:
    """A platform that remembers what it was sent. `faults`: raised one by one before anything is sent."""

    def __init__(self) -> None:
        self.sent: list[OutgoingMessage] = []
        self.faults: list[SendError] = []
        self._more = asyncio.Event()

    async def holds(self, messages: int) -> None:
        """Wait until so many messages were sent."""
        while len(self.sent) < messages:
            self._more = asyncio.Event()  # of the loop that runs now
            await self._more.wait()

    async def run(self) -> None:
        pass

    async def webhook(self, request: Request) -> Response:
        raise NotImplementedError

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        await asyncio.sleep(0)
        if self.faults:
            raise self.faults.pop(0)
        self.sent.append(message)
        self._more.set()
        return (f"sent:{len(self.sent)}",)

    async def close(self) -> None:
        pass

    @property
    def texts(self) -> list[str]:
        """What was sent, in order."""
        return [message.text for message in self.sent]


def write_bot(folder: Path, workflow: str = ECHO, settings: str = "") -> None:
    """A bot named `b` in a project folder."""
    bot = folder / "bots" / "b"
    bot.mkdir(parents=True, exist_ok=True)
    (bot / "bot.yaml").write_text(f"name: b\nworkflow: workflow.yaml\n{settings}\n")
    (bot / "workflow.yaml").write_text(workflow)


def app_of(folder: Path, mailbag: Mailbag, clock: Clock | None = None) -> App:
    """An app of that bot with its console replaced by a mailbag."""
    environment = Environment({})
    project = load_project_file(folder, environment)
    bot, diagnostics = load_bot(project, "b", environment)
    assert bot is not None, diagnostics
    return App(
        project, [bot], environment, clock=clock or StandingClock(), connections={("b", "console"): mailbag}
    )


def incoming(text: str, *, user: str = "u", key: str = "") -> IncomingMessage:
    """A message of a user to the bot."""
    return IncomingMessage(
        bot="b", platform="console", dedupe_key=key, channel_id=user, user_id=user, text=text, received_at=1
    )


def in_an_app(
    folder: Path,
    story: Callable[[App], Awaitable[Any]],
    mailbag: Mailbag | None = None,
    clock: Clock | None = None,
) -> Any:
    """Switch an app on, let a story happen, settle, switch it off; what the story returned."""

    async def whole() -> Any:
        async with app_of(folder, mailbag or Mailbag(), clock) as app:
            told = await story(app)
            await app.settle()
            return told

    return asyncio.run(whole())


def live_until(app: App, story: Callable[[App], Awaitable[Any]], dies_after: int) -> Any:
    """Switch an app on and let a story happen, until the process dies right after so many commits (0: never).

    What the story returned; None if it died. Nothing that was under way at a death goes on.
    """
    loop = asyncio.new_event_loop()
    left = dies_after

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            app.database.after_commit = None
            loop.stop()

    async def whole() -> Any:
        await app.__aenter__()
        app.database.after_commit = count
        told = await story(app)
        app.database.after_commit = None
        await app.__aexit__(None, None, None)
        return told

    try:
        return loop.run_until_complete(whole())
    except RuntimeError as error:
        if "stopped before" not in str(error):
            raise
        loop.run_until_complete(bury(app))
        return None
    finally:
        loop.close()


async def bury(app: App) -> None:
    """Cancel everything before anything can go on, the committer too; let go of the file and the locks."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await app.database.abandon()
    for lock in app.locks:
        lock.__exit__(None, None, None)
