"""`botctl dashboard`: a link that logs in once; and the dashboard itself, when no running bot has it."""

from __future__ import annotations

import asyncio
import getpass
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Annotated

import typer

from botctl.cli.options import ProjectOption
from botctl.cli.place import open_project, state_file
from botctl.cli.run import run_to_end
from botctl.clock import SystemClock
from botctl.errors import UserError
from botctl.project.load import Project
from botctl.runtime.address import address_of, told_address
from botctl.runtime.lock import holders
from botctl.runtime.secret_key import secret_key
from botctl.runtime.server import HttpServer
from botctl.secrets import Environment
from botctl.store.database import open_database
from botctl.web.access import LINK_MS, Access
from botctl.web.pages import standalone

app = typer.Typer(rich_markup_mode=None)

_PATIENCE = 2.0


@app.command()
def dashboard(
    by: Annotated[
        str,
        typer.Option("--as", metavar="NAME", help="Who logs in; BOTCTL_REVIEWER or your login if left out."),
    ] = "",
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port, if it is served by this command; 0: any.")
    ] = None,
    project: ProjectOption = None,
) -> None:
    """Print a link that logs in to the dashboard, once; serve it, until ^C, if no running bot does."""
    found, environment = open_project(project)
    wrong = [one.message for one in found.diagnostics if one.severity == "error"]
    if wrong:  # who may do what stands there: nothing is guessed
        raise UserError(f"botctl.yaml has mistakes: {wrong[0]}", help="`botctl validate` tells where")
    state_file(found)
    name = by or os.environ.get("BOTCTL_REVIEWER", "") or _login()
    access = Access(found.spec.dashboard, environment, secret_key(found.state_folder), SystemClock())
    public_url = environment.resolve(found.spec.server.public_url)

    def tell(url: str) -> None:
        base = (public_url or url).rstrip("/")
        print(f"{base}/login/{access.link(name)}", flush=True)
        typer.echo(f"it logs in `{name}`, once, within {LINK_MS // 60_000} minutes", err=True)

    url = address_of(found.state_folder)
    if url and _answers(url):
        tell(url)
        return
    running = ", ".join(holders(found.state_folder))
    if running:
        enabled = found.spec.dashboard.enabled
        why = "its input is a pipe, or it began before" if enabled else "`dashboard: {enabled: true}` adds it"
        typer.echo(f"running without a dashboard: {running}; {why}", err=True)
    run_to_end(_serve(found, environment, found.spec.server.port if port is None else port, tell))


async def _serve(project: Project, environment: Environment, port: int, tell: Callable[[str], None]) -> None:
    """Serve it until cancelled. What is decided meanwhile is on disk for the bots' next start."""
    database, closing = await open_database(project.state_folder / "state.db"), asyncio.Event()
    try:
        routes, notes = standalone(project, environment, database, closing)
        for note in notes:
            typer.echo(note, err=True)
        server = HttpServer(
            host=project.spec.server.host, port=port, connections={}, health=dict, routes=routes
        )
        await server.start()
        try:
            with told_address(project.state_folder, server.url):
                tell(server.url)
                await asyncio.Event().wait()
        finally:
            closing.set()
            await server.stop()
    finally:
        await database.close()


def _answers(url: str) -> bool:
    """Whether the server that was told of is there: a process that died could not take that back."""
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=_PATIENCE):
            return True
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError) as error:
        raise UserError("nobody knows who logs in", help="say it with `--as NAME`") from error
