"""Retention: old rows go a minute after the start and then daily, while messages are written beside."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from botctl.clock import StandingClock
from botctl.runtime.retention import Retention, old_files
from botctl.spec.project import RetentionSection
from botctl.store import inbox
from botctl.store.database import Database, connect, open_database
from tests.store.filled import NOW, Filled, delivered

HOUR = 3600.0


def in_a_state(
    folder: Path, old: int, story: Callable[[Database, StandingClock, Retention], Awaitable[Any]]
) -> Any:
    """A story in a state with so many old runs and a young one; what it returned."""
    connection = connect(folder / "state.db")
    filled = Filled(connection)
    for number in range(old):
        filled.run(filled.message(f"old {number}", user=f"u{number}", ago=90), ago=90)
    filled.run(filled.message("young", ago=1), ago=1)
    connection.close()

    async def whole() -> Any:
        clock = StandingClock(NOW)
        database = await open_database(folder / "state.db")
        try:
            return await story(database, clock, Retention(database, clock, RetentionSection()))
        finally:
            await database.close()

    return asyncio.run(whole())


def count(database: Database, table: str) -> int:
    """The rows of a table."""
    return database.read(
        lambda connection: int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    )


def test_the_first_sweep_is_a_minute_after_the_start_and_the_next_a_day_later(tmp_path: Path) -> None:
    async def story(database: Database, clock: StandingClock, retention: Retention) -> list[bool]:
        swept = []
        for seconds in (0, 59, 1, 0, 23 * HOUR, HOUR):
            clock.advance(seconds)
            swept.append(await retention.look())
        return swept

    assert in_a_state(tmp_path, 1, story) == [False, False, True, False, False, True]


def test_a_sweep_leaves_only_what_is_young(tmp_path: Path) -> None:
    async def story(database: Database, clock: StandingClock, retention: Retention) -> list[int]:
        clock.advance(60)
        await retention.look()
        return [count(database, table) for table in ("runs", "steps", "inbox", "outbox", "conversations")]

    assert in_a_state(tmp_path, 120, story) == [1, 1, 1, 1, 1]


def test_messages_are_stored_between_the_parts_of_a_sweep(tmp_path: Path) -> None:
    async def story(database: Database, clock: StandingClock, retention: Retention) -> list[int]:
        clock.advance(60)
        sweeping = asyncio.create_task(retention.look())
        left = []
        while not sweeping.done() and len(left) < 3:
            await database.write(lambda connection: inbox.add(connection, delivered("live")))
            left.append(count(database, "runs"))
        await sweeping
        return left

    left = in_a_state(tmp_path, 400, story)

    assert len(left) == 3 and left[-1] > 1


def test_a_sweep_by_the_clock_never_moves_the_clock(tmp_path: Path) -> None:
    async def story(database: Database, clock: StandingClock, retention: Retention) -> int:
        clock.advance(60)
        await retention.look()
        return clock.now_ms()

    assert in_a_state(tmp_path, 3, story) == NOW + 60_000


def test_files_that_came_with_messages_go_when_they_are_old(tmp_path: Path) -> None:
    folder = tmp_path / "files" / "b"
    folder.mkdir(parents=True)
    for name, days in (("old.png", 8), ("young.png", 6)):
        (folder / name).write_bytes(b"")
        os.utime(folder / name, (0, NOW / 1000 - days * 24 * HOUR))

    async def story(database: Database, clock: StandingClock, retention: Retention) -> bool:
        clock.advance(60)
        return await retention.look()

    in_a_state(tmp_path, 0, story)

    assert [path.name for path in old_files(tmp_path / "files", NOW * 2)] == ["young.png"]
