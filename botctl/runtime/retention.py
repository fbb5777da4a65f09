"""Retention: what is older than botctl.yaml wants to keep is taken away, a little at a time."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from pathlib import Path

from botctl.clock import Clock
from botctl.spec.project import RetentionSection
from botctl.store import usage
from botctl.store.database import Database
from botctl.store.upkeep import Bounds, Place, Swept, prune

logger = logging.getLogger(__name__)

FIRST_MS = 60_000
"""How long after the start the first sweep is: what was left behind is answered before."""
INTERVAL_MS = 86_400_000
_LOOK = 30.0  # seconds of real time between two looks at the clock
_PAUSE = 0.02  # seconds of real time between two parts of a sweep, for whoever else writes
_MOST = 50  # rows per part: a millisecond or two


class Retention:
    """Sweeps the state soon after the start and then once a day, by the app's clock."""

    def __init__(self, database: Database, clock: Clock, section: RetentionSection) -> None:
        self._database = database
        self._clock = clock
        self._section = section
        self._due = clock.now_ms() + FIRST_MS

    async def run(self) -> None:
        """Look at the clock until cancelled. It sleeps in real time: it must never move an app's clock."""
        while True:
            await asyncio.sleep(_LOOK)
            await self.look()

    async def look(self) -> bool:
        """Sweep if it is time; whether it was."""
        now_ms = self._clock.now_ms()
        if now_ms < self._due:
            return False
        self._due = now_ms + INTERVAL_MS
        try:
            await self._sweep(bounds_of(self._section, now_ms))
            await self._database.write(lambda connection: usage.drop_totals(connection, now_ms))
            await self._forget_calls(now_ms - round(self._section.usage * 1000))
        except sqlite3.Error as error:
            logger.warning("old rows could not be removed: %s; the next try is tomorrow", error)
        old = old_files(self._database.path.parent / "files", now_ms - round(self._section.files * 1000))
        await asyncio.to_thread(_remove, old)
        return True

    async def _sweep(self, bounds: Bounds) -> None:
        place: Place | None = Place()
        while place is not None:
            place = (await self._part(bounds, place)).place
            await asyncio.sleep(_PAUSE)

    async def _forget_calls(self, before_ms: int) -> None:
        gone = _MOST
        while gone == _MOST:
            gone = await self._database.write(lambda connection: usage.prune(connection, before_ms, _MOST))
            await asyncio.sleep(_PAUSE)

    def _part(self, bounds: Bounds, place: Place) -> asyncio.Future[Swept]:
        return self._database.write(lambda connection: prune(connection, bounds, place, _MOST))


def bounds_of(section: RetentionSection, now_ms: int) -> Bounds:
    """What is old at this moment."""
    return Bounds(
        runs_before_ms=now_ms - round(section.runs * 1000),
        messages_before_ms=now_ms - round(section.messages * 1000),
        now_ms=now_ms,
    )


def old_files(folder: Path, before_ms: int) -> list[Path]:
    """The files below a folder that were last written before a moment."""
    return [path for path in folder.rglob("*") if path.is_file() and path.stat().st_mtime * 1000 < before_ms]


def _remove(files: list[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
