"""The watch: what other processes wrote into the state is seen within a tenth of a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from botctl.store.database import Database

INTERVAL = 0.1
"""Seconds between two looks; one costs some microseconds."""


class Watch:
    """Asks SQLite whether another connection has written, and calls `look` when one has."""

    def __init__(self, database: Database, look: Callable[[], None]) -> None:
        self._database = database
        self._look = look

    async def run(self) -> None:
        """Watch until cancelled. Real time, whatever clock the app has: other processes live in it."""
        version = self._database.version()
        while True:
            await asyncio.sleep(INTERVAL)
            seen = self._database.version()
            if seen is not None and seen != version:
                version = seen
                self._look()
