"""Validation: what `botctl validate` does, apart from reading its options."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from botctl.cli.place import open_project
from botctl.cli.terminal import paint
from botctl.errors import UsageError
from botctl.lint.check import check_paths
from botctl.source.formats import FORMATS


def validate_paths(
    paths: Sequence[Path], *, format: str = "text", strict: bool = False, project: Path | None = None
) -> int:
    """Check the paths, or the whole project, and print what was found; the exit code."""
    if format not in FORMATS:
        raise UsageError(f"there is no format `{format}`", help="one of " + ", ".join(FORMATS))
    found, environment = open_project(project)
    checked = check_paths(paths, found, environment)
    print(FORMATS[format](checked.diagnostics, checked.sources, paint))
    counted = ("error", "warning") if strict else ("error",)
    return int(any(diagnostic.severity in counted for diagnostic in checked.diagnostics))
