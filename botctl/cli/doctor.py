"""`botctl doctor`: everything a bot needs, checked without changing anything."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from typing import Annotated

import typer
from msgspec import Struct

from botctl.cli.options import JsonOption, ProjectOption
from botctl.cli.place import open_project
from botctl.cli.terminal import paint, print_json
from botctl.errors import BotctlError
from botctl.lint.check import check_bot
from botctl.lint.locks import lock_path
from botctl.platforms.platform import Checkable
from botctl.project.load import Project, Workspace, load_bot
from botctl.runtime.bot import provider_named
from botctl.runtime.lock import holder_of
from botctl.runtime.platforms import choose_platforms
from botctl.runtime.standalone import connected
from botctl.runtime.workspace import open_workspace
from botctl.sandbox.javascript import JavaScriptPool
from botctl.secrets import Environment
from botctl.store.database import connect, quick_check
from botctl.tools.lock import lock_text

app = typer.Typer(rich_markup_mode=None)


class Check(Struct, frozen=True):
    """One thing that was looked at. fine None: it is off, on purpose or not."""

    about: str
    fine: bool | None
    told: str


@app.command()
def doctor(
    bot: Annotated[str | None, typer.Argument(help="Only this bot.")] = None,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Check files, state, sandbox, keys, platforms and tool servers. Exit code 1 when something is broken."""
    found, environment = open_project(project)
    checks = list(_checks(found, environment, [bot] if bot else found.bot_names()))
    if json:
        print_json([{"about": check.about, "fine": check.fine, "told": check.told} for check in checks])
    else:
        marks = {True: paint("ok  ", "good"), False: paint("FAIL", "error"), None: paint("off ", "dim")}
        for check in checks:
            print(f"{marks[check.fine]}  {check.about}: {check.told}")
    if any(check.fine is False for check in checks):
        raise typer.Exit(1)


def _checks(project: Project, environment: Environment, bots: list[str]) -> Iterator[Check]:
    python = ".".join(str(part) for part in sys.version_info[:3])
    yield Check("botctl", True, f"{version('botctl')} on Python {python}")
    yield Check("project", bool(bots), f"{project.folder}, {len(bots)} bot{'s' if len(bots) != 1 else ''}")
    yield _state(project)
    yield asyncio.run(_sandbox())
    for name in bots:
        yield from _bot(project, environment, name)
    used = {workspace for name in bots if (workspace := _workspace_of(project, environment, name))}
    for name in sorted(used):
        yield from asyncio.run(_workspace(project, environment, name))


def _state(project: Project) -> Check:
    path = project.state_folder / "state.db"
    if not path.exists():
        return Check("state", None, f"{path} is made at the first run")
    try:
        with closing(connect(path)) as connection:
            told = quick_check(connection)
    except BotctlError as error:
        return Check("state", False, error.message)
    return Check("state", told == "ok", f"{path}: {told}")


async def _sandbox() -> Check:
    pool = JavaScriptPool(size=1)
    try:
        written = await pool.for_bot("doctor").run("ctx.variables.sum = 1 + 1", {}, "", "")
    except BotctlError as error:
        return Check("sandbox", False, error.message)
    finally:
        await pool.close()
    return Check("sandbox", written == {"sum": 2}, "JavaScript runs in a child process")


def _workspace_of(project: Project, environment: Environment, name: str) -> str:
    bot, _ = load_bot(project, name, environment)
    return bot.spec.workspace if bot is not None else ""


def _bot(project: Project, environment: Environment, name: str) -> Iterator[Check]:
    bot, diagnostics = load_bot(project, name, environment)
    if bot is None:
        yield Check(name, False, f"{len(diagnostics)} errors; `botctl validate {name}` tells them")
        return
    errors = [d for d in [*diagnostics, *check_bot(project, bot)] if d.severity == "error"]
    running = holder_of(project.state_folder, name)
    told = f"{len(errors)} errors; `botctl validate` tells them" if errors else "its files are fine"
    yield Check(name, not errors, told + (f"; running in process {running}" if running else ""))
    choice = choose_platforms(bot.spec, environment, stdin="terminal")
    if not errors:
        yield from asyncio.run(_platforms(project, environment, name))
    for platform, reason in choice.off.items():
        yield Check(f"{name}, {platform}", None, reason)
    if bot.spec.llm is not None:
        provider = provider_named(bot.spec.llm.provider)
        key = bot.spec.llm.api_key or (f"${{{provider.key_variable}}}" if provider.needs_key else "")
        missing = environment.missing(key)
        told = f"{' and '.join(missing)} is not set" if missing else "is set up"
        yield Check(f"{name}, model {provider.name}", not missing, told)


async def _platforms(project: Project, environment: Environment, name: str) -> list[Check]:
    """What the live platforms themselves say; nothing is changed."""
    checks: list[Check] = []
    try:
        async with connected(project, environment, name) as connections:
            for (_, platform), connection in connections.items():
                about = f"{name}, {platform}"
                if not isinstance(connection, Checkable):
                    checks.append(Check(about, True, "is set up"))
                    continue
                for checked in await connection.check():
                    told = f"{checked.fact}; {checked.help}" if checked.help else checked.fact
                    checks.append(Check(about, checked.is_well, told))
    except BotctlError as error:
        checks.append(Check(name, False, error.message))
    return checks


async def _workspace(project: Project, environment: Environment, name: str) -> list[Check]:
    try:
        workspace = project.workspace(name)
        catalogue = open_workspace(workspace.spec, environment, project.folder, project.state_folder)
    except BotctlError as error:
        return [Check(f"workspace {name}", False, error.message)]
    try:
        tools = await catalogue.tools()
        servers = await catalogue.listed()
        problems = [Check(f"workspace {name}, {s}", False, why) for s, why in catalogue.problems().items()]
    finally:
        await catalogue.close()
    found = [Check(f"workspace {name}", not problems, f"{len(tools)} tools"), *problems]
    if workspace.spec.servers and not problems:
        found.append(_lock(workspace, lock_text(name, servers, environment.mask)))
    return found


def _lock(workspace: Workspace, live: str) -> Check:
    """Whether the linter knows the tools as they are now."""
    name, path = workspace.spec.name, lock_path(workspace)
    about = f"workspace {name}, lock"
    if not path.is_file():
        told = f"there is none, so `botctl validate` knows no server's tools; `botctl tools lock {name}`"
        return Check(about, None, told)
    if path.read_text("utf-8", errors="replace") == live:
        return Check(about, True, "the servers offer what was locked")
    told = f"the servers changed since; `botctl tools diff {name}` tells what"
    return Check(about, None, told)
