"""A world with one model in it: a real provider, and the counterpart it talks to."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from botctl.clock import StandingClock
from botctl.errors import BotctlError
from botctl.llm.chat import ChatModel, ChatReply, ChatRequest, Turn
from botctl.llm.provider import ModelSettings, Provider
from botctl.llm.providers.anthropic import ANTHROPIC
from botctl.llm.providers.cloudflare import CLOUDFLARE
from botctl.llm.providers.custom import CUSTOM
from botctl.llm.providers.google import GOOGLE
from botctl.llm.providers.groq import GROQ
from botctl.llm.providers.openai import OPENAI
from botctl.llm.providers.scripted import SCRIPTED
from tests.fakes.completion_rules import ACCOUNT, CloudflareRules, GroqRules
from tests.fakes.gemini_rules import GeminiRules
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

_WRONG_KEY = Fails(401, f"Incorrect API key provided: {KEY}")
_USED_UP = Fails(429, "You ran out", "insufficient_quota")


@dataclass
class World:
    """What a test sees: the model, the clock it waits by, and what its server received."""

    model: ChatModel
    clock: StandingClock
    received: list[Received]


@dataclass(frozen=True)
class Case:
    """A provider under test, and the rules of the server it talks to; None if it talks to none.

    schema_field: where it puts a JSON Schema; length_field: what it calls the longest answer. wrong_key,
    used_up: what its service says to a wrong key, and when the quota is gone.
    """

    provider: Provider
    rules: Callable[..., Rules] | None
    suffix: str = "/v1"
    settings: dict[str, Any] = field(default_factory=dict)
    schema_field: str = "response_format"
    length_field: str = "max_tokens"
    wrong_key: Fails = _WRONG_KEY
    used_up: Fails = _USED_UP
    key_header: str = "authorization"


DAILY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "20"}],
}
NOT_A_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}

OPENAI_CASE = Case(OPENAI, OpenAIRules, length_field="max_completion_tokens")
CUSTOM_CASE = Case(CUSTOM, OpenAIRules, settings={"model": "local-1"})
ANTHROPIC_CASE = Case(ANTHROPIC, AnthropicRules, suffix="", schema_field="output_config")
GOOGLE_CASE = Case(
    GOOGLE,
    GeminiRules,
    suffix="",
    schema_field="responseJsonSchema",
    wrong_key=Fails(400, "API key not valid. Please pass a valid API key.", more={"details": [NOT_A_KEY]}),
    used_up=Fails(429, "You exceeded your current quota", more={"details": [DAILY]}),
    key_header="x-goog-api-key",
)
GROQ_CASE = Case(GROQ, GroqRules, suffix="/openai/v1", length_field="max_completion_tokens")
CLOUDFLARE_CASE = Case(
    CLOUDFLARE,
    CloudflareRules,
    suffix="/client/v4/accounts/{account_id}/ai/v1",
    settings={"account_id": ACCOUNT},
    wrong_key=Fails(401, "Authentication error", "10000"),
    used_up=Fails(429, "you have used up your daily free allocation of 10,000 neurons", "3036"),
)
SCRIPTED_CASE = Case(SCRIPTED, None)
COMPLETIONS = (OPENAI_CASE, CUSTOM_CASE, GROQ_CASE, CLOUDFLARE_CASE)
NETWORK = (*COMPLETIONS, ANTHROPIC_CASE, GOOGLE_CASE)
EVERY = (*NETWORK, SCRIPTED_CASE)
every = pytest.mark.parametrize("case", EVERY, ids=lambda case: case.provider.name)
network = pytest.mark.parametrize("case", NETWORK, ids=lambda case: case.provider.name)

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


def reply(
    case: Case,
    *answers: Any,
    request: ChatRequest | None = None,
    takes_no: tuple[str, ...] = (),
    **settings: Any,
) -> ChatReply:
    """What the model replies when its counterpart gives these answers."""
    return talk(
        case, answers, lambda world: world.model.reply(request or ask("Hi")), takes_no=takes_no, **settings
    )


def trouble(case: Case, *answers: Any, request: ChatRequest | None = None, **settings: Any) -> BotctlError:
    """The error that these answers lead to; it never has the key or the prompt in it."""
    with pytest.raises(BotctlError) as caught:
        reply(case, *answers, request=request, **settings)
    told = f"{caught.value.message} {caught.value.help}"
    assert KEY not in told and "horse" not in told
    return caught.value


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
                "retryable": answer.status in (408, 409, 429, 500, 503, 529),
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
