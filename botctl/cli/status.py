"""`botctl status`: what runs, which platform is off and why, what waits."""

from __future__ import annotations

import typer
from msgspec import to_builtins

from botctl.cli.options import JsonOption, ProjectOption
from botctl.cli.place import open_project
from botctl.cli.terminal import print_json, print_table
from botctl.runtime.standing import BotShape, bot_shape

app = typer.Typer(rich_markup_mode=None)


@app.command()
def status(json: JsonOption = False, project: ProjectOption = None) -> None:
    """Tell what runs, which platform is off and why, what waits, and what could not be sent."""
    found, environment = open_project(project)
    told = [bot_shape(found, environment, name, stdin="terminal") for name in found.bot_names()]
    if json:
        print_json(to_builtins(told))
        return
    print_table(
        (
            "bot",
            "runner",
            "platforms",
            "off",
            "messages",
            "runs",
            "to decide",
            "to say later",
            "dead letters",
        ),
        [_cells(bot) for bot in told],
        empty=f"no bots in {found.folder}",
    )


def _cells(told: BotShape) -> tuple[str, ...]:
    if told.error is not None:
        return (told.bot, told.error, *[""] * 7)
    return (
        told.bot,
        f"process {told.runner}" if told.runner else "not running",
        ", ".join(told.platforms),
        "; ".join(f"{platform}: {reason}" for platform, reason in told.off.items()),
        f"{told.pending_messages} to answer, {told.unsent} to send",
        f"{told.running} running, {told.waiting} waiting",
        str(told.pending_handoffs),
        str(told.schedules),
        str(told.dead_letters),
    )
