"""`botctl status`: what runs, which platform is off and why, what waits."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import typer

from botctl.cli.options import JsonOption, ProjectOption
from botctl.cli.place import open_project
from botctl.cli.terminal import print_json, print_table
from botctl.project.load import Project, load_bot
from botctl.runtime.lock import holder_of
from botctl.runtime.platforms import choose_platforms
from botctl.secrets import Environment
from botctl.store import handoffs, inbox, outbox, runs, schedules
from botctl.store.database import connect

app = typer.Typer(rich_markup_mode=None)


@app.command()
def status(json: JsonOption = False, project: ProjectOption = None) -> None:
    """Tell what runs, which platform is off and why, what waits, and what could not be sent."""
    found, environment = open_project(project)
    told = [_tell(found, environment, name) for name in found.bot_names()]
    if json:
        print_json(told)
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


def _tell(project: Project, environment: Environment, name: str) -> dict[str, Any]:
    bot, _ = load_bot(project, name, environment)
    if bot is None:
        return {"bot": name, "error": "its files have errors; `botctl validate` tells them"}
    choice = choose_platforms(bot.spec, environment, stdin="terminal")
    path = project.state_folder / "state.db"
    counts: dict[str, int] = {
        "pending_messages": 0,
        "running": 0,
        "waiting": 0,
        "unsent": 0,
        "dead_letters": 0,
        "pending_handoffs": 0,
        "schedules": 0,
    }
    if path.exists():
        with closing(connect(path)) as connection:
            leaving = outbox.counts(connection, name)
            under_way = runs.counts(connection, name)
            counts = {
                "pending_messages": inbox.count_pending(connection, name),
                "running": under_way.get("running", 0),
                "waiting": under_way.get("waiting", 0),
                "unsent": leaving["pending"],
                "dead_letters": leaving["dead"],
                "pending_handoffs": handoffs.counts(connection, name),
                "schedules": schedules.count_pending(connection, name),
            }
    return {
        "bot": name,
        "runner": holder_of(project.state_folder, name) or None,
        "platforms": [platform.record.name for platform in choice.live],
        "off": dict(choice.off),
        **counts,
    }


def _cells(told: dict[str, Any]) -> tuple[str, ...]:
    if "error" in told:
        return (told["bot"], told["error"], *[""] * 7)
    off = "; ".join(f"{platform}: {reason}" for platform, reason in told["off"].items())
    return (
        told["bot"],
        f"process {told['runner']}" if told["runner"] else "not running",
        ", ".join(told["platforms"]),
        off,
        f"{told['pending_messages']} to answer, {told['unsent']} to send",
        f"{told['running']} running, {told['waiting']} waiting",
        str(told["pending_handoffs"]),
        str(told["schedules"]),
        str(told["dead_letters"]),
    )
