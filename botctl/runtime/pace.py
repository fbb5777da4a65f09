"""Paces: how fast messages may follow each other, to one chat and to a platform as a whole."""

from __future__ import annotations

from collections.abc import Hashable

BURST = 3
"""Messages that may follow each other at once before the pace counts: an answer in three parts is common."""
_MOST = 10_000


class Paces:
    """The pace of each chat, by whatever names it. A leaky bucket (GCRA): one number per chat."""

    def __init__(self) -> None:
        self._free_at: dict[Hashable, float] = {}

    def pause(self, whose: Hashable, seconds: float, now: float) -> float:
        """Take a turn; how many seconds to wait before it. seconds: the time that one message takes up."""
        if seconds <= 0:
            return 0.0
        if len(self._free_at) > _MOST:
            self._free_at = {one: at for one, at in self._free_at.items() if at > now}
        free_at = max(self._free_at.get(whose, 0.0), now)
        self._free_at[whose] = free_at + seconds
        return max(0.0, free_at - now - (BURST - 1) * seconds)
