"""The loop: an event loop whose time stands still while there is work, and jumps when all of it waits."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Given = TypeVarTuple("Given")

PATIENCE = 2.0
"""Seconds of real time without a sign from outside after which the loop's time moves by as much."""

_Ready = list[tuple[selectors.SelectorKey, int]]


class StoryLoop(asyncio.SelectorEventLoop):
    """Time moves only when nothing can be done without it: then it jumps to the next timer, if `is_busy` says
    that somebody waits for that, and else whoever waits for `quiet` goes on.

    While something real is under way outside (see `outside`), the loop waits for it in real time.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._under_way = 0
        self._quiet: asyncio.Future[None] | None = None
        self.is_busy: Callable[[], bool] = lambda: False
        super().__init__(_IdleSelector(self))

    def time(self) -> float:
        """Seconds since the loop was made, as far as it is concerned."""
        return self._now

    def move_to(self, moment: float) -> None:
        """Let it be `moment` now; whoever slept until then wakes."""
        self._now = max(self._now, moment)

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Something real is under way: a program, a network."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Given], T], *args: *Given
    ) -> asyncio.Future[T]:
        """What a thread does is something real, too."""
        future = super().run_in_executor(executor, func, *args)
        self._under_way += 1
        future.add_done_callback(self._came_back)
        return future

    def _came_back(self, future: asyncio.Future[Any]) -> None:
        self._under_way -= 1

    async def quiet(self) -> None:
        """Wait until nothing can happen any more unless time goes by that nobody busy waits for."""
        self._quiet = self.create_future()
        await self._quiet

    def idle(self, timeout: float | None, look: Callable[[float | None], _Ready]) -> _Ready:
        """Nothing is ready; the next timer is `timeout` seconds ahead. `look` waits for the outside."""
        if self._under_way:
            return self._wait_outside(timeout, look)
        ready = look(0)
        if ready:
            return ready
        if timeout is not None and self.is_busy():
            self._now += timeout
        elif self._quiet is not None and not self._quiet.done():
            self._quiet.set_result(None)
        else:
            return self._wait_outside(timeout, look)
        return []

    def _wait_outside(self, timeout: float | None, look: Callable[[float | None], _Ready]) -> _Ready:
        """Wait in real time; what never answers must not keep deadlines from passing."""
        ready = look(PATIENCE)
        if not ready and timeout is not None:
            self._now += min(timeout, PATIENCE)
        return ready


class _IdleSelector(selectors.BaseSelector):
    """A selector that asks the loop what to do when it would have to wait."""

    def __init__(self, loop: StoryLoop) -> None:
        self._loop = loop
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> _Ready:
        if timeout is not None and timeout <= 0:
            return self._real.select(0)
        return self._loop.idle(timeout, self._real.select)

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()


class LoopClock:
    """The clock of a story: it begins at `begin_ms` and goes with the loop."""

    def __init__(self, loop: StoryLoop, begin_ms: int) -> None:
        self._loop = loop
        self._begin_ms = begin_ms
        self._begin = loop.time()

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        return self._begin_ms + round((self._loop.time() - self._begin) * 1000)

    async def sleep(self, seconds: float) -> None:
        """Return after this many seconds of the story."""
        await asyncio.sleep(seconds)

    def move_to(self, now_ms: int) -> None:
        """Let it be this moment now."""
        self._loop.move_to(self._begin + (now_ms - self._begin_ms) / 1000)
