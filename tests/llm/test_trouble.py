"""The contract of all providers, over the sockets and the wires that they really use: how they fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from botctl.errors import OutsideError, UserError
from botctl.llm.chat import ChatReply
from tests.fakes.llm_server import Drops, Fails, Hangs, Says, Sends
from tests.llm.world import (
    ANTHROPIC_CASE,
    CUSTOM_CASE,
    KEY,
    OPENAI_CASE,
    Case,
    World,
    ask,
    every,
    network,
    reply,
    talk,
    trouble,
)

EMPTY = (
    b'{"choices": [{"message": {"content": ""}}], "content": [{"type": "text", "text": ""}],'
    b'"candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": "STOP"}]}'
)
SECRET_PROMPT = "my password is correct horse battery staple"


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
@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 529])
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
    error = trouble(case, case.wrong_key, Says("never"))

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
@pytest.mark.parametrize("is_unpaid", [True, False], ids=["not paid", "used up"])
def test_a_quota_that_is_used_up_is_not_tried_again(case: Case, is_unpaid: bool) -> None:
    error = trouble(case, Fails(402) if is_unpaid else case.used_up, Says("never"))

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
        (b'{"choices": [], "content": [], "candidates": []}', "gave an"),
        (b'{"choices": null, "content": null, "candidates": null}', "gave an answer without"),
        (EMPTY, "an empty"),
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
    assert error.message.endswith("has no such API at this address") and "llm.base_url" in (error.help or "")


@network
def test_a_limit_that_is_too_large_is_the_users_to_mend(case: Case) -> None:
    field = case.length_field

    error = trouble(case, Fails(400, f"{field} is too large: 8192", param=field), Says("never"))

    assert isinstance(error, UserError) and "too large" in error.message


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


def test_a_custom_server_needs_an_address_and_a_model() -> None:
    assert "needs an address" in trouble(CUSTOM_CASE, Says("never"), base_url="").message
    assert "has no default model" in trouble(CUSTOM_CASE, Says("never"), model="").message
