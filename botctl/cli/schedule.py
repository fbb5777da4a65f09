"""`botctl schedule`: what is to be said later, listed and cancelled."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer
from msgspec import to_builtins

from botctl.cli.options import JsonOption, ProjectOption
from botctl.cli.place import open_project, refuse_unknown, state_file
from botctl.cli.terminal import print_json, print_table
from botctl.clock import SystemClock, to_iso
from botctl.errors import UserError
from botctl.runtime.shapes import schedule_shape
from botctl.store import schedules
from botctl.store.database import connect, transaction
from botctl.store.schedules import ScheduleRow

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="List what is to be said later; cancel it."
)


@app.command("list")
def list_schedules(
    bot: Annotated[str | None, typer.Argument(help="Only this bot's.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Also what was said or cancelled.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """What will be said, soonest first; with --all also what was, newest first."""
    found, _ = open_project(project)
    with closing(connect(state_file(found))) as connection:
        rows = schedules.latest(connection, bot=bot, status=None if all else "pending", most=limit)
    refuse_unknown(found, bot, rows)
    if json:
        print_json([to_builtins(schedule_shape(row)) for row in rows])
        return
    print_table(
        ("id", "bot", "status", "next", "every", "to", "text"),
        [_cells(row) for row in rows],
        empty="nothing is scheduled",
    )


@app.command("cancel")
def cancel(
    id: Annotated[str, typer.Argument(help="The schedule's id, or the beginning of it.")],
    project: ProjectOption = None,
) -> None:
    """Take a schedule away; what was to be said will not be."""
    found, _ = open_project(project)
    with closing(connect(state_file(found))) as connection, transaction(connection):
        row = schedules.find(connection, id)
        if not schedules.cancel(connection, row.id, SystemClock().now_ms()):
            at = to_iso(row.finished_at) if row.finished_at is not None else "an unknown time"
            state = "cancelled" if row.status == "cancelled" else "done"
            raise UserError(
                f"schedule `{row.id}` is {state} since {at}",
                help="`botctl schedule list` shows what is pending",
            )
    print(f"cancelled {row.id}")


def _cells(row: ScheduleRow) -> tuple[str, ...]:
    every = f"{row.every} {row.timezone}" if row.every else ""
    where = "/".join(part for part in (row.platform, row.channel_id, row.user_id, row.thread_id) if part)
    return row.id, row.bot, row.status, to_iso(row.next_at), every, where, row.text
