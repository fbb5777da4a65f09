"""How a bot stands: who runs it, which platform is off and why, what waits, what could not be sent."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from msgspec import Struct
from msgspec.structs import replace

from botctl.project.load import Project, load_bot
from botctl.runtime.lock import holder_of
from botctl.runtime.platforms import Stdin, choose_platforms
from botctl.secrets import Environment
from botctl.store import handoffs, inbox, outbox, runs, schedules
from botctl.store.database import connect


class BotShape(Struct, frozen=True, kw_only=True):
    """A bot of the project. runner: the process that runs it; platforms: those that are, or would be, live;
    off: the others, each with the reason; error: of a bot whose files have errors, of which no more is
    known."""

    bot: str
    error: str | None = None
    runner: str | None = None
    platforms: list[str] = []
    off: dict[str, str] = {}
    pending_messages: int = 0
    running: int = 0
    waiting: int = 0
    unsent: int = 0
    dead_letters: int = 0
    pending_handoffs: int = 0
    schedules: int = 0


def bot_shape(project: Project, environment: Environment, name: str, *, stdin: Stdin) -> BotShape:
    """How one bot of a project stands, by its files and its state."""
    bot, _ = load_bot(project, name, environment)
    if bot is None:
        return BotShape(bot=name, error="its files have errors; `botctl validate` tells them")
    choice = choose_platforms(bot.spec, environment, stdin=stdin)
    shape = BotShape(
        bot=name,
        runner=holder_of(project.state_folder, name) or None,
        platforms=[platform.record.name for platform in choice.live],
        off=dict(choice.off),
    )
    path = project.state_folder / "state.db"
    if not path.exists():
        return shape
    with closing(connect(path)) as connection:
        return _counted(connection, shape)


def _counted(connection: sqlite3.Connection, shape: BotShape) -> BotShape:
    """With what waits in the state."""
    leaving, under_way = outbox.counts(connection, shape.bot), runs.counts(connection, shape.bot)
    return replace(
        shape,
        pending_messages=inbox.count_pending(connection, shape.bot),
        running=under_way.get("running", 0),
        waiting=under_way.get("waiting", 0),
        unsent=leaving["pending"],
        dead_letters=leaving["dead"],
        pending_handoffs=handoffs.counts(connection, shape.bot),
        schedules=schedules.count_pending(connection, shape.bot),
    )
