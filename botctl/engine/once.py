"""Once: a step's door to the outside. An effect is intended, made, remembered, and never made again."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from asyncio import Future, get_running_loop
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from botctl.clock import Clock
from botctl.engine.life import Life
from botctl.engine.run import encode
from botctl.engine.summary import summary
from botctl.errors import InDoubtError, OutsideError
from botctl.execution.step import Part
from botctl.store import steps
from botctl.store.database import Database
from botctl.store.steps import StepRow

_MOST_RETRIES = 3
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 8.0
_LONGEST_WORDS = 400


class StepOnce:
    """The `once` of one execution of one node; retries is how often an action was tried again."""

    __slots__ = ("_clock", "_counts", "_database", "_frame", "_life", "_node", "retries")

    def __init__(self, life: Life, node: str, frame: str, database: Database, clock: Clock) -> None:
        self._life = life
        self._node = node
        self._frame = frame
        self._database = database
        self._clock = clock
        self._counts: dict[str, int] = {}
        self.retries = 0

    async def once(
        self, key: str, action: Callable[[], Awaitable[Any]], *, repeatable: bool, part: Part | None = None
    ) -> Any:
        """See `Step.once`. Using a key again in one execution is a further effect, remembered apart."""
        number = self._counts.get(key, 0)
        self._counts[key] = number + 1
        key = f"{key}#{number}" if number else key
        at = (self._node, self._frame, key)
        life = self._life
        if at in life.once:
            remembered = life.once[at]
            if remembered is not None:
                return json.loads(remembered)
            if not repeatable:
                unknown = "the process stopped while this was under way; whether it was done is unknown"
                raise await self._doubt(part, unknown)
        life.used_once = True
        words = life.program.mask(_words(part))
        if not repeatable:
            await self._database.write(lambda connection: steps.intend(connection, life.seq, *at, words))
        started_at, started = self._clock.now_ms(), time.perf_counter_ns()
        retries = self.retries
        try:
            result = await self._make(action, at, repeatable, words)
        except InDoubtError as error:
            raise await self._doubt(part, error.message) from error
        text = encode(result)
        life.once[at] = text
        rows: list[StepRow] = []
        if part is not None:
            duration_us = (time.perf_counter_ns() - started) // 1000
            rows.append(self._row(part, result, started_at, duration_us, self.retries - retries))

        def note(connection: sqlite3.Connection) -> None:
            steps.remember(connection, life.seq, *at, text)
            steps.add(connection, life.seq, rows)

        noted = self._database.write(note)
        if part is not None:  # the step goes on for long, and a crash then must not put this in doubt
            await noted
            return result
        # Not awaited: the wave's own write follows at once, in order, and shares the commit.
        noted.add_done_callback(_look_at_failure)
        return result

    async def _doubt(self, part: Part | None, why: str) -> InDoubtError:
        """The error for what may or may not have been done; a part of a step is told in the trace."""
        life, what = self._life, _words(part)
        told = f"in doubt: {what}: {why}" if what else f"in doubt: {why}"
        if part is not None:
            now_ms = self._clock.now_ms()
            row = self._row(part, {"text": told, "is_error": True}, now_ms, 0, 0)
            await self._database.write(lambda connection: steps.add(connection, life.seq, [row]))
        return InDoubtError(told, help=f"find out, then decide with `botctl runs retry {life.id}`")

    def _row(
        self, part: Part, result: Mapping[str, Any], started_at: int, duration_us: int, retries: int
    ) -> StepRow:
        """A part of this step as a row of its own, behind all rows there are."""
        life = self._life
        if not life.last_part:
            stored = self._database.read(lambda connection: steps.last(connection, life.seq))
            life.last_part = max(stored, life.run.steps)
        life.last_part += 1
        mask = life.program.mask
        return StepRow(
            0,
            life.last_part,
            life.run.wave,
            self._node,
            part.type,
            part.label,
            self._frame,
            "",
            started_at,
            duration_us,
            summary(part.input, mask),
            summary(result.get("text"), mask),
            None,
            None,
            result.get("input", 0),
            result.get("output", 0),
            result.get("model", ""),
            retries,
            mask(result["text"]) if result.get("is_error") else None,
            result.get("micro_cents"),
        )

    async def may_try_again(self, error: OutsideError) -> bool:
        """Whether a node that failed outside of `once` is entered again, after a pause: if the service surely
        did nothing, and tries and time are left."""
        if not (error.retryable and error.not_executed) or error.tried_again or not await self._pause(error):
            return False
        self.retries += 1
        self._counts.clear()
        return True

    async def _make(
        self, action: Callable[[], Awaitable[Any]], at: tuple[str, str, str], repeatable: bool, what: str
    ) -> Any:
        while True:
            try:
                return await action()
            except OutsideError as error:
                if error.not_executed and not repeatable:
                    await self._database.write(
                        lambda connection: steps.withdraw(connection, self._life.seq, *at)
                    )
                if not (repeatable or error.not_executed):
                    if error.retryable:
                        raise InDoubtError(f"{error.message}; whether it was done is unknown") from error
                    raise
                if not error.retryable or error.tried_again or not await self._pause(error):
                    raise
                self.retries += 1
                if not repeatable:
                    await self._database.write(
                        lambda connection: steps.intend(connection, self._life.seq, *at, what)
                    )

    async def _pause(self, error: OutsideError) -> bool:
        """Wait before trying again; False after enough tries, or when the turn has no time left for it."""
        if self.retries >= _MOST_RETRIES:
            return False
        pause = error.retry_after
        if pause is None:
            pause = min(_FIRST_PAUSE * 2**self.retries, _LONGEST_PAUSE) * random.uniform(0.75, 1.25)
        if get_running_loop().time() + pause >= self._life.deadline.at:
            return False
        await self._clock.sleep(pause)
        return True


def _words(part: Part | None) -> str:
    """What a part of a step does, for people; "" of a step that is one thing."""
    if part is None:
        return ""
    arguments = part.input.get("arguments") if isinstance(part.input, dict) else part.input
    return f"`{part.label}` with {encode(arguments)}"[:_LONGEST_WORDS]


def _look_at_failure(noted: Future[None]) -> None:
    """The store could not remember; the wave's own write fails for the same reason and says so."""
    if not noted.cancelled():
        noted.exception()
