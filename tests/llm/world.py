"""A world with one model in it: a real provider, and the counterpart it talks to."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from botctl.clock import StandingClock
from botctl.llm.chat import ChatModel, ChatRequest, Turn
from botctl.llm.provider import ModelSettings, Provider
from botctl.llm.providers.anthropic import ANTHROPIC
from botctl.llm.providers.custom import CUSTOM
from botctl.llm.providers.openai import OPENAI
from botctl.llm.providers.scripted import SCRIPTED
from tests.fakes.llm_server import (
    Answer,
    AnthropicRules,
    Fails,
    ModelServer,
    OpenAIRules,
    Received,
    Rules,
    Says,
)

KEY = "sk-test-5a1b9c0d7e"


@dataclass
class World:
    """What a test sees: the model, the clock it waits by, and what its server received."""

    model: ChatModel
    clock: StandingClock
    received: list[Received]


@dataclass(frozen=True)
class Case:
    """A provider under test, and the rules of the server it talks to; None if it talks to none."""

    provider: Provider
    rules: Callable[..., Rules] | None
    suffix: str = "/v1"
    settings: dict[str, Any] = field(default_factory=dict)


OPENAI_CASE = Case(OPENAI, OpenAIRules)
CUSTOM_CASE = Case(CUSTOM, OpenAIRules, settings={"model": "local-1"})
ANTHROPIC_CASE = Case(ANTHROPIC, AnthropicRules, suffix="")
SCRIPTED_CASE = Case(SCRIPTED, None)
NETWORK = (OPENAI_CASE, CUSTOM_CASE, ANTHROPIC_CASE)
EVERY = (*NETWORK, SCRIPTED_CASE)

T = TypeVar("T")


def ask(*texts: str, **more: Any) -> ChatRequest:
    """A request whose turns are the user's and the assistant's in turn."""
    roles = ("user", "assistant")
    turns = tuple(Turn(role=roles[n % 2], text=text) for n, text in enumerate(texts))  # type: ignore[arg-type]
    return ChatRequest(turns=turns, **more)


def settings_for(case: Case, address: str, **more: Any) -> ModelSettings:
    """Settings that point at a server of ours."""
    written: dict[str, Any] = {"provider": case.provider.name, "api_key": KEY, "timeout": 5.0}
    return ModelSettings(**(written | {"base_url": address + case.suffix} | case.settings | more))


def talk(
    case: Case,
    answers: tuple[Answer, ...],
    act: Callable[[World], Awaitable[T]],
    *,
    takes_no: tuple[str, ...] = (),
    **settings: Any,
) -> T:
    """Run `act` with a model whose counterpart gives these answers, the last one for ever."""
    if case.rules is None:
        return _talk_by_script(case, answers, act, **settings)
    rules = case.rules(*takes_no)

    async def live() -> T:
        async with ModelServer(rules, *answers) as server:
            clock = StandingClock()
            model = case.provider.connect(settings_for(case, server.address, **settings), clock)
            try:
                return await act(World(model, clock, server.received))
            finally:
                await model.close()

    return asyncio.run(live())


def _talk_by_script(
    case: Case, answers: tuple[Answer, ...], act: Callable[[World], Awaitable[T]], **settings: Any
) -> T:
    entries = [_entry(answer) | {"times": 1} for answer in answers[:-1]] + [_entry(answers[-1])]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.yaml"
        file.write_text(json.dumps(entries))
        clock = StandingClock()
        model = case.provider.connect(settings_for(case, "", script=str(file), **settings), clock)
        return asyncio.run(_await(act(World(model, clock, []))))


async def _await(answer: Awaitable[T]) -> T:
    return await answer


def _entry(answer: Answer) -> dict[str, Any]:
    """A script entry that says the same as a server would."""
    match answer:
        case Says(calls=()):
            return {"reply": answer.text, "stop": answer.stop}
        case Says():
            return {"calls": [_call(name, written) for name, written in answer.calls]}
        case Fails():
            error: dict[str, Any] = {
                "message": "as told",
                "retryable": answer.status in (408, 409, 429, 500, 529),
            }
            if "retry-after" in answer.headers:
                error["retry_after"] = float(answer.headers["retry-after"])
            return {"error": error}
        case _:
            return {"delay": "1h", "reply": "too late"}


def _call(name: str, written: str) -> dict[str, Any]:
    try:
        return {"tool": name, "arguments": json.loads(written)}
    except ValueError:
        return {"tool": name, "malformed": written}
