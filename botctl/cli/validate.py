"""`botctl validate`: the linter, over files, bots or the whole project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from botctl.cli.place import ProjectOption, open_project
from botctl.cli.terminal import paint
from botctl.errors import UsageError
from botctl.lint.check import check_paths
from botctl.source.formats import FORMATS

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
    if format not in FORMATS:
        raise UsageError(f"there is no format `{format}`", help="one of " + ", ".join(FORMATS))
    found, environment = open_project(project)
    checked = check_paths(paths or [], found, environment)
    print(FORMATS[format](checked.diagnostics, checked.sources, paint))
    counted = ("error", "warning") if strict else ("error",)
    if any(diagnostic.severity in counted for diagnostic in checked.diagnostics):
        raise typer.Exit(1)
