"""A second opinion: what somebody else's fake services, and their verdict, say of our providers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from botctl.clock import SystemClock
from botctl.llm.chat import ChatModel, ChatReply, ChatRequest, ToolOffer, Turn
from tests.llm.world import ANTHROPIC_CASE, GOOGLE_CASE, GROQ_CASE, OPENAI_CASE, Case, ask, settings_for

testing = pytest.importorskip("llmock.testing")
scenarios = pytest.importorskip("llmock.scenarios")
verdict = pytest.importorskip("llmock.verdict")

PLACES = {"openai": "/v1", "anthropic": "/anthropic", "google": "/gemini/v1beta", "groq": "/groq/openai/v1"}
four = pytest.mark.parametrize(
    "case", [OPENAI_CASE, ANTHROPIC_CASE, GOOGLE_CASE, GROQ_CASE], ids=lambda case: case.provider.name
)
OFFER = ToolOffer(
    name="get_order",
    description="Get an order.",
    parameters={"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
)


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with testing.LLMockServer() as server:
        yield server


@pytest.fixture
def server(running: Any) -> Any:
    running.state.reset()
    return running


def asked(server: Any, case: Case, act: Callable[[ChatModel], Awaitable[ChatReply]]) -> ChatReply:
    """What a model says to `act`, by a clock that runs."""
    settings = settings_for(case, server.url, base_url=server.url + PLACES[case.provider.name])
    model = case.provider.connect(settings, SystemClock())

    async def live() -> ChatReply:
        try:
            return await act(model)
        finally:
            await model.close()

    return asyncio.run(live())


@four
def test_a_tool_is_called_and_its_result_answered(server: Any, case: Case) -> None:
    async def act(model: ChatModel) -> ChatReply:
        first = await model.reply(ask("Where is order 7?", tools=(OFFER,)))
        (call,) = first.tool_calls
        result = Turn(role="tool", text="at sea", tool_call_id=call.id, tool_name=call.name)
        said = Turn(role="assistant", text=first.text, tool_calls=first.tool_calls)
        turns = (Turn(role="user", text="Where is order 7?"), said, result)
        return await model.reply(ChatRequest(turns=turns, tools=(OFFER,)))

    said = asked(server, case, act)

    assert (said.stop, bool(said.text), said.usage.input_tokens > 0) == ("end", True, True)


@four
def test_the_verdict_on_our_manners_is_that_there_is_nothing_to_say(server: Any, case: Case) -> None:
    server.state.scenarios.add(scenarios.Fail(status=429, retry_after=0.2))

    said = asked(server, case, lambda model: model.reply(ask("Hi")))

    found = verdict.judge(server.state.journal.records())
    assert (len(said.notes), [each.code for each in found.findings]) == (1, [])
