"""Findings: how what the linter found is printed, and what exit code it comes to."""

from __future__ import annotations

from pathlib import Path

from botctl.cli.terminal import paint
from botctl.lint.bare import Checked, check_bare_files
from botctl.source.formats import FORMATS


def print_findings(checked: Checked, *, format: str = "text") -> None:
    """Print what was found."""
    print(FORMATS[format](checked.diagnostics, checked.sources, paint))


def exit_code(checked: Checked, *, strict: bool = False) -> int:
    """1 if there are errors, or with `strict` warnings, else 0."""
    counted = ("error", "warning") if strict else ("error",)
    return int(any(diagnostic.severity in counted for diagnostic in checked.diagnostics))


def validate_files(paths: list[str]) -> int | None:
    """Check workflow files that belong to no bot; None if a path is anything else."""
    checked = check_bare_files([Path(path) for path in paths])
    if checked is None:
        return None
    print_findings(checked)
    return exit_code(checked)
