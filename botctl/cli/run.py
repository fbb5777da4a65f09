"""`botctl run`: bots, switched on."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from botctl.cli.options import ProjectOption
from botctl.cli.place import open_project
from botctl.cli.report import refuse_what_cannot_run
from botctl.errors import UsageError
from botctl.platforms.console import console_kind
from botctl.project.load import Bot, Project, bare_workflow, load_bot
from botctl.runtime.app import App
from botctl.runtime.logs import announce, set_up_logs
from botctl.secrets import Environment
from botctl.source.diagnostic import Diagnostic
from botctl.web.pages import pages

app = typer.Typer(rich_markup_mode=None)

SkipLintOption = Annotated[
    bool, typer.Option("--skip-lint", help="Run whatever can be run, whatever the linter says.")
]


@app.command()
def run(
    bots: Annotated[list[str] | None, typer.Argument(help="Bots by name, or workflow files.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All bots of the project.")] = False,
    platform: Annotated[
        list[str] | None, typer.Option(help="Switch on only this platform, and insist on it.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The HTTP server's port; 0: any.")
    ] = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Take webhooks and pollers away from whoever has them now.")
    ] = False,
    skip_lint: SkipLintOption = False,
    project: ProjectOption = None,
) -> None:
    """Run bots, in this terminal or on their platforms, until ^C or the end of the input."""
    found, environment = open_project(project)
    names = found.bot_names() if every else (bots or [])
    if not names:
        raise UsageError("no bot was named", help="give the name of a bot, a workflow file, or --all")
    declared = declared_bots(found, names, environment, skip_lint=skip_lint)
    set_up_logs(environment.mask, os.environ)
    stdin = console_kind(sys.stdin)
    with_terminal = App(
        found,
        declared,
        environment,
        stdin=stdin,
        wanted=tuple(platform or ()),
        port=port,
        may_take_over=take_over,
        pages=pages if found.spec.dashboard.enabled else None,
    )
    run_to_end(_serve(with_terminal))


def declared_bots(
    project: Project, names: Sequence[str], environment: Environment, *, skip_lint: bool
) -> list[Bot]:
    """The bots of these names or files. What the linter holds against them is told; errors refuse."""
    loaded: list[Bot] = []
    diagnostics: list[Diagnostic] = []
    for name in names:
        is_file = Path(name).suffix in (".json", ".yaml", ".yml") or Path(name).is_file()
        bot, found = bare_workflow(Path(name)) if is_file else load_bot(project, name, environment)
        diagnostics += found
        if bot is not None:
            loaded.append(bot)
    refuse_what_cannot_run(
        project, loaded, diagnostics, all_bound=len(loaded) == len(names), skip_lint=skip_lint
    )
    return loaded


def run_to_end(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` on the fastest event loop there is; SIGTERM ends it like the end of its input."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_until_told(work))


async def _until_told(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    if sys.platform != "win32":
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        current = asyncio.current_task()
        if current is not None and current.cancelling():
            raise  # ^C: the runner turns it into KeyboardInterrupt


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(app: App) -> None:
    async with app:
        for line in _banner(app):
            announce(line, os.environ)
        if not app.connections:
            raise UsageError(
                "no platform is live, so nobody could talk to the bot", help="see the lines above"
            )
        await app.receive()


def _banner(app: App) -> list[str]:
    lines = [f"{bot}: {platform} is off: {reason}" for (bot, platform), reason in app.off.items()]
    if app.server is not None:
        lines.append(f"listening on {app.server.url}")
        if app.has_dashboard:
            lines.append("the dashboard: `botctl dashboard` prints a link that logs in")
        lines += [
            f"{bot}: {platform} takes messages at {app.server.url}/webhooks/{bot}/{platform}"
            for bot, platform in app.connections
            if platform == "custom" or (bot, platform) in app.by_webhook
        ]
    lines += app.notes
    if app.recovered:
        lines.append(f"taking up {app.recovered} messages that an earlier run left behind")
    return lines
