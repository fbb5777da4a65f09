"""`botctl runs`: the runs of bots, listed and told."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from botctl.cli.export import exported, write_export
from botctl.cli.options import JsonOption, ProjectOption
from botctl.cli.place import open_project, refuse_unknown, state_file
from botctl.cli.taking import who_takes
from botctl.cli.terminal import paint, plain_lines, print_json, print_table
from botctl.clock import SystemClock, to_iso
from botctl.duration import format_duration
from botctl.engine.run import RunStatus
from botctl.engine.trace import can_be_retried, row_json, story_json, story_of, story_text
from botctl.errors import UsageError
from botctl.messages import ConversationKey
from botctl.runtime import commands
from botctl.runtime.lock import holder_of
from botctl.store import conversations, runs, steps
from botctl.store.database import connect, transaction
from botctl.store.runs import RunRow
from botctl.store.steps import Doubt

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List the runs of bots; tell one from beginning to end, cancel or retry it.",
)

IdArgument = Annotated[str, typer.Argument(help="The run's id, or the beginning of it.")]


@app.command("list")
def list_runs(
    bot: Annotated[str | None, typer.Argument(help="Only this bot's.")] = None,
    status: Annotated[
        str | None, typer.Option(help="Only those running, waiting, completed, error, budget or cancelled.")
    ] = None,
    in_doubt: Annotated[
        bool, typer.Option("--in-doubt", help="Only those of which an effect may or may not have been made.")
    ] = False,
    undelivered: Annotated[
        bool, typer.Option("--undelivered", help="Only those with messages that could not be sent.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """The newest runs, newest first."""
    if status is not None and status not in list(RunStatus):
        raise UsageError(f"there is no status `{status}`", help="one of " + ", ".join(RunStatus))
    found, _ = open_project(project)
    with closing(connect(state_file(found))) as connection:
        rows = runs.latest(
            connection, bot=bot, status=status, most=limit, in_doubt=in_doubt, undelivered=undelivered
        )
        keys = {row.conversation: conversations.key_of(connection, row.conversation) for row in rows}
    refuse_unknown(found, bot, rows)
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
    id: IdArgument,
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


@app.command("cancel")
def cancel_run(
    id: IdArgument,
    note: Annotated[str, typer.Option(help="Why, for the trace.")] = "",
    project: ProjectOption = None,
) -> None:
    """End a run that is not over: nothing wakes it any more, its handoffs and codes are void."""
    found, _ = open_project(project)
    with closing(connect(state_file(found))) as connection:
        row = runs.find(connection, id)
        why = f"cancelled by hand: {note}" if note else "cancelled by hand"
        holder = holder_of(found.state_folder, row.runner)
        with transaction(connection):
            event = commands.cancel_run(connection, row, why, holder=holder, now_ms=SystemClock().now_ms())
        if not event:
            print(f"cancelled {row.id}")
            return
        print(f"cancel {row.id}: {who_takes(connection, found.state_folder, row.runner, row.id, event)}")


@app.command("retry")
def retry_run(
    id: IdArgument,
    again: Annotated[
        bool, typer.Option("--again", help="What is in doubt was not done: do it again.")
    ] = False,
    done: Annotated[
        str | None, typer.Option("--done", metavar="JSON", help="What is in doubt was done, and gave this.")
    ] = None,
    call: Annotated[
        int | None, typer.Option("--call", min=1, help="Which of several calls in doubt is meant.")
    ] = None,
    project: ProjectOption = None,
) -> None:
    """Take up a run that failed, at the nodes that failed; send again what could not be sent."""
    found, _ = open_project(project)
    with closing(connect(state_file(found))) as connection:
        row = runs.find(connection, id)
        answer = None
        if can_be_retried(row):
            answer = _decision(row, steps.in_doubt(connection, row.seq), again, done)
            if answer is not None and call is not None:
                answer["call"] = call
        with transaction(connection):
            sent_again, event = commands.retry_run(connection, row, answer, SystemClock().now_ms())
        if sent_again:
            print(f"{sent_again} messages of run {row.id} are sent again")
        if event:
            print(f"retry {row.id}: {who_takes(connection, found.state_folder, row.runner, row.id, event)}")
        elif left := steps.in_doubt(connection, row.seq):
            print(f"still in doubt: {commands.doubts_of(left)}")
        elif row.in_doubt:
            print(f"run {row.id} went on by its error path; what was in doubt in it is settled now")


@app.command("export")
def export_run(
    id: IdArgument,
    as_test: Annotated[
        bool, typer.Option("--as-test", help="As a story that `botctl test` plays; there is no other form.")
    ] = True,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A new file; printed if left out.")
    ] = None,
    project: ProjectOption = None,
) -> None:
    """A run as a conversation test: messages, what models and tools answered, decisions, codes and times."""
    found, environment = open_project(project)
    with closing(connect(state_file(found))) as connection:
        text = exported(connection, runs.find(connection, id), found, environment)
    if output is None:
        print(text, end="")
        return
    write_export(text, output)
    print(f"wrote {output}")


def _decision(row: RunRow, doubts: Sequence[Doubt], again: bool, done: str | None) -> dict[str, Any] | None:
    """What to do about effects that may or may not have been made, asked for where there is a terminal."""
    if again and done is not None:
        raise UsageError("`--again` and `--done` exclude each other")
    if done is not None:
        try:
            return {"result": json_text.loads(done)}
        except ValueError:
            raise UsageError(
                f"`--done {done}` is not JSON", help="""a text is written as '"text"'"""
            ) from None
    if not doubts or again:
        return {"again": again}
    if not sys.stdin.isatty() or len(doubts) > 1:
        return None  # what is refused says what is in doubt
    print(f"It is not known whether this was done: {commands.doubts_of(doubts)}")
    answer = typer.prompt("Was it done? [y]es, [n]o, [l]eave it", default="l").strip().lower()
    if answer.startswith("n"):
        return {"again": True}
    if answer.startswith("y"):
        return _decision(row, doubts, False, typer.prompt("What did it give, as JSON?", default="null"))
    raise typer.Abort


def _cells(row: RunRow, key: ConversationKey) -> tuple[str, ...]:
    took = format_duration((row.finished_at - row.started_at) / 1000) if row.finished_at is not None else ""
    where = "/".join(part for part in key[1:] if part)
    started = to_iso(row.started_at)
    return row.id, row.bot, row.status, where, started, took, str(row.nodes_executed), row.error_message
