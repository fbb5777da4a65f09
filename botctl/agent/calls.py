"""Calls: one round of an agent's tool calls; side by side, with people asked and other bots called first."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct, structs

from botctl.agent.memory import Memory, memory_json
from botctl.errors import InDoubtError, OutsideError, UserError
from botctl.execution.outcome import AskPerson, Call, Decision, Outcome, Wait
from botctl.execution.step import Part, Step
from botctl.expr.template import to_text
from botctl.ids import new_id
from botctl.llm.chat import ToolCall
from botctl.messages import Said
from botctl.tools.arguments import check_arguments
from botctl.tools.tool import Tool

LONGEST_RESULT = 3_000
"""Characters of a result that a model sees (the product's documents)."""
DELEGATE = "delegate__"

_EDITED = "a person allowed this call with other arguments:"
_WAYS_OUT = {
    "approved": ("the call is made; with other arguments by `--set name=value`",),
    "rejected": ("the call is not made, and the model is told so, with the note",),
}

Result = dict[str, Any]


class Planned(Struct, frozen=True, kw_only=True):
    """One call of a round. tool None: there is none of that name. is_edited: the arguments are a person's."""

    key: str
    call: ToolCall
    tool: Tool | None
    arguments: Mapping[str, Any]
    refusal: str = ""
    is_edited: bool = False


class Round:
    """The calls of one round. `make` gives their results in order, or what must happen before."""

    def __init__(self, step: Step, memory: Memory, number: int, tools: Mapping[str, Tool]) -> None:
        self._step = step
        self._memory = memory
        self._number = number
        self._tools = tools

    async def make(self, calls: Sequence[ToolCall], said: str) -> list[Result] | Outcome:
        """Call what may be called, wait for people and bots, and tell what each call gave.

        said: what the model said beside the calls; the user hears it when a person must be asked first.
        InDoubtError when it is not known whether a call was made: the run stops, the model is not told.
        """
        planned: list[Planned] = []
        asks: dict[str, Planned] = {}
        for index, call in enumerate(calls):
            plan = self._plan(f"{self._number}.{index}", call)
            if not plan.refusal and plan.tool is not None and self._step.tools.decide(call.name) == "ask":
                handoff = await self._step.once(f"ask {plan.key}", _new_handoff, repeatable=True)
                plan = self._decided(plan, handoff)
                if handoff not in self._memory.decisions:
                    asks[handoff] = plan
            planned.append(plan)
        at_once = [plan for plan in planned if plan not in asks.values() and not _is_delegation(plan)]
        made = dict(zip([plan.key for plan in at_once], await self._side_by_side(at_once), strict=True))
        if asks:
            return await self._ask(asks, said)
        for plan in planned:
            if plan.key not in made:
                result = await self._delegate(plan)
                if isinstance(result, Call):
                    return result
                made[plan.key] = result
        return [made[plan.key] for plan in planned]

    def _plan(self, key: str, call: ToolCall) -> Planned:
        tool = self._tools.get(call.name)
        refusal, arguments = "", call.arguments
        if tool is None:
            refusal = f"there is no tool `{call.name}`"
        elif arguments is None:
            refusal = "the arguments are not a JSON object"
        else:
            problem = check_arguments(tool, arguments)
            refusal = f"the arguments do not fit the tool: {problem}" if problem else ""
        return Planned(key=key, call=call, tool=tool, arguments=arguments or {}, refusal=refusal)

    def _decided(self, plan: Planned, handoff: str) -> Planned:
        """The call as a reviewer left it: approved, edited by `--set arguments={...}`, or declined."""
        decision = self._memory.decisions.get(handoff)
        if decision is None:
            return plan
        note = f": {decision['note']}" if decision["note"] else ""
        if decision["status"] != "approved":
            why = (
                "nobody decided in time" if decision["status"] == "expired" else "a person declined this call"
            )
            return structs.replace(plan, refusal=f"{why}{note}")
        sets = decision["sets"]
        if not sets:
            return plan
        edited = sets.get("arguments")
        refusal = ""
        if set(sets) != {"arguments"} or not isinstance(edited, dict):  # never the call that was not meant
            refusal = "a person changed this call in a way that cannot be understood, so it was not made"
        elif plan.tool is not None and (problem := check_arguments(plan.tool, edited)):
            refusal = f"a person changed the arguments, and they do not fit the tool: {problem}"
        arguments = edited if isinstance(edited, dict) else {}
        is_edited = not refusal and arguments != plan.arguments
        return structs.replace(plan, arguments=arguments, refusal=refusal, is_edited=is_edited)

    async def _ask(self, asks: Mapping[str, Planned], said: str) -> Wait:
        """Wait for all people that are asked; each is asked once, with the arguments shown, and the user is
        told so once."""
        words = said.strip() or self._step.bot.pending_message
        orders = tuple(
            AskPerson(
                handoff_id=handoff,
                reason=f"The bot wants to call `{plan.call.name}` with {to_text(dict(plan.arguments))}",
                ways_out=_WAYS_OUT,
                user_told=bool(words),
            )
            for handoff, plan in asks.items()
            if handoff not in self._memory.asked
        )
        self._memory.asked += [order.handoff_id for order in orders]
        waits = tuple(Decision(handoff) for handoff in asks)
        draft = self._step.draft
        shown_as = await draft.close() if draft is not None and orders and words else ""
        say = (Said(text=words, draft=shown_as),) if orders and words else ()
        return Wait(waits, state=memory_json(self._memory), say=say, orders=orders)

    async def _delegate(self, plan: Planned) -> Result | Call:
        answer = self._memory.answers.get(plan.key)
        if answer is None:
            self._memory.calling = plan.key
            bot, arguments = plan.call.name.removeprefix(DELEGATE), plan.arguments
            message = to_text(arguments.get("message", ""))
            context = {name: value for name, value in arguments.items() if name != "message"}
            return Call(bot=bot, message=message, context=context, state=memory_json(self._memory))
        result: Result = {"text": answer["text"], "is_error": False}
        if answer["error"]:
            result = _failed(f"the other bot failed: {answer['error']}")
        bot = plan.call.name.removeprefix(DELEGATE)
        part = Part(type="delegate_to_bot", label=bot, input=dict(plan.arguments))
        told = partial(_same, result)
        return dict(await self._step.once(f"told {plan.key}", told, repeatable=True, part=part))

    async def _side_by_side(self, planned: Sequence[Planned]) -> list[Result]:
        results = await asyncio.gather(*[self._call(plan) for plan in planned], return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [result for result in results if not isinstance(result, BaseException)]

    async def _call(self, plan: Planned) -> Result:
        name, arguments, step = plan.call.name, plan.arguments, self._step
        part = Part(type="mcp_tool", label=name, input={"tool": name, "arguments": dict(arguments)})
        if plan.refusal or plan.tool is None:
            return dict(
                await step.once(f"call {plan.key}", partial(_refused, plan), repeatable=True, part=part)
            )

        async def call() -> Result:
            try:
                result = await step.tools.call(name, arguments)
            except OutsideError as error:
                if error.retryable or error.not_executed:
                    raise
                return _failed(error.message)
            except UserError as error:
                return _failed(error.message)
            step.log.tool_calls += 1
            text = result.text if result.is_error and result.text else to_text(result.value)
            return {"text": _cut(text), "is_error": result.is_error, "value": None}

        repeatable = plan.tool.hints.may_be_repeated
        try:
            result = await step.once(f"call {plan.key}", call, repeatable=repeatable, part=part)
        except InDoubtError:
            raise
        except OutsideError as error:  # it surely did nothing, or may be repeated: the model may know
            return _failed(error.message)
        if result.get("value") is not None:  # a person told what it gave (`botctl runs retry --done`)
            told = {"text": _cut(to_text(result["value"])), "is_error": False}
            return dict(await step.once(f"told {plan.key}", partial(_same, told), repeatable=True, part=part))
        if plan.is_edited:
            return {**result, "text": f"{result['text']}\n({_EDITED} {to_text(dict(arguments))})"}
        return dict(result)


async def _same(result: Result) -> Result:
    return result


async def _refused(plan: Planned) -> Result:
    return _failed(plan.refusal)


def _is_delegation(plan: Planned) -> bool:
    return plan.call.name.startswith(DELEGATE) and not plan.refusal


def _failed(why: str) -> Result:
    return {"text": why, "is_error": True}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_RESULT else text[:LONGEST_RESULT]


async def _new_handoff() -> str:
    return new_id()
