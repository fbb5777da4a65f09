"""The scripted model."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from botctl.clock import StandingClock
from botctl.errors import OutsideError, UserError
from botctl.llm.chat import ChatReply, ChatRequest, ToolCall, ToolOffer, Turn, Usage
from botctl.llm.provider import ModelSettings
from botctl.llm.providers.scripted import SCRIPTED, ScriptEntry
from botctl.section import described
from tests.llm.world import ask

QUESTION = Turn(role="user", text="Where is my ORDER 1042?")


class Script:
    """A script on disk, and the model that answers from it."""

    def __init__(self, folder: Path, text: str, **settings: Any) -> None:
        self.file = folder / "script.yaml"
        self.file.write_text(text)
        self.clock = StandingClock()
        written = ModelSettings(provider="scripted", script=str(self.file), **settings)
        self.model = SCRIPTED.connect(written, self.clock)

    def reply(self, request: ChatRequest) -> ChatReply:
        return asyncio.run(self.model.reply(request))

    def says(self, *turns: Turn, **more: Any) -> str:
        return self.reply(ChatRequest(turns=turns, **more)).text


def result(tool: str, text: str) -> Turn:
    return Turn(role="tool", text=text, tool_call_id="c", tool_name=tool)


def test_the_first_entry_that_is_found_in_the_last_user_message_answers(tmp_path: Path) -> None:
    script = Script(
        tmp_path, "- {match: 'refund', reply: r}\n- {match: 'order \\d+', reply: o}\n- reply: x\n"
    )

    assert script.says(QUESTION) == "o"
    assert script.says(Turn(role="user", text="refund"), QUESTION) == "o"
    assert script.says(Turn(role="user", text="something else")) == "x"
    assert script.says() == "x"


def test_patterns_and_groups_fill_in_the_reply(tmp_path: Path) -> None:
    script = Script(
        tmp_path, "- {match: '(?P<what>order) (\\d+)', reply: '{{ 0 }}|{{what}}|{{2}}|{{3}}|{{no}}'}\n"
    )

    assert script.says(QUESTION) == "ORDER 1042|ORDER|1042|{{3}}|{{no}}"


def test_a_value_is_never_filled_in_again(tmp_path: Path) -> None:
    script = Script(tmp_path, "- {match: '(.*)', reply: 'You said {{1}}'}\n")

    assert script.says(Turn(role="user", text="{{result}}")) == "You said {{result}}"


def test_a_tool_is_called_and_its_result_told(tmp_path: Path) -> None:
    script = Script(
        tmp_path,
        """
- match: order (\\d+)
  calls:
    - {tool: shop__get_order, arguments: {id: "{{1}}", note: "order {{1}}", tags: ["{{1}}"]}}
    - {tool: shop__get_customer}
- after_tool: shop__get_order
  reply: "It is {{result}}."
