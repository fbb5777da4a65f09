"""The loop: model, tools, model, until the model has an answer.

Every model call and every tool call is done once and remembered; entered again, after a wait or a crash, the
loop runs through what it remembers and goes on where it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from botctl.agent.calls import DELEGATE, Round
from botctl.agent.memory import (
    Memory,
    calls_of,
    memory_of,
    offer,
    reply_json,
    result_turn,
    tool_json,
    tool_of,
)
from botctl.errors import OutsideError
from botctl.execution.outcome import Done, Outcome
from botctl.execution.step import Part, Step
from botctl.llm.chat import ChatRequest, Turn, Usage
from botctl.messages import Said
from botctl.tools.tool import Tool

_SILENCE = {
    "length": "the model gave no answer: it reached `max_tokens` before it said a word",
    "refusal": "the model refused to answer",
    "tools": "the model gave no answer: it went on calling tools after the last round",
}


class AgentSettings(Struct, frozen=True, kw_only=True):
    """How an agent works. rounds: of tool calls; after the last one the model must answer without tools.
    delegates: bots it may call as tools, each with a sentence about it."""

    rounds: int = 10
    delegates: Mapping[str, str] = {}


async def run_agent(settings: AgentSettings, step: Step) -> Outcome:
    """Answer the message. InDoubtError when a call may or may not have been made."""
    memory = memory_of(step.state)
    memory.take(step.event)
    try:
        return await _rounds(settings, step, memory)
    finally:
        if step.draft is not None:
            await step.draft.close()


async def _rounds(settings: AgentSettings, step: Step, memory: Memory) -> Outcome:
    tools = await _tools(settings, step)
    turns = [*await _history(step), Turn(role="user", text=_text(step), attachments=step.message.attachments)]
    for number in range(settings.rounds):
        reply = await _ask(step, f"model {number}", turns, tuple(tools.values()))
        calls = calls_of(reply)
        if not calls:
            return await _answer(step, reply)
        results = await Round(step, memory, number, tools).make(calls, reply["text"])
        if not isinstance(results, list):
            return results
        turns.append(Turn(role="assistant", text=reply["text"], tool_calls=calls))
        turns += [result_turn(call, result) for call, result in zip(calls, results, strict=True)]
    step.log.note(f"after {settings.rounds} rounds of tool calls the answer was asked for without tools")
    return await _answer(step, await _ask(step, "model last", turns, ()))


async def _answer(step: Step, reply: Mapping[str, Any]) -> Done:
    text = reply["text"]
    step.log.output = text
    if not text.strip():
        raise OutsideError(_SILENCE.get(reply["stop"], "the model said nothing"))
    draft = await step.draft.close() if step.draft is not None else ""
    return Done(writes={"ai_response": text}, say=(Said(text=text, draft=draft),))


async def _ask(step: Step, key: str, turns: Sequence[Turn], tools: Sequence[Tool]) -> Mapping[str, Any]:
    """One model call, remembered; its tokens are counted when it is made."""

    async def ask() -> dict[str, Any]:
        request = ChatRequest(
            turns=tuple(turns),
            system=step.bot.system_prompt,
            tools=tuple(offer(tool) for tool in tools),
            on_text=step.draft.grow if step.draft is not None else None,
        )
        reply = reply_json(await step.llm.reply(request))
        counted = Usage(input_tokens=reply["input"], output_tokens=reply["output"])
        step.log.count(counted, reply["model"], reply["micro_cents"])
        return reply

    part = Part(type="llm_call", label=key, input=turns[-1].text)
    reply: dict[str, Any] = await step.once(key, ask, repeatable=True, part=part)
    for note in reply["notes"]:
        step.log.note(note)
    if reply["stop"] == "length":
        step.log.note("the answer was cut: it reached max_tokens")
    elif reply["stop"] == "refusal":
        step.log.note("the model refused to answer")
    return reply


async def _tools(settings: AgentSettings, step: Step) -> dict[str, Tool]:
    """The tools by name, as they were when the run began."""

    async def look() -> list[dict[str, Any]]:
        return [tool_json(tool) for tool in [*await step.tools.tools(), *_delegates(settings)]]

    kept: list[dict[str, Any]] = await step.once("tools", look, repeatable=True)
    return {tool["name"]: tool_of(tool) for tool in kept}


def _delegates(settings: AgentSettings) -> list[Tool]:
    schema = {
        "type": "object",
        "properties": {"message": {"type": "string", "description": "what the other bot is to answer"}},
        "required": ["message"],
    }
    return [
        Tool(
            name=f"{DELEGATE}{bot}",
            description=about or f"Let the bot `{bot}` answer.",
            input_schema=schema,
        )
        for bot, about in settings.delegates.items()
    ]


async def _history(step: Step) -> list[Turn]:
    """The conversation before this message, as it was when the run began; it begins with a user's turn."""

    async def look() -> list[list[str]]:
        before = await step.history() if step.history is not None else ()
        return [[turn.role, turn.text] for turn in before if turn.text.strip()]

    kept: list[list[str]] = await step.once("history", look, repeatable=True)
    while kept and kept[0][0] != "user":
        kept = kept[1:]  # cut at whole exchanges: no answer without its question
    return [Turn(role="user" if role == "user" else "assistant", text=text) for role, text in kept]


def _text(step: Step) -> str:
    return str(step.variables.get("message", step.message.text))
