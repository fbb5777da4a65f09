"""`botctl tools lock` and `diff`: what servers offer, kept beside the workspace; what they changed since."""

from __future__ import annotations

import asyncio
import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import Struct

from botctl.cli.options import JsonOption, ProjectOption
from botctl.cli.place import open_project
from botctl.cli.terminal import paint, plain_lines, print_json
from botctl.errors import UserError
from botctl.lint.locks import lock_path
from botctl.project.load import Project
from botctl.runtime.workspace import open_workspace
from botctl.secrets import Environment
from botctl.source.document import shown
from botctl.tools.changes import Change, changes
from botctl.tools.lock import Catalogued, lock_text, read_lock

Workspaces = Annotated[list[str] | None, typer.Argument(help="The workspaces; all if left out.")]


class Live(Struct, frozen=True, kw_only=True):
    """What a workspace's servers offer now. locked: the lock file's text; "" without one."""

    workspace: str
    path: Path
    text: str
    locked: str
    problems: dict[str, str]


def lock_tools(
    workspaces: Workspaces = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 if a lock is not up to date.")
    ] = False,
    project: ProjectOption = None,
) -> None:
    """Write what the servers of workspaces offer to workspaces/<name>.lock.json, for lint and diff.

    Servers are started and asked. If one is down, the lock of its workspace stays as it is.
    """
    found, environment = open_project(project)
    stale = False
    for live in _look(found, environment, workspaces):
        if live.problems:
            stale = True
        elif live.text == live.locked:
            print(f"{shown(live.path)}: up to date")
        elif check:
            stale = True
            print(f"{shown(live.path)}: {'not up to date' if live.locked else 'not written yet'}")
        else:
            live.path.write_text(live.text, encoding="utf-8")
            print(f"{shown(live.path)}: written, {_count(json_module.loads(live.text)['servers'])}")
    if stale:
        raise typer.Exit(1)


def diff_tools(
    workspaces: Workspaces = None, json: JsonOption = False, project: ProjectOption = None
) -> None:
    """Tell what servers changed since their tools were locked. Exit code 1 if anything is different."""
    found, environment = open_project(project)
    looked = _look(found, environment, workspaces)
    told = [(live.workspace, change) for live in looked if not live.problems for change in _changes(live)]
    if json:
        print_json([_change_json(workspace, change) for workspace, change in told])
    elif told:
        for workspace, change in told:
            print(_line(workspace, change))
    elif not any(live.problems for live in looked):
        print("nothing changed since the tools were locked")
    if told or any(live.problems for live in looked):
        raise typer.Exit(1)


def _look(project: Project, environment: Environment, names: list[str] | None) -> list[Live]:
    """Ask the servers, and tell those that are down."""
    looked = asyncio.run(_look_at(project, environment, names or project.workspace_names()))
    for live in looked:
        for server, why in live.problems.items():
            typer.echo(paint(f"error: {live.workspace}: {server}: {plain_lines(why)}", "error"), err=True)
    return looked


async def _look_at(project: Project, environment: Environment, names: list[str]) -> list[Live]:
    looked = []
    for name in names:
        workspace = project.workspace(name)
        if not workspace.spec.servers:
            continue
        catalogue = open_workspace(workspace.spec, environment, project.folder, project.state_folder)
        try:
            servers = await catalogue.listed()
            problems = {n: why for n, why in catalogue.problems().items() if n in workspace.spec.servers}
        finally:
            await catalogue.close()
        path = lock_path(workspace)
        looked.append(
            Live(
                workspace=name,
                path=path,
                text=lock_text(name, servers, environment.mask),
                locked=path.read_text("utf-8", errors="replace") if path.is_file() else "",
                problems=problems,
            )
        )
    return looked


def _changes(live: Live) -> list[Change]:
    """What is different; a UserError without a lock, or with one that cannot be read."""
    if not live.locked:
        raise UserError(
            f"the tools of workspace `{live.workspace}` were never locked",
            help=f"`botctl tools lock {live.workspace}` does it",
        )
    return list(changes(_read(live, live.locked), _read(live, live.text)))


def _read(live: Live, text: str) -> Catalogued:
    try:
        return read_lock(json_module.loads(text))
    except ValueError:
        raise UserError(
            f"{shown(live.path)} is not JSON", help=f"`botctl tools lock {live.workspace}` writes it anew"
        ) from None
    except UserError as error:
        raise UserError(f"{shown(live.path)}: {error.message}", help=error.help) from None


def _count(servers: dict[str, dict[str, Any]]) -> str:
    tools = sum(len(tools) for tools in servers.values())
    of = f"{len(servers)} server{'s' if len(servers) != 1 else ''}"
    return f"{tools} tool{'s' if tools != 1 else ''} of {of}"


def _line(workspace: str, change: Change) -> str:
    return f"{workspace}: {change.tool or change.server}: {plain_lines(change.told)}"


def _change_json(workspace: str, change: Change) -> dict[str, Any]:
    return {
        "workspace": workspace,
        "server": change.server,
        "tool": change.tool,
        "kind": change.kind,
        "told": change.told,
    }