- reply: Bye
""",
    )
    number = {"properties": {"id": {"type": "integer"}}}
    offer = ToolOffer(name="shop__get_order", description="", parameters=number)

    first = script.reply(ChatRequest(turns=(QUESTION,), tools=(offer,)))
    results = (result("shop__get_order", '{"at": "sea"}'), result("shop__get_customer", "Ann"))
    second = script.says(QUESTION, Turn(role="assistant", tool_calls=first.tool_calls), *results)
    third = script.says(QUESTION, *results, Turn(role="assistant", text=second), Turn(role="user", text="ok"))

    assert (first.stop, first.tool_calls) == (
        "tools",
        (
            ToolCall(
                id="call_1_1",
                name="shop__get_order",
                arguments={"id": 1042, "note": "order 1042", "tags": ["1042"]},
            ),
            ToolCall(id="call_1_2", name="shop__get_customer", arguments={}),
        ),
    )
    assert (second, third) == ('It is {"at": "sea"}.', "Bye")


def test_without_a_schema_an_argument_stays_text(tmp_path: Path) -> None:
    script = Script(tmp_path, "- {match: '(\\d+)', calls: [{tool: t, arguments: {id: '{{1}}'}}]}\n")

    assert script.reply(ChatRequest(turns=(QUESTION,))).tool_calls[0].arguments == {"id": "1042"}


def test_the_last_result_is_known_without_after_tool_too(tmp_path: Path) -> None:
    script = Script(tmp_path, "- reply: 'so: {{result}}'\n")

    assert script.says(QUESTION, result("a", "1"), result("b", "2")) == "so: 2"
    assert script.says(QUESTION) == "so: "


def test_json_is_given_as_text(tmp_path: Path) -> None:
    script = Script(
        tmp_path, "- {match: '(\\d+)', json: {id: '{{1}}', late: true, ok: yes, parts: [1, null]}}\n"
    )

    assert json.loads(script.says(QUESTION)) == {"id": "1042", "late": True, "ok": "yes", "parts": [1, None]}


def test_an_entry_fits_as_often_as_it_says(tmp_path: Path) -> None:
    script = Script(tmp_path, "- {times: 2, reply: a}\n- reply: b\n")

    assert [script.says(QUESTION) for _ in range(4)] == ["a", "a", "b", "b"]


def test_an_error_is_a_failure_of_the_service(tmp_path: Path) -> None:
    script = Script(tmp_path, "- {match: order, error: the model is down}\n- reply: x\n")

    with pytest.raises(OutsideError, match="the model is down") as caught:
        script.says(QUESTION)

    assert not caught.value.retryable


def test_a_retryable_error_is_tried_again_after_the_time_it_asks_for(tmp_path: Path) -> None:
    script = Script(
        tmp_path,
        "- {times: 2, error: {message: busy, retryable: true, retry_after: 3s}}\n- reply: at last\n",
    )
    before = script.clock.now_ms()

    assert script.says(QUESTION) == "at last"
    assert script.clock.now_ms() - before == 6000


def test_a_delay_passes_on_the_clock(tmp_path: Path) -> None:
    script = Script(tmp_path, "- {match: order, delay: 2s}\n- {delay: 500ms, reply: x}\n")
    before = script.clock.now_ms()

    assert script.says(QUESTION) == "x"
    assert script.clock.now_ms() - before == 2500


def test_a_delay_longer_than_the_timeout_is_a_timeout(tmp_path: Path) -> None:
    script = Script(tmp_path, "- {delay: 20s, reply: x}\n", timeout=10.0)

    with pytest.raises(OutsideError, match="scripted did not answer within 10s"):
        script.says(QUESTION)


def test_nothing_that_fits_is_told_with_the_text(tmp_path: Path) -> None:
    script = Script(tmp_path, "- {match: refund, reply: x}\n- {calls: [{tool: t}]}\n")

    with pytest.raises(UserError, match=r"fits a result of `t`"):
        script.says(QUESTION, result("t", "1"))
    script = Script(tmp_path, "- {match: refund, reply: x}\n")
    with pytest.raises(
        UserError, match=r"no entry of .*script.yaml fits `Where is my ORDER 1042\?`"
    ) as caught:
        script.says(QUESTION)
    assert "without `match`" in (caught.value.help or "")


def test_without_a_script_the_message_comes_back() -> None:
    model = SCRIPTED.connect(ModelSettings(provider="scripted"), StandingClock())

    said = asyncio.run(model.reply(ask("Good day", system="Be kind.")))

    usage = Usage(input_tokens=4, output_tokens=5)
    assert said == ChatReply(text="(scripted) Good day", model="scripted", usage=usage)
    with pytest.raises(UserError, match="no script to take a JSON answer from"):
        asyncio.run(model.reply(ask("Good day", schema={})))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "script.yaml is not a script"),
        ("reply: x\n", "script.yaml is not a script"),
        ("- x\n", "script.yaml:1, entry 1: an entry is a mapping"),
        ("- reply: x\n- repyl: y\n", "script.yaml:2, entry 2: there is no field `repyl`"),
        ("- {reply: x, json: {}}\n", "entry 1: there is both `reply` and `json`"),
        ("- match: x\n", "entry 1: there is no answer"),
        ("- reply:\n", "entry 1: there is no answer"),
        ("- {reply: a, reply: b}\n", "entry 1: `reply` is written twice"),
        ("- {reply: 1}\n", "entry 1: `reply` is wrong: input should be a valid string"),
        ("- {calls: [{tol: x}]}\n", "entry 1: `calls.0.tool` is wrong: field required"),
        ("- {calls: []}\n", "entry 1: `calls` is wrong"),
        ("- {error: {mesage: x}}\n", "entry 1: `error.message` is wrong: field required"),
        ("- {reply: x, delay: soon}\n", "entry 1: `delay` is wrong: should be a duration"),
        ("- {reply: x, times: 0}\n", "entry 1: `times` is wrong"),
        ("- {reply: x, match: '('}\n", "entry 1: `match` is not a regular expression"),
        ("- reply: {{result}}\n", "script.yaml:1 is not YAML"),
        ("- reply: x\n-reply: y\n", "script.yaml:2 is not YAML"),
        ("- !!python/object:os.system {}\n", "script.yaml:1 is not YAML"),
        ("- reply: \x00\n", "is not text in UTF-8"),
    ],
)
def test_a_script_that_cannot_be_right_names_the_file_and_the_entry(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(UserError) as caught:
        Script(tmp_path, text)

    assert told in caught.value.message


def test_a_script_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere.yaml cannot be read: No such file or directory"):
        SCRIPTED.connect(
            ModelSettings(provider="scripted", script=str(tmp_path / "nowhere.yaml")), StandingClock()
        )


def test_the_documented_script_is_one(tmp_path: Path) -> None:
    example = (SCRIPTED.doc or "").split("```yaml\n")[2].partition("```")[0]
    script = Script(tmp_path, example)

    assert len(yaml.safe_load(example)) == 6
    assert script.reply(ChatRequest(turns=(QUESTION,))).tool_calls[0].arguments == {"id": "1042"}
    assert script.says(QUESTION, result("shop__get_order", "found")) == "Here you are: found"
    assert script.says(Turn(role="user", text="classify this")) == '{"category": "billing"}'


def test_every_field_of_an_entry_is_documented() -> None:
    schema = described(ScriptEntry).model_json_schema()
    sections = [schema, *schema["$defs"].values()]

    fields = [field for section in sections for field in section["properties"].values()]
    assert fields and all(field.get("description") for field in fields)
