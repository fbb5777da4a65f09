"""`botctl chat`: talk to a bot in this terminal and see what every step does."""

from __future__ import annotations

import asyncio
import getpass
import logging
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from botctl.cli.options import ProjectOption
from botctl.cli.place import open_project
from botctl.cli.run import SkipLintOption, declared_bots, run_to_end
from botctl.cli.terminal import paint, plain_lines
from botctl.engine.trace import story_of, story_text
from botctl.messages import IncomingMessage, OutgoingMessage
from botctl.runtime.app import App
from botctl.runtime.logs import set_up_logs
from botctl.store import runs

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

app = typer.Typer(rich_markup_mode=None)


@app.command()
def chat(
    bot: Annotated[str, typer.Argument(help="The bot, or a workflow file.")],
    quiet: Annotated[bool, typer.Option("--quiet", help="Only the conversation, no trace.")] = False,
    skip_lint: SkipLintOption = False,
    project: ProjectOption = None,
) -> None:
    """Talk to a bot in this terminal; after each answer the run is told, step by step."""
    found, environment = open_project(project)
    declared = declared_bots(found, [bot], environment, skip_lint=skip_lint)
    set_up_logs(environment.mask, os.environ, level=logging.ERROR)
    name = declared[0].spec.name
    app = App(found, declared, environment, connections={(name, "console"): Voice(name)})
    run_to_end(_talk(app, name, quiet=quiet))


class Voice:
    """The bot's voice in this terminal: a connection that only sends."""

    def __init__(self, bot: str) -> None:
        self._bot = bot
        self._count = 0

    async def run(self) -> None:
        """Nothing is received here: `chat` reads the lines itself."""

    async def webhook(self, request: Request) -> Response:
        """No webhook leads here."""
        raise NotImplementedError

    async def send(self, message: OutgoingMessage) -> tuple[str, ...]:
        """Print it."""
        self._count += 1
        print(f"{paint(self._bot + '>', 'good')} {plain_lines(message.text)}", flush=True)
        for number, button in enumerate(message.buttons, start=1):
            print(f"  {number}. {plain_lines(button.label)}", flush=True)
        return (f"chat:{self._count}",)

    async def close(self) -> None:
        """There is nothing to let go of."""


async def _talk(app: App, bot: str, *, quiet: bool) -> None:
    user = _user()
    async with app:
        while (line := await asyncio.to_thread(_read)) is not None:
            if not line.strip():
                continue
            message = IncomingMessage(
                bot=bot,
                platform="console",
                dedupe_key="",
                channel_id="chat",
                user_id=user,
                user_name=user,
                text=line,
                received_at=app.clock.now_ms(),
            )
            answer = await (await app.inbox.accept(message)).answer()
            await app.settle()
            if answer.reason:
                print(paint(f"not answered: {answer.reason}", "dim"))
            if answer.run_id and not quiet:
                print(paint(plain_lines(_told(app, answer.run_id)), "dim"), flush=True)


def _told(app: App, id: str) -> str:
    return app.database.read(lambda connection: story_text(story_of(connection, runs.find(connection, id))))


def _read() -> str | None:
    try:
        return input("you> " if sys.stdin.isatty() else "")
    except EOFError:
        return None


def _user() -> str:
    with suppress(OSError, KeyError):
        return getpass.getuser()
    return "you"
