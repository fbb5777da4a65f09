"""`botctl tools`: what a workspace offers, and calling one tool of it by hand. Locks: see tools_lock.py."""

from __future__ import annotations

import asyncio
import json as json_module
from typing import Annotated, Any

import typer

from botctl.cli import tools_lock
from botctl.cli.options import JsonOption, ProjectOption
from botctl.cli.place import open_project
from botctl.cli.terminal import paint, plain_lines, print_json, print_table
from botctl.errors import UsageError, UserError
from botctl.project.load import Project
from botctl.runtime.workspace import open_workspace
from botctl.secrets import Environment
from botctl.tools.arguments import check_arguments
from botctl.tools.catalogue import Catalogue
from botctl.tools.tool import Tool, ToolResult

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List the tools of a workspace, call one, lock them, or tell what servers changed.",
)
app.command("lock")(tools_lock.lock_tools)
app.command("diff")(tools_lock.diff_tools)

WorkspaceOption = Annotated[
    str | None, typer.Option("--workspace", help="The workspace, if the project has several.")
]


@app.command("list")
def list_tools(
    workspace: Annotated[str | None, typer.Argument(help="The workspace; all if left out.")] = None,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """The tools that bots may call, with what their servers say of them. Servers that are down are told."""
    found, environment = open_project(project)
    names = [workspace] if workspace else found.workspace_names()
    told = asyncio.run(_list(found, environment, names))
    problems = [
        f"{name}: {server}: {why}" for name, (_, failed) in told.items() for server, why in failed.items()
    ]
    if json:
        print_json([_tool_json(name, tool) for name, (tools, _) in told.items() for tool in tools])
    else:
        rows = [_cells(name, tool) for name, (tools, _) in told.items() for tool in tools]
        print_table(("workspace", "tool", "hints", "description"), rows, empty="no tools")
    for problem in problems:
        typer.echo(paint(f"error: {problem}", "error"), err=True)
    if problems:
        raise typer.Exit(1)


@app.command("call")
def call_tool(
    tool: Annotated[str, typer.Argument(help="The tool's full name, server__tool.")],
    arguments: Annotated[str, typer.Argument(help="Its arguments as a JSON object.")] = "{}",
    workspace: WorkspaceOption = None,
    project: ProjectOption = None,
) -> None:
    """Call one tool and print what it gives, as JSON. The tool really does what it does."""
    found, environment = open_project(project)
    try:
        given = json_module.loads(arguments)
    except ValueError as error:
        raise UsageError(
            f"the arguments are not JSON: {error}", help='write them like \'{"order_id": "1042"}\''
        ) from None
    if not isinstance(given, dict):
        raise UsageError(
            "the arguments are not a JSON object", help='write them like \'{"order_id": "1042"}\''
        )
    name = workspace or _only_workspace(found)
    result = asyncio.run(_call(found, environment, name, tool, given))
    if result.is_error:
        raise UserError(f"`{tool}` says: {plain_lines(result.text)}")
    print(json_module.dumps(result.value, indent=2, ensure_ascii=False))


async def _list(
    project: Project, environment: Environment, names: list[str]
) -> dict[str, tuple[list[Tool], dict[str, str]]]:
    told = {}
    for name in names:
        catalogue = _open(project, environment, name)
        try:
            tools = await catalogue.tools()
            told[name] = (tools, dict(catalogue.problems()))
        finally:
            await catalogue.close()
    return told


async def _call(
    project: Project, environment: Environment, workspace: str, name: str, arguments: dict[str, Any]
) -> ToolResult:
    catalogue = _open(project, environment, workspace)
    try:
        tool = await catalogue.find(name)
        if tool is None:
            raise UserError(
                f"workspace `{workspace}` has no tool `{name}`, or its policy denies it",
                help="`botctl tools list` shows them",
            )
        wrong = check_arguments(tool, arguments)
        if wrong:
            raise UserError(f"`{name}` does not take these arguments: {wrong}")
        return await catalogue.call(name, arguments)
    finally:
        await catalogue.close()


def _open(project: Project, environment: Environment, name: str) -> Catalogue:
    spec = project.workspace(name).spec
    return open_workspace(spec, environment, project.folder, project.state_folder)


def _only_workspace(project: Project) -> str:
    names = project.workspace_names()
    if len(names) != 1:
        raise UsageError("which workspace?", help="give --workspace: one of " + (", ".join(names) or "none"))
    return names[0]


def _tool_json(workspace: str, tool: Tool) -> dict[str, Any]:
    return {
        "workspace": workspace,
        "name": tool.name,
        "description": tool.description,
        "input_schema": dict(tool.input_schema),
        "output_schema": dict(tool.output_schema) if tool.output_schema is not None else None,
        "hints": {
            "read_only": tool.hints.read_only,
            "destructive": tool.hints.destructive,
            "idempotent": tool.hints.idempotent,
            "open_world": tool.hints.open_world,
        },
    }


def _cells(workspace: str, tool: Tool) -> tuple[str, ...]:
    hints = ("read_only", "destructive", "idempotent")
    said = ", ".join(hint.replace("_", "-") for hint in hints if getattr(tool.hints, hint))
    first_line = tool.description.strip().split("\n")[0]
    return workspace, tool.name, said, first_line
