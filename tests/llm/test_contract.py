"""The contract of all providers, over the sockets and the wires that they really use: what they answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from botctl.llm.chat import ChatReply, ChatRequest, ToolCall, ToolOffer, Turn, Usage
from botctl.llm.tool_names import ToolNames
from tests.fakes.llm_server import Says
from tests.llm.world import (
    ANTHROPIC_CASE,
    CLOUDFLARE_CASE,
    COMPLETIONS,
    CUSTOM_CASE,
    GOOGLE_CASE,
    GROQ_CASE,
    KEY,
    OPENAI_CASE,
    Case,
    World,
    ask,
    every,
    network,
    reply,
    talk,
)


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
    offer = ToolOffer(name="shop__get_order", description="", parameters={})

    said = reply(case, Says(calls=(("shop__get_order", "{id: 10"),)), request=ask("go", tools=(offer,)))

    call = said.tool_calls[0]
    assert (said.stop, call.name, call.arguments) == ("tools", "shop__get_order", None)
    assert call.id and "{id: 10" in call.raw


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
        sent = _offered(world.received[0].body)[0]
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


@network
def test_a_temperature_that_is_refused_is_left_out_with_a_note_and_for_good(case: Case) -> None:
    async def act(world: World) -> tuple[list[ChatReply], int]:
        request = ask("Hi", temperature=0.3)
        return [await world.model.reply(request) for _ in range(3)], len(world.received)

    replies, requests = talk(case, (Says("ok"),), act, takes_no=("temperature",))

    assert [(said.text, len(said.notes)) for said in replies] == [("ok", 1)] * 3
    assert all(said.notes[0].startswith("temperature was left out: ") for said in replies)
    assert requests == (3 if case is ANTHROPIC_CASE else 4)


@pytest.mark.parametrize("case", [*COMPLETIONS, GOOGLE_CASE], ids=lambda case: case.provider.name)
@pytest.mark.parametrize(("asked", "sent"), [(0.0, 0.0), (None, 0.9)])
def test_a_temperature_that_is_taken_is_sent(case: Case, asked: float | None, sent: float) -> None:
    async def act(world: World) -> tuple[Any, tuple[str, ...]]:
        said = await world.model.reply(ask("Hi", temperature=asked))
        body = world.received[0].body
        return body.get("generationConfig", body)["temperature"], said.notes

    assert talk(case, (Says("ok"),), act, temperature=0.9) == (sent, ())


@pytest.mark.parametrize(
    ("case", "first", "then"),
    [
        (OPENAI_CASE, "max_completion_tokens", "max_tokens"),
        (CUSTOM_CASE, "max_tokens", "max_completion_tokens"),
        (GROQ_CASE, "max_completion_tokens", "max_tokens"),
        (CLOUDFLARE_CASE, "max_tokens", "max_completion_tokens"),
    ],
    ids=["openai", "custom", "groq", "cloudflare"],
)
def test_the_longest_answer_is_called_what_the_server_calls_it(case: Case, first: str, then: str) -> None:
    async def act(world: World) -> list[tuple[Any, Any]]:
        await world.model.reply(ask("Hi", max_tokens=5))
        await world.model.reply(ask("Hi"))
        return [(each.body.get(first), each.body.get(then)) for each in world.received]

    assert talk(case, (Says("ok"),), act, takes_no=(first,)) == [(5, None), (None, 5), (None, 8192)]


@network
@pytest.mark.parametrize("takes_it", [True, False], ids=["taken", "refused"])
def test_a_schema_is_sent_as_such_or_else_in_words(case: Case, takes_it: bool) -> None:
    schema = {"type": "object", "properties": {"size": {"type": "integer"}}}

    async def act(world: World) -> tuple[int, ChatReply, list[str]]:
        said = await world.model.reply(ask("How big?", system="Be brief.", schema=schema))
        return len(world.received), said, [str(each.body) for each in world.received]

    takes_no = () if takes_it else (case.schema_field,)
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
        return world.received[0].headers[case.key_header]

    assert talk(case, (Says("ok"),), act).removeprefix("Bearer ") == KEY


def test_a_custom_server_gets_neither_openais_key_nor_its_organisation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-openai")

    async def act(world: World) -> str:
        await world.model.reply(ask("Hi"))
        return str(world.received[0].headers)

    assert "of-openai" not in talk(CUSTOM_CASE, (Says("ok"),), act, api_key="")


@network
def test_two_rounds_of_calls_side_by_side_lead_to_a_text(case: Case) -> None:
    names = ("shop__get.order", "crm__find")
    offers = tuple(ToolOffer(name=name, description="Find it.", parameters={}) for name in names)

    async def act(world: World) -> tuple[list[list[str]], set[str], ChatReply]:
        turns = ask("two orders").turns
        ids: list[list[str]] = []
        for number in range(2):
            said = await world.model.reply(ChatRequest(turns=turns, tools=offers))
            ids.append([call.id for call in said.tool_calls])
            results = tuple(
                Turn(
                    role="tool",
                    text=f"{number} {call.name}",
                    tool_call_id=call.id,
                    tool_name=call.name,
                    is_error=call.name == "crm__find",
                )
                for call in said.tool_calls
            )
            turns = (*turns, Turn(role="assistant", text=said.text, tool_calls=said.tool_calls), *results)
        called = {call.name for turn in turns for call in turn.tool_calls}
        return ids, called, await world.model.reply(ChatRequest(turns=turns))

    calls = ((ToolNames(names).safe(names[0]), '{"id": 1}'), ("crm__find", "{}"))
    both = Says("I look.", calls=calls)
    ids, called, said = talk(case, (both, both, Says("Done")), act)

    assert (called, said.text, [len(each) for each in ids]) == (set(names), "Done", [2, 2])
    if case is GOOGLE_CASE:  # which gives none: those that we make up must differ
        assert len({call_id for each in ids for call_id in each}) == 4


def _offered(body: dict[str, Any]) -> list[str]:
    """The names of the tools in a request, on any wire."""
    tools = [each for tool in body["tools"] for each in tool.get("functionDeclarations", [tool])]
    return [str(tool.get("name") or tool["function"]["name"]) for tool in tools]
