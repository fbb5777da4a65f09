"""`botctl runs`: the runs of bots, listed and told."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from botctl.cli.options import JsonOption, ProjectOption
from botctl.cli.place import open_project, state_file
from botctl.cli.terminal import paint, plain_lines, print_json, print_table
from botctl.clock import to_iso
from botctl.duration import format_duration
from botctl.engine.run import RunStatus
from botctl.engine.trace import row_json, story_json, story_of, story_text
from botctl.errors import UsageError
from botctl.messages import ConversationKey
from botctl.store import conversations, runs
from botctl.store.database import connect
from botctl.store.runs import RunRow

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="List the runs of bots; tell one from beginning to end."
)


@app.command("list")
def list_runs(
    bot: Annotated[str | None, typer.Argument(help="Only this bot's.")] = None,
    status: Annotated[
        str | None, typer.Option(help="Only those running, waiting, completed, error or cancelled.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """The newest runs, newest first."""
    if status is not None and status not in list(RunStatus):
        raise UsageError(f"there is no status `{status}`", help="one of " + ", ".join(RunStatus))
    found, _ = open_project(project)
    with closing(connect(state_file(found))) as connection:
        rows = runs.latest(connection, bot=bot, status=status, most=limit)
        keys = {row.conversation: conversations.key_of(connection, row.conversation) for row in rows}
    if json:
        print_json([row_json(row, keys[row.conversation]) for row in rows])
        return
    print_table(
        ("id", "bot", "status", "conversation", "started", "took", "nodes", "error"),
        [_cells(row, keys[row.conversation]) for row in rows],
        empty="no runs yet",
    )


@app.command("show")
def show_run(
    id: Annotated[str, typer.Argument(help="The run's id, or the beginning of it.")],
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """A run from beginning to end: waves, nodes, timings, variables, what was said and what went wrong."""
    found, _ = open_project(project)
    with closing(connect(state_file(found))) as connection:
        story = story_of(connection, runs.find(connection, id))
    if json:
        print_json(story_json(story))
        return
    first, *rest = plain_lines(story_text(story)).split("\n")
    print(paint(first, "bold"))
    for line in rest:
        print(paint(line, "error") if line.lstrip().startswith("error:") else line)


def _cells(row: RunRow, key: ConversationKey) -> tuple[str, ...]:
    took = format_duration((row.finished_at - row.started_at) / 1000) if row.finished_at is not None else ""
    where = "/".join(part for part in key[1:] if part)
    started = to_iso(row.started_at)
    return row.id, row.bot, row.status, where, started, took, str(row.nodes_executed), row.error_message
