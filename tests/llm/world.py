"""A world with one model in it: a real provider, and the counterpart it talks to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botctl.clock import StandingClock
from botctl.llm.chat import ChatModel, ChatReply, ChatRequest, Turn
from botctl.llm.provider import ModelSettings, Provider
from botctl.llm.providers.anthropic import ANTHROPIC
from botctl.llm.providers.custom import CUSTOM
from botctl.llm.providers.openai import OPENAI
from botctl.llm.providers.scripted import SCRIPTED
from tests.fakes.llm_server import AnthropicRules, Answer, Fails, ModelServer, OpenAIRules, Rules, Says

KEY = "sk-test-5a1b9c0d7e"


@dataclass
class World:
    """What a test sees: the model, its server, and the clock that stands between them."""

    model: ChatModel
    server: ModelServer
    clock: StandingClock


@dataclass(frozen=True)
class Case:
    """A provider under test. field: what it calls the longest answer."""

    provider: Provider
    rules: type[Rules]
    suffix: str = "/v1"
    refuses: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)


OPENAI_CASE = Case(OPENAI, OpenAIRules)
CUSTOM_CASE = Case(CUSTOM, OpenAIRules, settings={"model": "local-1"})
ANTHROPIC_CASE = Case(ANTHROPIC, AnthropicRules, suffix="")
NETWORK = (OPENAI_CASE, CUSTOM_CASE, ANTHROPIC_CASE)


def ask(*texts: str, **more: Any) -> ChatRequest:
    """A request whose turns are the user's and the assistant's in turn."""
    roles = ("user", "assistant")
    turns = tuple(Turn(role=roles[n % 2], text=text) for n, text in enumerate(texts))  # type: ignore[arg-type]
    return ChatRequest(turns=turns, **more)


def settings_for(case: Case, address: str, **more: Any) -> ModelSettings:
    """Settings that point at a server of ours."""
    written: dict[str, Any] = {"provider": case.provider.name, "api_key": KEY, "timeout": 5.0}
    return ModelSettings(base_url=address + case.suffix, **(written | case.settings | more))


def talk[T](
    case: Case,
    answers: tuple[Answer, ...],
    act: Callable[[World], Awaitable[T]],
    *,
    takes_no: tuple[str, ...] = (),
    **settings: Any,
) -> T:
    """Run `act` against a server that gives these answers."""

    async def live() -> T:
        async with ModelServer(case.rules(*takes_no), *answers) as server:
            clock = StandingClock()
            model = case.provider.connect(settings_for(case, server.address, **settings), clock)
            try:
                return await act(World(model, server, clock))
            finally:
                await model.close()

    return asyncio.run(live())
