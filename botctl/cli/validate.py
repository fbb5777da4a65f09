"""`botctl validate`: the linter, over files, bots or the whole project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from botctl.cli.findings import check_format, print_findings
from botctl.cli.options import ProjectOption
from botctl.cli.place import open_project
from botctl.lint.check import check_paths

app = typer.Typer(rich_markup_mode=None)


@app.command()
def validate(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Bots, workspaces or workflow files; the whole project if left out."),
    ] = None,
    format: Annotated[str, typer.Option("--format", help="text, json or github.")] = "text",
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    project: ProjectOption = None,
) -> None:
    """Find mistakes without running anything. Exit code 1 when there are errors."""
    check_format(format)
    found, environment = open_project(project)
    checked = check_paths(paths or [], found, environment)
    raise typer.Exit(print_findings(checked, format=format, strict=strict))
