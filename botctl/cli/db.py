"""`botctl db`: the state file; how large it is, what is old in it, a copy of it, whether it is sound."""

from __future__ import annotations

import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from botctl.cli.options import JsonOption, ProjectOption
from botctl.cli.place import open_project, state_file
from botctl.cli.terminal import paint, plain_lines, print_json, print_table
from botctl.clock import SystemClock
from botctl.duration import parse_duration
from botctl.errors import UsageError, UserError
from botctl.runtime.lock import holders
from botctl.runtime.retention import bounds_of
from botctl.spec.project import RetentionSection
from botctl.store import soundness, upkeep
from botctl.store.database import connect, transaction
from botctl.store.upkeep import Bounds, Place, TableSize

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Look after the state file: sizes, pruning, backup, check.",
)

_MOST = 500


@app.command("stat")
def stat(json: JsonOption = False, project: ProjectOption = None) -> None:
    """How large the state is: its files, and the rows and bytes of each table with its indexes."""
    found, _ = open_project(project)
    path = state_file(found)
    with closing(connect(path)) as connection:
        tables = upkeep.sizes(connection)
        files = {file.name: file.stat().st_size for file in _files(path)}
    if json:
        rows = [{"table": size.table, "rows": size.rows, "bytes": size.bytes} for size in tables]
        print_json({"files": files, "tables": rows})
        return
    for name, size in files.items():
        print(f"{name}\t{_size(size)}")
    print_table(("table", "rows", "bytes"), [_cells(size) for size in tables], empty="no tables")


@app.command("prune")
def prune(
    older: Annotated[
        str, typer.Option(help="How old, such as 30d; as `retention` in botctl.yaml says if left out.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be removed.")] = False,
    vacuum: Annotated[bool, typer.Option("--vacuum", help="Then give the room back to the disk.")] = False,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Take away what is old and finished. Whatever waits, is in doubt or is still to be sent stays."""
    found, _ = open_project(project)
    path = state_file(found)
    bounds = bounds_of(_older(older) if older else found.spec.retention, SystemClock().now_ms())
    if vacuum and not dry_run:
        _refuse_to_hold_up(found.state_folder)
    removed = _would_go(path, bounds) if dry_run else _prune(path, bounds, vacuum=vacuum)
    if json:
        print_json({"dry_run": dry_run, "removed": removed})
        return
    what = "would go" if dry_run else "removed"
    print_table(
        ("table", what), [(name, str(rows)) for name, rows in removed.items()], empty="nothing is old"
    )


@app.command("backup")
def backup(
    file: Annotated[Path, typer.Argument(help="The file to make.")], project: ProjectOption = None
) -> None:
    """Copy the state as it is now, while bots run. To restore it, put the copy in place of state.db."""
    found, _ = open_project(project)
    with closing(connect(state_file(found))) as connection:
        upkeep.backup(connection, file)
    print(f"wrote {file} ({_size(file.stat().st_size)}); secret.key is not in it")


@app.command("check")
def check(json: JsonOption = False, project: ProjectOption = None) -> None:
    """Tell whether the state is sound: the file, its references, and what must hold. Exit code 1 if not."""
    found, _ = open_project(project)
    with closing(connect(state_file(found))) as connection:
        findings = soundness.findings(connection)
    if json:
        print_json({"findings": findings})
    elif not findings:
        print("the state is sound")
    else:
        for finding in findings:
            print(paint(plain_lines(finding), "error"))
    if findings:
        raise typer.Exit(1)


def _prune(path: Path, bounds: Bounds, *, vacuum: bool) -> dict[str, int]:
    with closing(connect(path)) as connection:
        removed = _sweep(connection, bounds)
        with transaction(connection):
            if not holders(path.parent):  # asked within: who starts now stores its definition after us
                removed["definitions"] = upkeep.drop_definitions(connection)
        if vacuum:
            upkeep.compact(connection)
    return {table: rows for table, rows in removed.items() if rows}


def _would_go(path: Path, bounds: Bounds) -> dict[str, int]:
    """The same on a copy, so that nobody is held up and nothing can go wrong."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        copy = Path(folder) / path.name
        with closing(connect(path)) as connection:
            upkeep.backup(connection, copy)
        return _prune(copy, bounds, vacuum=False)


def _sweep(connection: sqlite3.Connection, bounds: Bounds) -> Counter[str]:
    removed: Counter[str] = Counter()
    place: Place | None = Place()
    while place is not None:
        with transaction(connection):
            swept = upkeep.prune(connection, bounds, place, _MOST)
        removed.update(swept.removed)
        removed["inbox (text only)"] += swept.texts
        place = swept.place
    return removed


def _older(text: str) -> RetentionSection:
    try:
        age = parse_duration(text)
    except ValueError as error:
        raise UsageError(f"`--older {text}`: it {error}") from None
    return RetentionSection(runs=age, messages=age)


def _refuse_to_hold_up(state_folder: Path) -> None:
    running = ", ".join(f"{bot} (process {process})" for bot, process in holders(state_folder).items())
    if running:
        raise UserError(
            f"`--vacuum` would hold up what runs: {running}", help="stop it first, or leave `--vacuum` out"
        )


def _files(path: Path) -> list[Path]:
    companions = [path.with_name(path.name + end) for end in ("", "-wal", "-shm")]
    return [file for file in companions if file.exists()]


def _cells(size: TableSize) -> tuple[str, ...]:
    told: Any = "" if size.bytes is None else _size(size.bytes)
    return size.table, str(size.rows), told


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
