"""`botctl conversations`: who talks to the bots, and what was said; starting one over, or erasing it."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from msgspec import to_builtins

from botctl.cli.options import JsonOption, ProjectOption
from botctl.cli.place import open_project, refuse_unknown, state_file
from botctl.cli.terminal import paint, plain_lines, print_json, print_table
from botctl.clock import SystemClock, to_iso
from botctl.errors import UsageError, UserError
from botctl.runtime.commands import reset_conversation
from botctl.runtime.lock import holder_of, holders
from botctl.runtime.shapes import entry_shape, entry_story_shape
from botctl.store import directory, erasure, upkeep
from botctl.store.database import connect, transaction
from botctl.store.directory import Entry, Line, name_of

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="List conversations; show, reset or erase one."
)

WhichArgument = Annotated[
    str,
    typer.Argument(metavar="CONVERSATION", help="Its number, or the beginning of bot/platform/channel/user."),
]
_WHY = "a person started the conversation over"


@app.command("list")
def list_conversations(
    bot: Annotated[str | None, typer.Argument(help="Only this bot's.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """The conversations, those with the newest messages first."""
    found, _ = open_project(project)
    with closing(connect(state_file(found))) as connection:
        entries = directory.latest(connection, bot=bot, most=limit)
    refuse_unknown(found, bot, entries)
    if json:
        print_json([to_builtins(entry_shape(entry)) for entry in entries])
        return
    print_table(
        ("number", "conversation", "name", "last message", "messages", "runs", "waiting"),
        [_cells(entry) for entry in entries],
        empty="no conversations yet",
    )


@app.command("show")
def show(
    which: WhichArgument,
    limit: Annotated[int, typer.Option(min=1, help="How many messages at most.")] = 200,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """What was said in a conversation, oldest first, each message with the run it belongs to."""
    found, _ = open_project(project)
    with closing(connect(state_file(found))) as connection:
        entry = directory.find(connection, which)
        lines = directory.said_in(connection, entry.seq, limit)
    if json:
        print_json(to_builtins(entry_story_shape(entry, lines)))
        return
    print(paint(plain_lines(f"conversation {entry.seq}  {name_of(entry.key)}  {entry.user_name}"), "bold"))
    print(f"  {entry.messages} messages, {entry.runs} runs, {entry.waiting} of them waiting")
    for line in lines:
        _print_line(line)


@app.command("reset")
def reset(which: WhichArgument, project: ProjectOption = None) -> None:
    """Start a conversation over, as /reset does: what was said is forgotten, what waits in it is cancelled.
    Nothing is said to the user."""
    found, _ = open_project(project)
    now_ms = SystemClock().now_ms()
    with closing(connect(state_file(found))) as connection, transaction(connection):
        entry = directory.find(connection, which)
        holder = holder_of(found.state_folder, entry.key.bot)
        reset_conversation(connection, entry, _WHY, holder=holder, now_ms=now_ms)
    what = f"{entry.waiting} waiting {'run' if entry.waiting == 1 else 'runs'}"
    if holder and entry.waiting:
        print(f"reset conversation {entry.seq}; process {holder} cancels {what}")
    else:
        print(f"reset conversation {entry.seq}; cancelled {what}")


@app.command("erase")
def erase(
    which: WhichArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Take everything of a conversation out of the state, and tell what was removed from which table."""
    found, _ = open_project(project)
    with closing(connect(state_file(found))) as connection:
        entry = directory.find(connection, which)
        _confirm(entry, yes=yes)
        with transaction(connection):
            _refuse_in_use(connection, found.state_folder, entry)
            files = erasure.files_of(connection, entry.seq)
            removed = erasure.erase(connection, entry.seq, SystemClock().now_ms())
        removed["files"] = _remove_files(found.state_folder / "files", files)
        is_scrubbed = _scrub(connection, found.state_folder)
        keys = erasure.kept_keys(connection, entry.key.bot, entry.key.platform)
    removed = {name: rows for name, rows in removed.items() if rows}
    if json:
        print_json({"conversation": name_of(entry.key), "removed": removed, "scrubbed": is_scrubbed})
        return
    print(f"erased conversation {entry.seq}  {plain_lines(name_of(entry.key))}")
    print_table(("table", "removed"), [(name, str(rows)) for name, rows in removed.items()], empty="")
    if keys:
        print(
            "  for eight days the bare keys of the newest messages stay, without text or user, so that none"
            " is answered again"
        )
    if not is_scrubbed:
        print("  a bot runs, so bytes of it may stay in free pages; `botctl db prune --vacuum` ends that")


def _refuse_in_use(connection: sqlite3.Connection, state_folder: Path, entry: Entry) -> None:
    holder = holder_of(state_folder, entry.key.bot)
    reason = erasure.reason_to_wait(connection, entry.seq) if holder else ""
    if reason:
        raise UserError(
            f"conversation {entry.seq} is in use by process {holder}: {reason}",
            help="try again when that is over, or stop the bot first",
        )


def _scrub(connection: sqlite3.Connection, state_folder: Path) -> bool:
    """Let no byte of what was removed stay in the file; False if others write, who would be held up."""
    if holders(state_folder):
        erasure.scrub(connection)
        return False
    upkeep.compact(connection)
    return True


def _confirm(entry: Entry, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked whether to erase it", help="give `--yes`")
    what = f"conversation {entry.seq} ({plain_lines(name_of(entry.key))}, {entry.messages} messages)"
    typer.confirm(f"Erase {what} for ever?", abort=True)


def _remove_files(folder: Path, paths: list[str]) -> int:
    removed = 0
    for path in paths:
        file = (folder / path).resolve()
        if file.is_relative_to(folder.resolve()) and file.is_file():
            file.unlink()
            removed += 1
    return removed


def _cells(entry: Entry) -> tuple[str, ...]:
    counts = (str(entry.messages), str(entry.runs), str(entry.waiting))
    return str(entry.seq), name_of(entry.key), entry.user_name, to_iso(entry.last_at), *counts


def _print_line(line: Line) -> None:
    remark = f"{line.status}: {line.remark}" if line.remark else line.status
    about = f"{to_iso(line.at_ms)}  {line.run or '-'}  {remark}"
    print(paint(plain_lines(about), "dim"))
    for part in plain_lines(line.text).split("\n"):
        print(f"  {line.who}> {part}")
