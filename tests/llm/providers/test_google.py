"""Gemini, in what is its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from botctl.errors import OutsideError, UserError
from botctl.llm.chat import ChatReply, ChatRequest, ToolCall, ToolOffer, Turn, Usage
from tests.fakes.gemini_rules import SIGNATURE, UNSIGNED, GeminiRules
from tests.fakes.llm_server import Fails, Says, Sends
from tests.llm.world import GOOGLE_CASE, World, ask, reply, talk, trouble

OFFER = ToolOffer(name="shop__get_order", description="", parameters={"type": "object", "properties": {}})
MADE_UP = ToolCall(id="call_1_1", name="shop__get_order", arguments={"id": 1})
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7.5s"}


class BehindAProxy(GeminiRules):
    """Gemini at another path, in another version."""

    def __init__(self, *takes_no: str) -> None:
        super().__init__(*takes_no)
        self.path = "/proxy/v1beta/models/gemini-3.8-flash:generateContent"


def after_call(call: ToolCall, text: str = '{"total": 5}') -> ChatRequest:
    result = Turn(role="tool", text=text, tool_call_id=call.id, tool_name=call.name)
    turns = (Turn(role="user", text="go"), Turn(role="assistant", tool_calls=(call,)), result)
    return ChatRequest(turns=turns, tools=(OFFER,))


def sent(request: ChatRequest, **settings: Any) -> list[Any]:
    """The bodies that a request leads to."""

    async def act(world: World) -> list[Any]:
        await world.model.reply(request)
        return [received.body for received in world.received]

    return talk(GOOGLE_CASE, (Says("ok"),), act, **settings)


def test_what_gemini_signed_goes_back_with_the_call_it_stood_at() -> None:
    async def act(world: World) -> tuple[ToolCall, list[Any]]:
        said = await world.model.reply(ask("go", tools=(OFFER,)))
        await world.model.reply(after_call(said.tool_calls[0]))
        return said.tool_calls[0], [each.body for each in world.received]

    call, bodies = talk(GOOGLE_CASE, (Says(calls=(("shop__get_order", '{"id": 7}'),)), Says("Done")), act)

    part = bodies[1]["contents"][1]["parts"][0]
    assert (call.opaque, len(bodies)) == (SIGNATURE, 2)
    assert part == {
        "functionCall": {"name": "shop__get_order", "args": {"id": 7}},
        "thoughtSignature": SIGNATURE.replace("+", "-").replace("/", "_"),
    }


@pytest.mark.parametrize("opaque", ["", "not base64!", "b3RoZXI="], ids=["none", "broken", "another's"])
def test_a_call_of_another_model_is_marked_as_such_when_gemini_misses_its_signature(opaque: str) -> None:
    call = ToolCall(id="toolu_1", name="shop__get_order", arguments=None, raw="{oops", opaque=opaque)

    bodies = sent(after_call(call))

    part = bodies[1]["contents"][1]["parts"][0]
    assert (len(bodies), part["thoughtSignature"], part["functionCall"]["args"]) == (
        2,
        UNSIGNED,
        {"malformed": "{oops"},
    )


def test_an_id_of_geminis_goes_back_and_one_of_ours_does_not() -> None:
    own = ToolCall(id="fc-1", name="shop__get_order", arguments={}, opaque=SIGNATURE)

    theirs, ours = sent(after_call(own))[0]["contents"], sent(after_call(MADE_UP))[0]["contents"]

    assert (theirs[1]["parts"][0]["functionCall"]["id"], theirs[2]["parts"][0]["functionResponse"]["id"]) == (
        "fc-1",
        "fc-1",
    )
    assert "id" not in str(ours[2]) and "'id': 'call" not in str(ours[1])


def test_results_stand_together_and_apart_from_what_the_user_says_next() -> None:
    request = after_call(MADE_UP)
    failed = Turn(role="tool", text="down", tool_call_id="b", tool_name="shop__get_order", is_error=True)
    calls = (MADE_UP, ToolCall(id="b", name="shop__get_order", arguments={}))
    turns = (
        request.turns[0],
        Turn(role="assistant", tool_calls=calls),
        request.turns[2],
        failed,
        Turn(role="user", text="and?"),
    )

    contents = sent(ChatRequest(turns=turns, tools=(OFFER,)))[-1]["contents"]

    assert [content["parts"] for content in contents[2:]] == [
        [
            {"functionResponse": {"name": "shop__get_order", "response": {"output": '{"total": 5}'}}},
            {"functionResponse": {"id": "b", "name": "shop__get_order", "response": {"error": "down"}}},
        ],
        [{"text": "and?"}],
    ]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (b'{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}', "blocked (PROHIBITED_CONTENT)"),
        (b'{"candidates": [{"finishReason": "SAFETY"}]}', "gave no answer: SAFETY"),
        (b'{"candidates": [{"finishReason": "RECITATION", "finishMessage": "Known text."}]}', "Known text."),
    ],
)
def test_a_block_is_a_refusal_and_its_reason_a_note(document: bytes, told: str) -> None:
    said = reply(GOOGLE_CASE, Sends(document))

    assert (said.text, said.stop) == ("", "refusal")
    assert told in said.notes[0] and "did not count the tokens" in said.notes[1]


def test_thinking_counts_as_output_and_its_text_is_not_said() -> None:
    document = (
        b'{"candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": "Hm.", "thought": true},'
        b' {"text": "Yes."}]}}], "modelVersion": "gemini-x-001",'
        b' "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 1, "thoughtsTokenCount": 90}}'
    )

    said = reply(GOOGLE_CASE, Sends(document))

    usage = Usage(input_tokens=4, output_tokens=91)
    assert said == ChatReply(text="Yes.", model="gemini-x-001", usage=usage)


def test_an_answer_that_thinking_used_up_is_one_that_was_cut() -> None:
    said = reply(GOOGLE_CASE, Sends(b'{"candidates": [{"finishReason": "MAX_TOKENS", "content": {}}]}'))

    assert (said.text, said.stop) == ("", "length")


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"])
def test_a_call_where_none_is_offered_is_an_outside_trouble(reason: str) -> None:
    error = trouble(GOOGLE_CASE, Sends(b'{"candidates": [{"finishReason": "%s"}]}' % reason.encode()))

    assert isinstance(error, OutsideError) and "though no tool was offered" in error.message


def test_the_delay_in_the_details_is_obeyed() -> None:
    async def act(world: World) -> int:
        before = world.clock.now_ms()
        await world.model.reply(ask("Hi"))
        return world.clock.now_ms() - before

    busy = Fails(429, "Resource has been exhausted", more={"details": [RETRY]})

    assert talk(GOOGLE_CASE, (busy, Says("ok")), act) == 7500


def test_a_base_url_may_say_the_version() -> None:
    async def act(world: World) -> str:
        await world.model.reply(ask("Hi"))
        return world.received[0].path

    beta = replace(GOOGLE_CASE, rules=BehindAProxy, suffix="/proxy/v1beta")

    assert talk(beta, (Says("ok"),), act) == "/proxy/v1beta/models/gemini-3.8-flash:generateContent"


def test_the_sdks_variables_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "of-somebody-else")
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "beta")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:9")

    async def act(world: World) -> tuple[str, bool]:
        await world.model.reply(ask("Hi"))
        return world.received[0].path, "of-somebody-else" in str(world.received[0])

    path, is_told = talk(GOOGLE_CASE, (Says("ok"),), act)

    assert (path.startswith("/v1/models/"), is_told) == (True, False)


def test_a_model_that_no_path_can_hold_is_the_users_to_mend() -> None:
    error = trouble(GOOGLE_CASE, Says("never"), model="../secrets?x=1")

    assert isinstance(error, UserError) and "is no name of a model" in error.message
