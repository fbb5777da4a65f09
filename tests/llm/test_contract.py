"""The contract of all providers, over the sockets and the wires that they really use."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from botctl.errors import BotctlError, OutsideError, UserError
from botctl.llm.chat import ChatReply, ChatRequest, ToolCall, ToolOffer, Turn, Usage
from tests.fakes.llm_server import Drops, Fails, Hangs, Says, Sends
from tests.llm.world import (
    ANTHROPIC_CASE,
    CUSTOM_CASE,
    EVERY,
    KEY,
    NETWORK,
    OPENAI_CASE,
    Case,
    World,
    ask,
    talk,
)

SECRET_PROMPT = "my password is correct horse battery staple"
every = pytest.mark.parametrize("case", EVERY, ids=lambda case: case.provider.name)
network = pytest.mark.parametrize("case", NETWORK, ids=lambda case: case.provider.name)


def reply(
    case: Case,
    *answers: Any,
    request: ChatRequest | None = None,
    takes_no: tuple[str, ...] = (),
    **settings: Any,
) -> ChatReply:
    return talk(
        case, answers, lambda world: world.model.reply(request or ask("Hi")), takes_no=takes_no, **settings
    )


def trouble(case: Case, *answers: Any, request: ChatRequest | None = None, **settings: Any) -> BotctlError:
    with pytest.raises(BotctlError) as caught:
        reply(case, *answers, request=request, **settings)
    told = f"{caught.value.message} {caught.value.help}"
    assert KEY not in told and "horse" not in told
    return caught.value


@every
def test_a_question_gets_the_text_of_the_answer(case: Case) -> None:
    said = reply(case, Says("Hello there"), request=ask("Hi", system="Be brief.", model="m-1"))

    assert (said.text, said.stop, said.model, said.tool_calls, said.notes) == (
        "Hello there",
        "end",
        "m-1",
        (),
        (),
    )


@network
def test_tokens_are_those_the_service_counted(case: Case) -> None:
    assert reply(case, Says("Hello")).usage == Usage(input_tokens=11, output_tokens=3)


@every
def test_tokens_are_counted_at_all(case: Case) -> None:
    usage = reply(case, Says("Hello there")).usage

    assert usage.input_tokens > 0 and usage.output_tokens > 0


@every
def test_a_tool_call_comes_back_as_an_object(case: Case) -> None:
    offer = ToolOffer(name="shop__get_order", description="Get it.", parameters={"properties": {}})

    said = reply(
        case, Says(calls=(("shop__get_order", '{"id": 1042}'),)), request=ask("1042?", tools=(offer,))
    )

    assert (said.stop, [(call.name, call.arguments) for call in said.tool_calls]) == (
        "tools",
        [("shop__get_order", {"id": 1042})],
    )
    assert said.tool_calls[0].id


@every
def test_a_malformed_tool_call_is_told_as_it_came(case: Case) -> None:
    said = reply(case, Says(calls=(("shop__get_order", "{id: 10"),)))

    assert said.tool_calls[0].arguments is None
    assert "{id: 10" in said.tool_calls[0].raw


@network
def test_calls_and_their_results_go_back_to_the_model(case: Case) -> None:
    names = ("shop__get.order", "shop__" + "long" * 20)
    calls = tuple(ToolCall(id=f"c{n}", name=name, arguments={"n": n}) for n, name in enumerate(names))
    request = ChatRequest(
        turns=(
            Turn(role="assistant", text="Welcome!"),
            Turn(role="user", text="two orders"),
            Turn(role="assistant", tool_calls=calls),
            Turn(role="tool", text='{"total": 5}', tool_call_id="c0", tool_name=names[0]),
            Turn(role="tool", text="down", tool_call_id="c1", tool_name=names[1], is_error=True),
            Turn(role="user", text=""),
        ),
        tools=tuple(ToolOffer(name=name, description="", parameters={}) for name in names),
    )

    assert reply(case, Says("Done"), request=request).text == "Done"


@network
def test_a_history_with_calls_is_taken_when_no_tool_is_offered_any_more(case: Case) -> None:
    call = ToolCall(id="c0", name="a.b", arguments=None, raw="{oops")
    request = ChatRequest(
        turns=(
            Turn(role="user", text="go"),
            Turn(role="assistant", text="I look.", tool_calls=(call,)),
            Turn(role="tool", text="", tool_call_id="c0", tool_name="a.b"),
        )
    )

    assert reply(case, Says("Done"), request=request).text == "Done"


@network
def test_a_tool_name_that_the_wire_refuses_comes_back_as_it_was(case: Case) -> None:
    offer = ToolOffer(
        name="shop__get order!", description="", parameters={"type": "object", "properties": {}}
    )
    request = ask("go", tools=(offer,))

    async def act(world: World) -> tuple[str, ChatReply]:
        await world.model.reply(request)
        tool = world.received[0].body["tools"][0]
        sent = tool.get("name") or tool["function"]["name"]
        return sent, await world.model.reply(request)

    sent, said = talk(case, (Says("wait"), Says(calls=(("shop__get_order__08fca69b", "{}"),))), act)

    assert (sent, said.tool_calls[0].name) == ("shop__get_order__08fca69b", "shop__get order!")


@every
def test_an_answer_that_was_cut_says_so(case: Case) -> None:
    said = reply(case, Says("Once upon", stop="length"))

    assert (said.text, said.stop) == ("Once upon", "length")


@every
def test_a_refusal_says_so(case: Case) -> None:
    said = reply(case, Says("I cannot help with that.", stop="refusal"))

    assert (said.text, said.stop) == ("I cannot help with that.", "refusal")


@every
def test_retry_after_is_obeyed_to_the_second(case: Case) -> None:
    async def act(world: World) -> tuple[int, ChatReply]:
        before = world.clock.now_ms()
        said = await world.model.reply(ask("Hi"))
        return world.clock.now_ms() - before, said

    waited, said = talk(case, (Fails(429, headers={"retry-after": "7"}), Says("ok")), act)

    assert (waited, said.text, len(said.notes)) == (7000, "ok", 1)


@network
@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"retry-after-ms": "250", "retry-after": "9"}, 250),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:03 GMT"}, 3000),
    ],
)
def test_retry_after_may_be_milliseconds_or_a_date(case: Case, headers: dict[str, str], waited: int) -> None:
    async def act(world: World) -> int:
        before = world.clock.now_ms()
        await world.model.reply(ask("Hi"))
        return world.clock.now_ms() - before

    assert talk(case, (Fails(429, headers=headers), Says("ok")), act) == waited


@every
@pytest.mark.parametrize("status", [408, 409, 429, 500, 529])
def test_a_transient_trouble_is_tried_again(case: Case, status: int) -> None:
    assert reply(case, Fails(status), Fails(status), Says("ok")).text == "ok"


@every
def test_a_third_trouble_in_a_row_is_told(case: Case) -> None:
    error = trouble(case, Fails(500))

    assert isinstance(error, OutsideError) and error.retryable


@network
def test_a_service_that_says_not_to_try_again_is_believed(case: Case) -> None:
    error = trouble(case, Fails(500, headers={"x-should-retry": "false"}), Says("too late"))

    assert isinstance(error, OutsideError) and not error.retryable


@network
def test_a_wait_longer_than_there_is_time_for_is_told_at_once(case: Case) -> None:
    error = trouble(case, Fails(429, headers={"retry-after": "3600"}), Says("too late"))

    assert isinstance(error, OutsideError)
    assert (error.retryable, error.not_executed, error.retry_after) == (True, True, 3600)


@network
@pytest.mark.parametrize("answer", [Drops(), Sends(b'{"id": "x"', promised=500)], ids=["dropped", "cut"])
def test_a_connection_that_breaks_is_tried_again(case: Case, answer: Drops | Sends) -> None:
    said = reply(case, answer, Says("ok"))

    assert (said.text, "broke the connection off" in said.notes[0]) == ("ok", True)


@network
def test_a_server_that_is_not_there_surely_did_nothing(case: Case) -> None:
    error = trouble(case, Says("never"), base_url="http://127.0.0.1:9/v1")

    assert isinstance(error, OutsideError)
    assert (error.message, error.retryable, error.not_executed) == (
        f"{case.provider.name} at 127.0.0.1:9 cannot be reached",
        True,
        True,
    )


@network
@pytest.mark.parametrize("drip", [False, True], ids=["silent", "a byte now and then"])
def test_a_call_ends_when_its_time_is_up(case: Case, drip: bool) -> None:
    error = trouble(case, Hangs(drip=drip), timeout=0.1)

    assert isinstance(error, OutsideError)
    assert ("did not answer within 100ms" in error.message, error.retryable) == (True, True)


@network
def test_a_wrong_key_is_the_users_to_mend(case: Case) -> None:
    error = trouble(case, Fails(401, f"Incorrect API key provided: {KEY}"), Says("never"))

    assert isinstance(error, UserError)
    assert error.message.startswith(case.provider.name) and error.message.endswith("refused the key")
    assert (case.provider.key_variable or "llm.api_key") in (error.help or "")


@network
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Fails(400, "maximum context length is 8192 tokens"), ": maximum context length is 8192 tokens"),
        (Fails(403, "no access"), "does not let this key use the model `m-1`: no access"),
        (Fails(404, "not found"), "does not know the model `m-1`: not found"),
        (Fails(413, "too large"), "refused the request (HTTP 413): too large"),
    ],
)
def test_a_wrong_request_is_told_in_the_services_words(case: Case, answer: Fails, told: str) -> None:
    error = trouble(case, answer, Says("never"), model="m-1")

    assert isinstance(error, UserError) and told in error.message


@network
def test_an_error_that_quotes_the_prompt_or_the_key_is_told_without(case: Case) -> None:
    quoting = Fails(400, f"cannot take: ...{SECRET_PROMPT[5:]}...", "bad_text")

    error = trouble(case, quoting, request=ask(SECRET_PROMPT))

    assert error.message.endswith("refused the request (HTTP 400): bad_text")
    assert "***" in trouble(case, Fails(400, f"the key {KEY} is odd")).message


@network
@pytest.mark.parametrize("answer", [Fails(402), Fails(429, "You ran out", "insufficient_quota")])
def test_a_quota_that_is_used_up_is_not_tried_again(case: Case, answer: Fails) -> None:
    error = trouble(case, answer, Says("never"))

    assert isinstance(error, OutsideError)
    assert (error.retryable, error.not_executed, "quota" in error.message) == (False, True, True)


@network
@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<!doctype html><p>Welcome to nginx", "answered with a web page instead of JSON"),
        (b'{"id": "x", "choi', "gave an answer that is cut off or no JSON"),
        (b"", "gave an empty answer"),
        (b"[]", "gave an answer that is no JSON object"),
        (b'{"choices": [], "content": []}', "gave an"),
        (b'{"choices": null, "content": null}', "gave an answer without"),
        (
            b'{"choices": [{"message": {"content": ""}}], "content": [{"type": "text", "text": ""}]}',
            "an empty",
        ),
        (b'{"error": {"code": 503, "message": "busy"}}', "is overloaded (HTTP 503): busy"),
    ],
)
def test_an_answer_that_makes_no_sense_is_an_outside_trouble(case: Case, body: bytes, told: str) -> None:
    error = trouble(case, Sends(body, "text/html" if body.startswith(b"<") else "application/json"))

    assert isinstance(error, OutsideError) and told in error.message


@network
def test_an_address_without_such_an_api_is_told(case: Case) -> None:
    error = trouble(replace(case, suffix="/elsewhere"), Says("never"))

    assert isinstance(error, UserError)
    assert error.message.endswith("has no such API at this address") and "/v1" in (error.help or "")


@network
def test_a_temperature_that_is_refused_is_left_out_with_a_note_and_for_good(case: Case) -> None:
    async def act(world: World) -> tuple[list[ChatReply], int]:
        request = ask("Hi", temperature=0.3)
        return [await world.model.reply(request) for _ in range(3)], len(world.received)

    replies, requests = talk(case, (Says("ok"),), act, takes_no=("temperature",))

    assert [(said.text, len(said.notes)) for said in replies] == [("ok", 1)] * 3
    assert all(said.notes[0].startswith("temperature was left out: ") for said in replies)
    assert requests == (3 if case is ANTHROPIC_CASE else 4)


@pytest.mark.parametrize("case", [OPENAI_CASE, CUSTOM_CASE], ids=["openai", "custom"])
@pytest.mark.parametrize(("asked", "sent"), [(0.0, 0.0), (None, 0.9)])
def test_a_temperature_that_is_taken_is_sent(case: Case, asked: float | None, sent: float) -> None:
    async def act(world: World) -> tuple[Any, tuple[str, ...]]:
        said = await world.model.reply(ask("Hi", temperature=asked))
        return world.received[0].body["temperature"], said.notes

    assert talk(case, (Says("ok"),), act, temperature=0.9) == (sent, ())


@pytest.mark.parametrize(
    ("case", "first", "then"),
    [
        (OPENAI_CASE, "max_completion_tokens", "max_tokens"),
        (CUSTOM_CASE, "max_tokens", "max_completion_tokens"),
    ],
    ids=["openai", "custom"],
)
def test_the_longest_answer_is_called_what_the_server_calls_it(case: Case, first: str, then: str) -> None:
    async def act(world: World) -> list[tuple[Any, Any]]:
        await world.model.reply(ask("Hi", max_tokens=5))
        await world.model.reply(ask("Hi"))
        return [(each.body.get(first), each.body.get(then)) for each in world.received]

    assert talk(case, (Says("ok"),), act, takes_no=(first,)) == [(5, None), (None, 5), (None, 8192)]


@network
def test_a_limit_that_is_too_large_is_the_users_to_mend(case: Case) -> None:
    field = "max_completion_tokens" if case is OPENAI_CASE else "max_tokens"

    error = trouble(case, Fails(400, f"{field} is too large: 8192", param=field), Says("never"))

    assert isinstance(error, UserError) and "too large" in error.message


@network
@pytest.mark.parametrize("takes_it", [True, False], ids=["taken", "refused"])
def test_a_schema_is_sent_as_such_or_else_in_words(case: Case, takes_it: bool) -> None:
    field = "output_config" if case is ANTHROPIC_CASE else "response_format"
    schema = {"type": "object", "properties": {"size": {"type": "integer"}}}

    async def act(world: World) -> tuple[int, ChatReply, list[str]]:
        said = await world.model.reply(ask("How big?", system="Be brief.", schema=schema))
        return len(world.received), said, [str(each.body) for each in world.received]

    takes_no = () if takes_it else (field,)
    requests, said, bodies = talk(case, (Says('{"size": 3}'),), act, takes_no=takes_no)

    assert (requests, said.text, len(said.notes)) == (
        (1, '{"size": 3}', 0) if takes_it else (2, '{"size": 3}', 1)
    )
    assert all("'size'" in body or '"size"' in body for body in bodies)
    assert all("Be brief." in body for body in bodies)


@network
def test_many_conversations_share_one_model(case: Case) -> None:
    async def act(world: World) -> tuple[set[str], int]:
        replies = await asyncio.gather(*(world.model.reply(ask(f"Hi {n}")) for n in range(20)))
        return {said.text for said in replies}, len(world.received)

    assert talk(case, (Says("ok"),), act) == ({"ok"}, 20)


@network
def test_concurrent_calls_that_meet_the_same_refusal_all_succeed(case: Case) -> None:
    async def act(world: World) -> list[str]:
        replies = await asyncio.gather(*(world.model.reply(ask("Hi", temperature=1)) for _ in range(8)))
        return [said.text for said in replies]

    assert talk(case, (Says("ok"),), act, takes_no=("temperature",)) == ["ok"] * 8


@network
def test_the_key_goes_where_the_service_looks_for_it(case: Case) -> None:
    async def act(world: World) -> Any:
        await world.model.reply(ask("Hi"))
        return world.received[0].headers["authorization"]

    assert talk(case, (Says("ok"),), act) == f"Bearer {KEY}"


@network
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"api_key": "sk-with space"}, "holds a space or a letter that no key has"),
        ({"api_key": "sk-grüße"}, "holds a space or a letter that no key has"),
        ({"base_url": "localhost:80/v1"}, "is not an address"),
    ],
)
def test_settings_that_cannot_be_right_are_told_when_connecting(
    case: Case, settings: dict[str, Any], told: str
) -> None:
    error = trouble(case, Says("never"), **settings)

    assert isinstance(error, UserError) and told in error.message


@pytest.mark.parametrize("case", [OPENAI_CASE, ANTHROPIC_CASE], ids=["openai", "anthropic"])
def test_a_missing_key_is_told_with_its_variable(case: Case) -> None:
    error = trouble(case, Says("never"), api_key="")

    assert isinstance(error, UserError)
    assert (case.provider.key_variable in (error.help or ""), "needs a key" in error.message) == (True, True)


def test_a_custom_server_gets_neither_openais_key_nor_its_organisation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-openai")

    async def act(world: World) -> str:
        await world.model.reply(ask("Hi"))
        return str(world.received[0].headers)

    assert "of-openai" not in talk(CUSTOM_CASE, (Says("ok"),), act, api_key="")


def test_a_custom_server_needs_an_address_and_a_model() -> None:
    assert "needs an address" in trouble(CUSTOM_CASE, Says("never"), base_url="").message
    assert "has no default model" in trouble(CUSTOM_CASE, Says("never"), model="").message
