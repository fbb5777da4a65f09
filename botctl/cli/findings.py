"""Findings: how what the linter found is printed, and what exit code it comes to."""

from __future__ import annotations

from pathlib import Path

from botctl.cli.terminal import paint
from botctl.errors import UsageError
from botctl.lint.bare import Checked, check_bare_files
from botctl.source.formats import FORMATS


def print_findings(checked: Checked, *, format: str = "text", strict: bool = False) -> int:
    """Print what was found; 1 if there are errors, or with `strict` warnings, else 0."""
    print(FORMATS[format](checked.diagnostics, checked.sources, paint))
    counted = ("error", "warning") if strict else ("error",)
    return int(any(diagnostic.severity in counted for diagnostic in checked.diagnostics))


def check_format(format: str) -> None:
    """A UsageError if there is no such format."""
    if format not in FORMATS:
        raise UsageError(f"there is no format `{format}`", help="one of " + ", ".join(FORMATS))


def validate_files(paths: list[str]) -> int | None:
    """Check workflow files that belong to no bot; None if a path is anything else."""
    checked = check_bare_files([Path(path) for path in paths])
    return None if checked is None else print_findings(checked)
