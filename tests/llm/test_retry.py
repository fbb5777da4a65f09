"""Asking a model again."""

from __future__ import annotations

import asyncio

import pytest

from botctl.clock import StandingClock
from botctl.errors import OutsideError, UserError
from botctl.llm.chat import ChatReply, ChatRequest
from botctl.llm.retry import RetryingModel, read_retry_after
from tests.llm.world import ask

BUSY = OutsideError("busy", retryable=True)
DOWN = OutsideError("down")
WAIT = OutsideError("wait", retryable=True, retry_after=4)
NOW = 1_767_225_600_000  # 2026-01-01T00:00:00Z


class FailingModel:
    """A model that fails in these ways, each after some seconds of work, and then answers."""

    def __init__(self, clock: StandingClock, *errors: Exception, seconds: float = 0) -> None:
        self.clock = clock
        self.errors = list(errors)
        self.seconds = seconds
        self.asked_at: list[float] = []

    async def reply(self, request: ChatRequest) -> ChatReply:
        self.asked_at.append((self.clock.now_ms() - NOW) / 1000)
        self.clock.advance(self.seconds)
        if self.errors:
            raise self.errors.pop(0)
        return ChatReply(text="ok", model="m", notes=("first",))

    async def close(self) -> None:
        self.errors = []


def asked(*errors: Exception, seconds: float = 0, chance: float = 0.0) -> tuple[list[float], object]:
    """When the model was asked, and what came of it."""
    clock = StandingClock()
    model = FailingModel(clock, *errors, seconds=seconds)
    patient = RetryingModel(model, clock, budget=20.0, chance=lambda: chance)
    try:
        return model.asked_at, asyncio.run(patient.reply(ask("Hi")))
    except (OutsideError, UserError) as error:
        return model.asked_at, error


def test_an_answer_at_once_is_left_as_it_is() -> None:
    assert asked() == ([0], ChatReply(text="ok", model="m", notes=("first",)))


def test_the_wait_doubles_and_what_was_tried_again_is_told() -> None:
    notes = ("asked again after 500ms: busy", "asked again after 1s: busy", "first")

    assert asked(BUSY, BUSY) == ([0, 0.5, 1.5], ChatReply(text="ok", model="m", notes=notes))


def test_chance_shortens_a_wait_by_a_quarter_at_most() -> None:
    assert asked(BUSY, chance=1.0)[0] == [0, 0.375]


def test_what_the_service_asks_for_overrules_the_back_off() -> None:
    assert asked(WAIT, WAIT, chance=1.0)[0] == [0, 4, 8]


@pytest.mark.parametrize(
    ("errors", "seconds", "times"),
    [
        ((BUSY, BUSY, BUSY), 0, 3),
        ((DOWN,), 0, 1),
        ((UserError("no"),), 0, 1),
        ((BUSY, BUSY), 10, 2),
        ((OutsideError("later", retryable=True, retry_after=21),), 0, 1),
    ],
    ids=["twice is enough", "not retryable", "the user's matter", "no time left", "too long a wait"],
)
def test_an_error_is_told_as_it_came_when_trying_again_makes_no_sense(
    errors: tuple[Exception, ...], seconds: float, times: int
) -> None:
    asked_at, outcome = asked(*errors, seconds=seconds)

    assert (len(asked_at), outcome) == (times, errors[times - 1])


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "40", "retry-after": "2"}, 0.04),
        ({"retry-after": "Thu, 01 Jan 2026 00:01:00 GMT"}, 60),
        ({"retry-after": "Wed, 31 Dec 2025 00:01:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after-ms": "nan"}, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(headers, NOW) == seconds
