"""The llm_call node."""

from __future__ import annotations

from typing import Any

import pytest

from botctl.errors import UserError
from botctl.execution.outcome import Done
from botctl.llm.chat import ChatReply, ChatRequest, Turn, Usage
from botctl.nodes.llm_call import LLM_CALL
from tests.nodes.world import RememberingJournal, SpeakingModel, a_step, codes, execute

SCHEMA = {"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]}


def test_the_answer_is_kept_with_its_tokens_and_as_ai_response() -> None:
    model = SpeakingModel("billing")
    step = a_step(model=model, variables={"message": "my bill"})

    outcome = execute(LLM_CALL, {"prompt": "Classify: {{message}}", "outputVariable": "intent"}, step)

    assert outcome == Done(
        writes={
            "ai_response": "billing",
            "intent": {"text": "billing", "tokensInput": 7, "tokensOutput": 2},
        }
    )
    assert model.requests == [
        ChatRequest(turns=(Turn(role="user", text="Classify: my bill"),), system="You help.", temperature=0.3)
    ]
    assert (step.log.tokens_input, step.log.tokens_output, step.log.model) == (7, 2, "scripted")


def test_without_an_output_variable_only_ai_response_is_set() -> None:
    outcome = execute(LLM_CALL, {"prompt": "Hi"}, a_step(model=SpeakingModel("Hello")))

    assert outcome == Done(writes={"ai_response": "Hello"})


def test_the_node_overrules_the_bot() -> None:
    model = SpeakingModel("x")
    written = {"prompt": "p", "model": "big", "system": "", "temperature": 0, "max_tokens": 5}

    execute(LLM_CALL, written, a_step(model=model))

    assert model.requests == [
        ChatRequest(turns=(Turn(role="user", text="p"),), model="big", temperature=0, max_tokens=5)
    ]


@pytest.mark.parametrize(
    ("history", "before"),
    [(None, ()), ((Turn(role="user", text="earlier"),), (Turn(role="user", text="earlier"),))],
)
def test_history_goes_before_the_prompt(history: tuple[Turn, ...] | None, before: tuple[Turn, ...]) -> None:
    model = SpeakingModel("x")

    execute(LLM_CALL, {"prompt": "p", "history": True}, a_step(model=model, history=history))

    assert model.requests[0].turns == (*before, Turn(role="user", text="p"))


def test_a_step_that_is_entered_again_does_not_ask_again() -> None:
    journal, model = RememberingJournal(), SpeakingModel("once")

    execute(LLM_CALL, {"prompt": "p"}, a_step(model=model, journal=journal))
    again = execute(LLM_CALL, {"prompt": "p"}, a_step(model=model, journal=journal))

    assert again == Done(writes={"ai_response": "once"})
    assert journal.repeatable == {"answer": True}


@pytest.mark.parametrize(
    "text",
    [
        '{"size": 3}',
        '```json\n{"size": 3}\n```',
        'Here: ```json {"size": 3}``` as asked',
        '```{"size": 3}```',
    ],
)
def test_with_a_schema_the_parsed_answer_is_json(text: str) -> None:
    model = SpeakingModel(text)

    outcome = execute(
        LLM_CALL, {"prompt": "p", "schema": SCHEMA, "outputVariable": "lead"}, a_step(model=model)
    )

    assert isinstance(outcome, Done)
    assert outcome.writes["lead"]["json"] == {"size": 3}
    assert model.requests[0].schema == SCHEMA


def test_an_answer_that_does_not_fit_is_asked_for_once_more() -> None:
    model = SpeakingModel('{"size": "big"}', '{"size": 4}')
    step = a_step(model=model)

    outcome = execute(LLM_CALL, {"prompt": "p", "schema": SCHEMA, "outputVariable": "lead"}, step)

    assert isinstance(outcome, Done)
    assert outcome.writes["lead"] == {
        "text": '{"size": 4}',
        "tokensInput": 14,
        "tokensOutput": 4,
        "json": {"size": 4},
    }
    assert [turn.role for turn in model.requests[1].turns] == ["user", "assistant", "user"]
    assert "'big' is not of type 'integer'" in model.requests[1].turns[2].text


def test_an_answer_that_never_fits_fails_the_node() -> None:
    model = SpeakingModel("no", "still no")

    with pytest.raises(UserError, match="does not fit `schema`: it is not JSON"):
        execute(LLM_CALL, {"prompt": "p", "schema": SCHEMA}, a_step(model=model))


def test_a_schema_that_is_none_is_told_as_such() -> None:
    with pytest.raises(UserError, match="`schema` is not a JSON Schema"):
        execute(LLM_CALL, {"prompt": "p", "schema": {"type": "objekt"}}, a_step(model=SpeakingModel("{}")))


def test_a_field_named_schema_is_not_written_otherwise() -> None:
    with pytest.raises(ValueError, match="answer_schema"):
        LLM_CALL.data.model_validate({"prompt": "p", "answer_schema": {}})


@pytest.mark.parametrize(
    ("reply", "notes"),
    [
        (ChatReply(text="cut", model="m", stop="length"), ["the answer was cut: it reached max_tokens"]),
        (ChatReply(text="I cannot", model="m", stop="refusal"), ["the model refused to answer"]),
        (ChatReply(text="x", model="m", notes=("temperature was left out",)), ["temperature was left out"]),
    ],
)
def test_what_the_provider_tells_is_in_the_trace(reply: ChatReply, notes: list[str]) -> None:
    step = a_step(model=SpeakingModel(reply))

    outcome = execute(LLM_CALL, {"prompt": "p"}, step)

    assert outcome == Done(writes={"ai_response": reply.text})
    assert step.log.notes == notes


def test_a_refusal_is_not_asked_again_for_json() -> None:
    refusal = ChatReply(text="I cannot", model="m", stop="refusal", usage=Usage())

    with pytest.raises(UserError, match="does not fit"):
        execute(LLM_CALL, {"prompt": "p", "schema": SCHEMA}, a_step(model=SpeakingModel(refusal)))


def test_an_empty_prompt_is_not_sent() -> None:
    with pytest.raises(UserError, match="the prompt came out empty"):
        execute(LLM_CALL, {"prompt": "{{message}}"}, a_step(variables={"message": " "}))


@pytest.mark.parametrize(
    "written",
    [{}, {"prompt": ""}, {"prompt": "p", "temperature": 3}, {"prompt": "p", "outputVariable": "a b"}],
)
def test_data_that_cannot_work_is_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"prompt|temperature|outputVariable"):
        LLM_CALL.data.model_validate(written)


def test_a_template_that_cannot_be_read_is_found_in_prompt_and_system() -> None:
    written = {"prompt": "{{ }}", "system": "{{a b}}"}

    assert codes(LLM_CALL, written) == ["VR301", "VR301"]
