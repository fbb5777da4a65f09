"""The fallback chain."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from botctl.errors import OutsideError, UserError
from botctl.llm.chat import ChatModel, ChatReply, ChatRequest
from botctl.llm.fallback import Candidate, FallbackModel
from tests.fakes.llm_server import Fails, ModelServer, OpenAIRules, Says
from tests.llm.world import ANTHROPIC_CASE, OPENAI_CASE, SCRIPTED_CASE, World, ask, settings_for, talk

BUSY = OutsideError("first is overloaded", retryable=True)
ABSENT = OutsideError("second cannot be reached", retryable=True, not_executed=True, retry_after=9)
BROKEN = OutsideError("first answered with a web page")
WRONG = UserError("first refused the key", help="set KEY")


class Fixed:
    """A model that always does the same, and remembers what it was asked."""

    def __init__(self, does: ChatReply | Exception) -> None:
        self.does = does
        self.asked: list[ChatRequest] = []
        self.is_open = True

    async def reply(self, request: ChatRequest) -> ChatReply:
        self.asked.append(request)
        if isinstance(self.does, Exception):
            raise self.does
        return self.does

    async def close(self) -> None:
        self.is_open = False


def chain(*models: ChatModel) -> FallbackModel:
    names = ("first", "second", "third")
    return FallbackModel(
        [Candidate(name=name, model=model) for name, model in zip(names, models, strict=False)]
    )


def said(text: str) -> ChatReply:
    return ChatReply(text=text, model="m", notes=("own",))


def outcome(models: Sequence[Fixed]) -> tuple[ChatReply | Exception, list[int]]:
    """What a chain gives, and how often each model was asked."""
    try:
        got: ChatReply | Exception = asyncio.run(chain(*models).reply(ask("Hi", model="m-1")))
    except (OutsideError, UserError) as error:
        got = error
    return got, [len(model.asked) for model in models]


def test_a_model_that_answers_stands_for_itself() -> None:
    assert outcome([Fixed(said("a")), Fixed(said("b"))]) == (said("a"), [1, 0])


def test_the_next_answers_for_one_that_is_down_and_a_note_says_so() -> None:
    models = [Fixed(BUSY), Fixed(ABSENT), Fixed(said("c"))]

    reply, asked = outcome(models)

    assert isinstance(reply, ChatReply)
    assert (reply.text, asked) == ("c", [1, 1, 1])
    assert reply.notes == (
        "third answered instead of first (which may have charged for it): first is overloaded",
        "third answered instead of second: second cannot be reached",
        "own",
    )


def test_only_the_first_is_asked_for_the_model_that_a_request_names() -> None:
    models = [Fixed(BUSY), Fixed(said("b"))]

    outcome(models)

    assert [model.asked[0].model for model in models] == ["m-1", ""]


@pytest.mark.parametrize("error", [BROKEN, WRONG], ids=["not retryable", "the user's matter"])
def test_nobody_stands_in_for_one_that_is_not_down(error: Exception) -> None:
    assert outcome([Fixed(error), Fixed(said("b"))]) == (error, [1, 0])


def test_a_refusal_is_an_answer() -> None:
    refusal = ChatReply(text="No.", model="m", stop="refusal")

    assert outcome([Fixed(refusal), Fixed(said("b"))]) == (refusal, [1, 0])


def test_a_wrong_key_of_the_one_that_stands_in_is_told() -> None:
    assert outcome([Fixed(BUSY), Fixed(WRONG), Fixed(said("c"))]) == (WRONG, [1, 1, 0])


def test_when_all_are_down_each_is_told_and_the_shortest_wait() -> None:
    error, _ = outcome([Fixed(BUSY), Fixed(ABSENT)])

    assert isinstance(error, OutsideError)
    assert (error.message, error.retryable, error.not_executed, error.retry_after) == (
        "no model answered: first is overloaded; second cannot be reached",
        True,
        False,
        9,
    )


def test_one_model_alone_fails_in_its_own_words() -> None:
    assert outcome([Fixed(ABSENT)]) == (ABSENT, [1])


def test_closing_a_chain_closes_all() -> None:
    models = [Fixed(BUSY), Fixed(BUSY)]

    asyncio.run(chain(*models).close())

    assert [model.is_open for model in models] == [False, False]


def test_another_provider_answers_after_all_tries_of_the_first() -> None:
    async def act(world: World) -> tuple[ChatReply, int, list[str]]:
        async with ModelServer(OpenAIRules(), Says("Here.")) as server:
            other = OPENAI_CASE.provider.connect(settings_for(OPENAI_CASE, server.address), world.clock)
            both = chain(world.model, other)
            reply = await both.reply(ask("Hi", model="claude-x"))
            await both.close()
            return reply, len(world.received), [each.body["model"] for each in server.received]

    reply, tries, models = talk(ANTHROPIC_CASE, (Fails(529, "Overloaded"),), act)

    assert (reply.text, tries, models) == ("Here.", 3, [OPENAI_CASE.provider.default_model])
    assert reply.notes[0].startswith("second answered instead of first (which may have charged for it): ")


def test_a_script_may_stand_in_for_a_model() -> None:
    async def act(world: World) -> str:
        return (await chain(Fixed(BUSY), world.model).reply(ask("Hi"))).text

    assert talk(SCRIPTED_CASE, (Says("from the script"),), act) == "from the script"
