"""`botctl handoff`: what waits for a person, listed, told and decided."""

from __future__ import annotations

import getpass
import json as json_text
import os
import re
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
import typer
from msgspec import to_builtins
from msgspec.structs import astuple

from botctl.cli.options import JsonOption, ProjectOption
from botctl.cli.place import open_project, refuse_unknown, state_file
from botctl.cli.taking import who_takes
from botctl.cli.terminal import paint, plain_lines, print_json, print_table
from botctl.clock import SystemClock, to_iso
from botctl.engine.notice import answer_lines, transcript_lines, variable_lines
from botctl.errors import UsageError, UserError
from botctl.expr.path import NAME
from botctl.runtime.edits import edited
from botctl.runtime.shapes import HandoffStoryShape, handoff_shape, handoff_story_shape
from botctl.store import events, handoffs
from botctl.store.database import connect, transaction
from botctl.store.handoffs import HandoffRow, HandoffStatus

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="List what waits for a person; approve or reject it."
)

IdArgument = Annotated[str, typer.Argument(help="The handoff's id, or the beginning of it.")]
NoteOption = Annotated[str, typer.Option(help="Why, for the run and for others.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="Set a variable of the run; may be given several times."
    ),
]
AsOption = Annotated[
    str, typer.Option("--as", metavar="NAME", help="Who decides; BOTCTL_REVIEWER or your login if left out.")
]


@app.command("list")
def list_handoffs(
    bot: Annotated[str | None, typer.Argument(help="Only this bot's.")] = None,
    status: Annotated[
        str, typer.Option(help="Those pending, approved, rejected, expired or cancelled; or all.")
    ] = "pending",
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """What waits for a decision, newest first."""
    known = [*get_args(HandoffStatus), "all"]
    if status not in known:
        raise UsageError(f"there is no status `{status}`", help="one of " + ", ".join(known))
    found, _ = open_project(project)
    with closing(connect(state_file(found))) as connection:
        rows = handoffs.latest(connection, bot=bot, status=None if status == "all" else status, most=limit)
        told = [handoff_shape(connection, row) for row in rows]
    refuse_unknown(found, bot, rows)
    if json:
        print_json(to_builtins(told))
        return
    print_table(
        ("id", "bot", "status", "asked", "until", "reason", "decided by"),
        [
            (
                row.id,
                row.bot,
                row.status,
                to_iso(row.created_at),
                to_iso(row.expires_at),
                row.reason,
                row.decided_by,
            )
            for row in rows
        ],
        empty="nothing waits for a person" if status == "pending" else "no handoffs",
    )


@app.command("show")
def show_handoff(id: IdArgument, json: JsonOption = False, project: ProjectOption = None) -> None:
    """A handoff with all that is needed to decide it: reason, conversation, variables, what follows."""
    found, _ = open_project(project)
    with closing(connect(state_file(found))) as connection:
        row = handoffs.find(connection, id)
        told = handoff_story_shape(connection, row)
    if json:
        print_json(to_builtins(told))
        return
    for line in plain_lines("\n".join(_story(row, told))).split("\n"):
        print(line if line.startswith(" ") else paint(line, "bold"))


@app.command("approve")
def approve(
    id: IdArgument,
    note: NoteOption = "",
    sets: SetOption = None,
    by: AsOption = "",
    project: ProjectOption = None,
) -> None:
    """Approve a handoff: its run goes on along `approved`."""
    _decide(id, "approved", note, sets, by, project)


@app.command("reject")
def reject(
    id: IdArgument,
    note: NoteOption = "",
    sets: SetOption = None,
    by: AsOption = "",
    project: ProjectOption = None,
) -> None:
    """Reject a handoff: its run goes on along `rejected`."""
    _decide(id, "rejected", note, sets, by, project)


def _decide(
    id: str,
    status: Literal["approved", "rejected"],
    note: str,
    sets: list[str] | None,
    by: str,
    project: Path | None,
) -> None:
    variables = dict(_assignment(written) for written in sets or ())
    reviewer = by or os.environ.get("BOTCTL_REVIEWER", "") or _login()
    found, _ = open_project(project)
    with closing(connect(state_file(found))) as connection:
        with transaction(connection):
            asked = handoffs.find(connection, id)
            row = handoffs.decide(
                connection,
                asked.id,
                status=status,
                by=reviewer,
                note=note,
                sets=edited(connection, asked, status, variables),
                now_ms=SystemClock().now_ms(),
            )
            event = events.for_run(connection, row.run, "decision")[-1].seq
        run = handoffs.run_id(connection, row)
        follows = who_takes(connection, found.state_folder, row.runner, run, event)
        print(f"{status} {row.id}: {follows}")


def _assignment(written: str) -> tuple[str, Any]:
    """`name=value`: the value is JSON if it can be read as JSON, else text."""
    name, equals, value = written.partition("=")
    if not equals or not re.fullmatch(NAME, name):
        raise UsageError(
            f"`--set {written}` sets no variable", help="write it as `--set name=value`, with a plain name"
        )
    try:
        return name, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return name, value


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError) as error:
        raise UserError("nobody knows who decides", help="say it with `--as NAME`") from error


def _story(row: HandoffRow, told: HandoffStoryShape) -> list[str]:
    where = "/".join(part for part in astuple(told.conversation)[1:] if part)
    said = [(one.who, one.text) for one in told.transcript]
    lines = [f"handoff {row.id}  {row.bot}  {row.status}", f"  {where}, run {told.run}, node {row.node}"]
    lines += _block("reason", row.reason.splitlines())
    lines += _block("what each answer leads to", answer_lines(row))
    lines += _block("conversation", transcript_lines(said))
    lines += _block("variables", variable_lines(row.variables))
    lines += _block("who may decide", row.reviewers or ("anybody",))
    if row.status == "pending":
        ways = [f"botctl handoff {verb} {row.id}" for verb in ("approve", "reject")]
        return lines + _block(f"to decide, until {told.expires_at}", ways)
    by = f" by {row.decided_by}" if row.decided_by else ""
    sets = [f"{name} = {json_text.dumps(value, ensure_ascii=False)}" for name, value in row.sets.items()]
    return lines + _block(f"{row.status}{by} at {told.decided_at}", [*row.note.splitlines(), *sets])


def _block(title: str, lines: list[str] | tuple[str, ...]) -> list[str]:
    return [title, *(f"  {line}" for line in lines)]
