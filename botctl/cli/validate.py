"""`botctl validate`: the linter, over files, bots or the whole project."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from botctl.cli.findings import exit_code, print_findings
from botctl.cli.options import ProjectOption
from botctl.cli.place import open_project
from botctl.cli.terminal import paint
from botctl.errors import UsageError, UserError
from botctl.lint.bare import Checked
from botctl.lint.check import check_paths
from botctl.lint.codes import pages
from botctl.lint.fix import repaired
from botctl.source.diagnostic import Diagnostic
from botctl.source.formats import FORMATS
from botctl.source.sarif import Manual, to_sarif

app = typer.Typer(rich_markup_mode=None)

SARIF = "sarif"
MOST_ROUNDS = 5
"""One repair may bring another mistake to light: a file that could not be read can be, then."""
FIRST_LOOK_MS = 200
WATCHED = (".yaml", ".yml", ".json", ".env", ".md", ".py")


@app.command()
def validate(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Bots, workspaces or workflow files; the whole project if left out."),
    ] = None,
    format: Annotated[str, typer.Option("--format", help="text, json, github or sarif.")] = "text",
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend what is surely safe to mend first, and say what was.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Check again whenever a file changes.")] = False,
    project: ProjectOption = None,
) -> None:
    """Find mistakes without running anything. Exit code 1 when there are errors."""
    if format not in (*FORMATS, SARIF):
        raise UsageError(f"there is no format `{format}`", help="one of " + ", ".join((*FORMATS, SARIF)))

    def check() -> Checked:
        found, environment = open_project(project)
        return check_paths(paths or [], found, environment)

    def look() -> int:
        checked = check()
        if fix:
            checked = _mended(checked, check)
        _print(checked, format)
        return exit_code(checked, strict=strict)

    raise typer.Exit(_watch(look, paths or [], project) if watch else look())


def _print(checked: Checked, format: str) -> None:
    if format != SARIF:
        print_findings(checked, format=format)
        return
    from importlib.metadata import version

    manual = Manual(version=version("botctl"), pages=pages())
    print(to_sarif(checked.diagnostics, checked.sources, manual))


def _mended(checked: Checked, check: Callable[[], Checked]) -> Checked:
    """Mend files until there is nothing left that is safe to mend; what is wrong with them then."""
    for _ in range(MOST_ROUNDS):
        mended = [_mend(file, checked.diagnostics) for file in _files(checked.diagnostics)]
        if True not in mended:
            break
        checked = check()
    return checked


def _files(diagnostics: Sequence[Diagnostic]) -> list[str]:
    return list(dict.fromkeys(one.file for one in diagnostics))


def _mend(file: str, diagnostics: Sequence[Diagnostic]) -> bool:
    """Mend one file; whether there was anything to mend. What was done is told beside the findings."""
    path = Path(file)
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    after, repairs = repaired(text.removeprefix(mark), file, diagnostics)
    if not repairs:
        return False
    try:
        path.write_bytes((mark + after).encode("utf-8"))
    except OSError as error:
        raise UserError(f"{file} cannot be written: {(error.strerror or str(error)).lower()}") from error
    for repair in repairs:
        print(f"fixed {file}:{repair.line}: {repair.said}", file=sys.stderr)
    return True


def _watch(look: Callable[[], int], paths: Sequence[Path], project: Path | None) -> int:
    """Look, and look again whenever a file changes, until ^C; the exit code is that of the last look."""
    from watchfiles import watch

    found, _ = open_project(project)
    there = [path for path in paths if path.exists()]
    # Editors replace a file by another of its name, which only its folder hears of.
    watched = {path if path.is_dir() else path.absolute().parent for path in there}
    are_files = bool(there) and len(there) == len(paths) and not any(path.is_dir() for path in there)
    if len(there) < len(paths) or not paths:
        watched.add(found.folder)
    code = None
    changes = watch(
        *watched,
        watch_filter=_is_of_interest,
        recursive=not are_files,
        rust_timeout=FIRST_LOOK_MS,
        yield_on_timeout=True,  # the first time: what changes from then on is noticed
        raise_interrupt=True,
    )
    with suppress(KeyboardInterrupt):
        for changed in changes:
            if changed or code is None:
                code = _look_anew(look)
                sys.stdout.flush()
                print(paint("watching; ^C ends it", "dim"), file=sys.stderr, flush=True)
    return code or 0


def _is_of_interest(change: object, path: str) -> bool:
    return path.endswith(WATCHED) and "/.botctl/" not in path


def _look_anew(look: Callable[[], int]) -> int:
    if sys.stdout.isatty():
        print("\x1b[2J\x1b[H", end="")
    try:
        code = look()
    except UserError as error:  # the file is being renamed, or was: it may be back in a moment
        print(f"error: {error.message}", file=sys.stderr)
        code = 1
    return code
