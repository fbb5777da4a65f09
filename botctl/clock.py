"""The clock: the only place that asks what time it is or sleeps."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Time as the rest of botctl sees it."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""

    async def sleep(self, seconds: float) -> None:
        """Return after this many seconds."""


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        import asyncio

        await asyncio.sleep(seconds)


class StandingClock:
    """A clock that moves only when it is told to; sleeping moves it. Ships for tests of bots."""

    def __init__(self, now_ms: int = 1_767_225_600_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def advance(self, seconds: float) -> None:
        """Move forward by this many seconds."""
        self._now_ms += round(seconds * 1000)

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)


def to_datetime(ms: int) -> datetime:
    """A stored time as an aware datetime in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def to_iso(ms: int) -> str:
    """A stored time as ISO 8601 with milliseconds and Z, e.g. 2026-11-21T04:00:00.000Z."""
    return to_datetime(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")
