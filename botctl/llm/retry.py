"""Asking a model again: back-off with jitter, obedient to Retry-After, within a budget of time."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from botctl.clock import Clock
from botctl.duration import format_duration
from botctl.errors import OutsideError
from botctl.llm.chat import ChatModel, ChatReply, ChatRequest

# What the official SDKs do when it is left to them (anthropic 2.11, openai 3.52): PLATFORMS 7.
_FIRST_DELAY = 0.5
_LONGEST_DELAY = 8.0
_JITTER = 0.25


class RetryingModel:
    """A model that is asked again when its service has a transient trouble.

    A model call has no effect outside, so any retryable OutsideError may be tried again, whether or not the
    service acted on the request. It is tried `retries` times more at most, and never when the wait would end
    after `budget` seconds from the first call; then the last error is raised as it came, with its
    retry_after. What was tried again is told in the reply's notes.
    """

    def __init__(
        self,
        model: ChatModel,
        clock: Clock,
        *,
        retries: int = 2,
        budget: float = 60.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._model = model
        self._clock = clock
        self._retries = retries
        self._budget = budget
        self._chance = chance

    async def reply(self, request: ChatRequest) -> ChatReply:
        """Ask, and ask again as long as it makes sense."""
        started_ms = self._clock.now_ms()
        notes: list[str] = []
        while True:
            try:
                reply = await self._model.reply(request)
            except OutsideError as error:
                delay = self._delay(error, len(notes))
                spent = (self._clock.now_ms() - started_ms) / 1000
                if not error.retryable or len(notes) == self._retries or spent + delay > self._budget:
                    error.tried_again = True
                    raise
                notes.append(f"asked again after {format_duration(delay)}: {error.message}")
                await self._clock.sleep(delay)
            else:
                return replace(reply, notes=(*notes, *reply.notes)) if notes else reply

    def around(self, wrap: Callable[[ChatModel], ChatModel]) -> RetryingModel:
        """The same, with each single try going through `wrap`."""
        return RetryingModel(
            wrap(self._model), self._clock, retries=self._retries, budget=self._budget, chance=self._chance
        )

    async def close(self) -> None:
        """Let go of connections."""
        await self._model.close()

    def _delay(self, error: OutsideError, tried_again: int) -> float:
        if error.retry_after is not None:
            return error.retry_after
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0**tried_again)
        return delay * (1 - _JITTER * self._chance())


def read_retry_after(headers: Mapping[str, str], now_ms: int) -> float | None:
    """The seconds a service asks to wait: `retry-after-ms`, else `retry-after` (seconds or an HTTP date).

    None if it says nothing, or nothing that can be read.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    written = headers.get("retry-after")
    seconds = _number(written)
    return _until(written, now_ms) if written and seconds is None else seconds


def _number(written: str | None) -> float | None:
    try:
        number = float(written or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _until(written: str, now_ms: int) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(written)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - now_ms / 1000)
