"""The deadline of a turn: one timer per run, under which any number of nodes are executed."""

from __future__ import annotations

import asyncio
from types import TracebackType

GRACE = 5.0
"""Seconds that the error path has when the turn's time is used up: somebody must be able to say sorry."""


class Deadline:
    """Stops the nodes under way when a turn's time is used up, or else the next one to begin. What follows
    has GRACE; then those under way are stopped again, and those begun later stop at once.

    One timer for the whole turn: `asyncio.timeout` would set one per node, which costs more than most nodes.
    """

    __slots__ = ("_grace", "_is_due", "_is_in_grace", "_passed", "_stopped", "_tasks", "_timer", "at")

    def __init__(self, seconds: float, grace: float = GRACE) -> None:
        loop = asyncio.get_running_loop()
        self.at = loop.time() + seconds
        self._grace = grace
        self._passed = self._is_due = self._is_in_grace = False
        self._tasks: set[asyncio.Task[object]] = set()
        self._stopped: set[asyncio.Task[object]] = set()
        self._timer = loop.call_at(self.at, self._pass)

    def over(self) -> None:
        """The turn has ended: the timer is not needed any more."""
        self._timer.cancel()

    def __enter__(self) -> None:
        """Begin a node; TimeoutError if the time is used up already."""
        if self._passed or self._is_due:
            self._is_due = False
            raise TimeoutError
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._tasks.discard(task)
        if task in self._stopped:
            self._stopped.discard(task)
            if task.uncancel() <= 0 and kind is asyncio.CancelledError:
                raise TimeoutError from error

    def _pass(self) -> None:
        if self._is_in_grace:
            self._passed = True
        else:
            self._is_in_grace, self._is_due = True, not self._tasks
            self._timer = asyncio.get_running_loop().call_later(self._grace, self._pass)
        for task in self._tasks:
            self._stopped.add(task)
            task.cancel()
