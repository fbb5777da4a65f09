"""Taking up: whether the process that runs a bot has seen what a command left for it."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from botctl.clock import SystemClock
from botctl.runtime.lock import holder_of
from botctl.store import events

_PATIENCE_MS = 2_000
_PAUSE = 0.02


def who_takes(connection: sqlite3.Connection, state_folder: Path, runner: str, run: str, event: int) -> str:
    """Who goes on with a run now that an event for it is on disk, as a sentence."""
    holder = holder_of(state_folder, runner)
    if not holder:
        return f"no runner is up; the run goes on at the next start of {runner}"
    if asyncio.run(_is_taken(connection, event)):
        return f"process {holder} goes on with run {run}"
    return (
        f"process {holder} has not taken it up within {_PATIENCE_MS // 1000} s;"
        f" it is recorded, and `botctl runs show {run}` tells when the run goes on"
    )


async def _is_taken(connection: sqlite3.Connection, event: int) -> bool:
    """Whether the event was taken away, with the wave that the run goes on with."""
    clock = SystemClock()
    until = clock.now_ms() + _PATIENCE_MS
    while events.get(connection, event) is not None:
        if clock.now_ms() >= until:
            return False
        await clock.sleep(_PAUSE)
    return True
