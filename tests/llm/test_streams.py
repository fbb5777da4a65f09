"""Streamed answers: the same reply as at once, told while it is written; broken ones are errors."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from msgspec.structs import replace

from botctl.errors import OutsideError
from botctl.llm.chat import ChatReply, ToolOffer
from tests.fakes.llm_server import Breaks, Fails, Says, Sends
from tests.llm.world import COMPLETIONS, Case, ask, network, reply, trouble

WORDS = "It is sunny in Rome."
OFFER = ToolOffer(
    name="w__look", description="", parameters={"type": "object", "properties": {"at": {"type": "string"}}}
)
_PORT = re.compile(r":\d+")
ANSWERS = (
    Says(WORDS),
    Says("", calls=(("w__look", '{"at": "Rome"}'), ("w__look", '{"at": "Oslo"}'))),
    Says("One moment.", calls=(("w__look", '{"at": "Rome"}'),)),
    Says("It is", stop="length"),
)


def streamed(case: Case, *answers: Any) -> tuple[ChatReply, list[str]]:
    """The reply to a request that wants to hear it grow, and what it heard."""
    heard: list[str] = []
    request = ask("How is the weather?", tools=(OFFER,), on_text=heard.append)
    return reply(case, *answers, request=request), heard


@network
@pytest.mark.parametrize("says", ANSWERS, ids=["text", "calls", "both", "cut"])
def test_a_streamed_answer_is_the_one_that_comes_at_once(case: Case, says: Says) -> None:
    at_once = reply(case, says, request=ask("How is the weather?", tools=(OFFER,)))

    told, heard = streamed(case, says)

    assert told == at_once
    assert heard[-1:] == ([says.text] if says.text else [])
    assert heard == [says.text[: 4 * n] for n in range(1, len(heard))] + heard[-1:]


@network
@pytest.mark.parametrize("quietly", [False, True], ids=["cut", "ended"])
def test_a_stream_that_breaks_off_is_asked_for_again(case: Case, quietly: bool) -> None:
    told, heard = streamed(case, Breaks(Says(WORDS), 3, quietly=quietly), Says("Rain."))

    assert (told.text, heard[-1]) == ("Rain.", "Rain.")
    assert len(told.notes) == 1 and told.notes[0].startswith("asked again after ")


@network
def test_a_model_whose_streams_always_break_is_down(case: Case) -> None:
    error = trouble(case, Breaks(Says(WORDS), 3), request=ask("Hi", on_text=lambda text: None))

    assert isinstance(error, OutsideError) and error.retryable and error.tried_again


@network
def test_a_refusal_before_a_stream_means_what_it_always_means(case: Case) -> None:
    error = trouble(case, Fails(404, "no such model"), request=ask("Hi", on_text=lambda text: None))

    usual = trouble(case, Fails(404, "no such model"))
    assert [_PORT.sub("", one.message) for one in (error, usual)] == [_PORT.sub("", usual.message)] * 2
    assert type(error) is type(usual)


@pytest.mark.parametrize("case", COMPLETIONS, ids=lambda case: case.provider.name)
def test_a_server_that_cannot_stream_answers_at_once(case: Case) -> None:
    assert case.rules is not None
    document = case.rules().document(Says(WORDS), {"model": "m"})

    told, heard = streamed(case, Sends(json.dumps(document).encode()))
    refused, _ = streamed(case, Fails(400, "stream is not supported"), Says(WORDS))

    assert (told.text, heard, refused.text) == (WORDS, [], WORDS)


@pytest.mark.parametrize("case", COMPLETIONS, ids=lambda case: case.provider.name)
def test_an_error_in_the_midst_of_a_stream_is_tried_again(case: Case) -> None:
    midst = b'data: {"error": {"message": "overloaded", "type": "server_error"}}\n\n'

    told, _ = streamed(case, Sends(midst, "text/event-stream"), Says(WORDS))

    assert replace(told, notes=()).text == WORDS
