"""The llm_call node: one question to the bot's model, and its answer kept.

The model sees `prompt`, under the bot's `system_prompt` or the node's own `system` (an empty one sends none).
`history: true` puts the conversation before it. The temperature is 0.3 unless the node says otherwise; models
that refuse a temperature get none, and the trace says so.

The answer is kept in `outputVariable` as {text, tokensInput, tokensOutput}, so `{{intent.text}}` is what the
model said. Its text is also `ai_response`, which a send_message without a message says.

With `schema`, a JSON Schema, the answer is parsed and checked and stands in `{{lead.json}}`. An answer that
does not fit is sent back to the model once; then the node fails.

Way out: `next`.

```yaml
- id: classify
  type: llm_call
  data:
    prompt: |
      Classify this customer message into exactly one category: billing, refund, other.

      Message: {{message}}

      Respond with only the category name.
    outputVariable: intent
    label: Classify Intent
```
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from botctl.errors import UserError
from botctl.execution.outcome import Done, Outcome
from botctl.execution.step import Step
from botctl.llm.chat import ChatReply, ChatRequest, Turn, Usage
from botctl.nodes.node_type import NodeData, NodeType
from botctl.nodes.shape import Origin, Shape, record
from botctl.nodes.shape_of_schema import shape_of
from botctl.nodes.template_rules import TEMPLATE_RULES
from botctl.nodes.templates import Template, VariableName, Writing, render

TEMPERATURE = 0.3
"""What the product's documents promise for llm_call (seed 001)."""


_FENCED = re.compile(r"```[a-zA-Z]*[ \t]*\r?\n?(.*?)```", re.DOTALL)


class LlmCallData(NodeData):
    """`data` of llm_call."""

    model_config = ConfigDict(populate_by_name=False)

    prompt: Template = Field(min_length=1)
    """What the model is asked, with {{placeholders}}."""
    outputVariable: VariableName = ""
    """The variable that keeps the answer: {text, tokensInput, tokensOutput}."""
    model: str = ""
    """Another model of the bot's provider; the bot's own if left out."""
    system: Annotated[str | None, Writing.TEMPLATE] = None
    """What the model is told first; the bot's system_prompt if left out, nothing if empty."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """How freely the model answers, 0 to 2; 0.3 if left out."""
    max_tokens: int | None = Field(default=None, ge=1)
    """The longest answer, in tokens; the bot's own limit if left out."""
    answer_schema: dict[str, Any] | None = Field(default=None, alias="schema")
    """A JSON Schema that the answer must fit; the parsed answer is then `.json` of outputVariable."""
    history: bool = False
    """Whether the model sees the conversation before this message."""


async def execute(data: LlmCallData, step: Step) -> Outcome:
    """Ask the model and keep its answer."""
    prompt = render(data.prompt, step)
    step.log.input = prompt
    if not prompt.strip():
        raise UserError("the prompt came out empty", help="check the placeholders of `prompt`")
    system = step.bot.system_prompt if data.system is None else render(data.system, step)
    answer = await _ask(data, step, "answer", system, (Turn(role="user", text=prompt),))
    if data.answer_schema is None:
        return _keep(data, step, answer)
    value, problem = read_json(answer["text"], data.answer_schema)
    if problem and answer["stop"] != "refusal":
        step.log.note(f"the answer was asked for again: {problem}")
        turns = (
            Turn(role="user", text=prompt),
            Turn(role="assistant", text=answer["text"]),
            Turn(role="user", text=f"That does not fit: {problem}. Answer again with nothing but the JSON."),
        )
        answer = await _ask(data, step, "repair", system, turns)
        value, problem = read_json(answer["text"], data.answer_schema)
    if problem:
        raise UserError(
            f"the model's answer does not fit `schema`: {problem}",
            help="make `schema` simpler, or say in `prompt` what the JSON should hold",
        )
    return _keep(data, step, answer, {"json": value})


async def _ask(
    data: LlmCallData, step: Step, key: str, system: str, turns: tuple[Turn, ...]
) -> dict[str, Any]:
    """The model's answer as JSON, remembered under `key`; its tokens counted and its notes told."""

    async def ask() -> dict[str, Any]:
        before = await step.history() if data.history and step.history is not None else ()
        request = ChatRequest(
            turns=(*before, *turns),
            system=system,
            model=data.model,
            temperature=TEMPERATURE if data.temperature is None else data.temperature,
            max_tokens=data.max_tokens,
            schema=data.answer_schema,
        )
        return _as_json(await step.llm.reply(request))

    answer: dict[str, Any] = await step.once(key, ask, repeatable=True)
    counted = Usage(input_tokens=answer["input"], output_tokens=answer["output"])
    step.log.count(counted, answer["model"], answer.get("micro_cents"))
    step.log.output = answer["text"]
    for note in answer["notes"]:
        step.log.note(note)
    if answer["stop"] == "length":
        step.log.note("the answer was cut: it reached max_tokens")
    elif answer["stop"] == "refusal":
        step.log.note("the model refused to answer")
    return answer


def _as_json(reply: ChatReply) -> dict[str, Any]:
    return {
        "text": reply.text,
        "input": reply.usage.input_tokens,
        "output": reply.usage.output_tokens,
        "model": reply.model,
        "stop": reply.stop,
        "notes": list(reply.notes),
        "micro_cents": reply.micro_cents,
    }


def _keep(
    data: LlmCallData, step: Step, answer: Mapping[str, Any], more: Mapping[str, Any] | None = None
) -> Done:
    writes: dict[str, Any] = {"ai_response": answer["text"]}
    if data.outputVariable:
        writes[data.outputVariable] = {
            "text": answer["text"],
            "tokensInput": step.log.tokens_input,
            "tokensOutput": step.log.tokens_output,
            **(more or {}),
        }
    return Done(writes=writes)


def read_json(text: str, schema: dict[str, Any]) -> tuple[Any, str]:
    """The JSON value of a model's answer, and what is wrong with it ("" if it fits the schema).

    Of an answer with one fenced block that is what counts: models put fences, and words before them, even
    when asked not to.
    """
    from jsonschema.exceptions import SchemaError, best_match
    from jsonschema.validators import validator_for

    try:
        value = json.loads(_without_fence(text))
    except ValueError as error:
        return None, f"it is not JSON ({error})"
    kind = validator_for(schema)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise UserError(f"`schema` is not a JSON Schema: {error.message}") from error
    problem = best_match(kind(schema).iter_errors(value))
    if problem is None:
        return value, ""
    return value, f"{problem.message} (at {problem.json_path})"


def _without_fence(text: str) -> str:
    if text.lstrip().startswith(("{", "[", '"')):
        return text
    found: list[str] = _FENCED.findall(text)
    return found[0] if len(found) == 1 else text


def writes(data: LlmCallData) -> Mapping[str, Origin]:
    """The answer, and its text."""
    if not data.outputVariable:
        return {"ai_response": Shape.TEXT}
    answer = {"text": Shape.TEXT, "tokensInput": Shape.NUMBER, "tokensOutput": Shape.NUMBER}
    if data.answer_schema is not None:
        answer["json"] = shape_of(data.answer_schema)
    return {"ai_response": Shape.TEXT, data.outputVariable: record(**answer)}


LLM_CALL = NodeType(
    name="llm_call", doc=__doc__, data=LlmCallData, execute=execute, rules=TEMPLATE_RULES, writes=writes
)
