"""The models of a story: what the stubs say; what they do not cover is a gap that fails the story."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from botctl.clock import Clock
from botctl.errors import UserError
from botctl.llm.chat import ChatModel, ChatReply, ChatRequest
from botctl.llm.provider import ModelSettings
from botctl.llm.providers.scripted import Line, NoEntryFits, ScriptedModel, last_user_text, line_of
from botctl.llm.retry import RetryingModel
from botctl.project.stories import ModelStub
from botctl.runtime.bot import LateModel
from botctl.spec.bot import ModelSection
from botctl.stories.happening import SPOT, Asked, Gap, Scene
from botctl.stories.loop import StoryLoop
from botctl.stories.writing import yaml_text

_FOR_EVER = 1e9


class StubModel:
    """One declared model of a bot, answered for by stubs."""

    def __init__(
        self,
        lines: Sequence[Line],
        bot: str,
        section: ModelSection,
        clock: Clock,
        scene: Scene,
    ) -> None:
        self._bot = bot
        self._names = (section.provider, section.model)
        self._scene = scene
        self._lines = tuple(lines)
        settings = ModelSettings(
            provider="scripted", model=section.model, timeout=section.timeout, script="the story"
        )
        self._scripted = ScriptedModel(self._lines, settings, clock, self._admits)

    async def reply(self, request: ChatRequest) -> ChatReply:
        """What the first stub that fits says."""
        try:
            reply = await self._scripted.reply(request)
        except NoEntryFits:
            gap = self._gap(request)
            self._scene.now.gaps.append(gap)
            raise UserError(gap.fact, help="add a stub to `models`") from None
        note(self._scene, request, reply)
        return reply

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _admits(self, line: Line, request: ChatRequest) -> bool:
        stub = line.entry
        assert isinstance(stub, ModelStub)
        return (
            self._is_meant(stub)
            and (stub.prompt is None or same_text(stub.prompt, prompt_of(request)))
            and (stub.system is None or same_text(stub.system, request.system))
        )

    def _is_meant(self, stub: ModelStub) -> bool:
        """Whether a stub speaks for this model here, whatever it is asked."""
        spot = SPOT.get()
        return (
            stub.node in ("", spot.node)
            and stub.bot in ("", self._bot)
            and (not stub.model or stub.model in self._names)
        )

    def _gap(self, request: ChatRequest) -> Gap:
        spot, prompt = SPOT.get(), prompt_of(request)
        for line in self._lines:
            stub = line.entry
            assert isinstance(stub, ModelStub)
            if line.left == 0 or not self._is_meant(stub):
                continue
            for noun, wanted, actual in (
                ("system prompt", stub.system, request.system),
                ("prompt", stub.prompt, prompt),
            ):
                if wanted is not None and not same_text(wanted, actual):
                    fact = f"the {noun} of `{spot}` is not the one that its stub was written for"
                    return Gap(spot=spot, fact=fact, snippet="", wanted=wanted, actual=actual)
        ends = request.turns[-1] if request.turns else None
        if ends is not None and ends.role == "tool":
            entry: dict[str, Any] = {"after_tool": ends.tool_name, "reply": "..."}
            fact = f"no stub says what the model answers to a result of `{ends.tool_name}`"
        else:
            entry = {"match": _pattern(prompt), **({"json": {}} if request.schema else {"reply": "..."})}
            fact = f"no stub says what the model answers to `{_last_line(prompt)}`"
        return Gap(spot=spot, fact=f"{fact} (asked by `{spot}`)", snippet=yaml_text({"models": [entry]}))


class WatchedModel:
    """A model that answers by itself: a real one, for which the loop waits, or the bot's own script."""

    def __init__(self, model: LateModel, loop: StoryLoop, scene: Scene, *, is_real: bool) -> None:
        self._model = model
        self._is_real = is_real
        self._loop = loop
        self._scene = scene

    async def reply(self, request: ChatRequest) -> ChatReply:
        """What it says."""
        with self._loop.outside():
            model = await self._model.connected()
        with self._loop.outside() if self._is_real else nullcontext():
            reply = await model.reply(request)
        note(self._scene, request, reply)
        return reply

    async def close(self) -> None:
        """Let go of it."""
        await self._model.close()


def ready_lines(stubs: Sequence[ModelStub]) -> list[Line]:
    """Stubs ready for use in one story; they count how often they were used."""
    return [
        line_of(stub.model_copy(update={"delay": _FOR_EVER}) if stub.silent else stub, "a stub")
        for stub in stubs
    ]


def stub_model(
    lines: Sequence[Line], bot: str, section: ModelSection, clock: Clock, scene: Scene
) -> ChatModel:
    """A stubbed model that is asked again when it is in trouble, like any other."""
    model = StubModel(lines, bot, section, clock, scene)
    return RetryingModel(model, clock, budget=2 * section.timeout)


def prompt_of(request: ChatRequest) -> str:
    """What stubs are held against: the last thing that was said to the model."""
    ends = request.turns[-1] if request.turns else None
    return ends.text if ends is not None and ends.role == "tool" else last_user_text(request)


def same_text(one: str, other: str) -> bool:
    """Whether two texts are the same but for white space at their ends."""
    return one.strip() == other.strip()


def note(scene: Scene, request: ChatRequest, reply: ChatReply) -> None:
    """Remember what was asked and answered."""
    tokens = reply.usage.input_tokens + reply.usage.output_tokens
    answer = reply.text
    if reply.tool_calls:
        calls = ", ".join(call.name for call in reply.tool_calls)
        answer = f"{answer} [calls {calls}]".strip()
    scene.now.asked.append(Asked(spot=SPOT.get(), prompt=prompt_of(request), answer=answer, tokens=tokens))


def _pattern(prompt: str) -> str:
    """A regular expression that finds the beginning of the last line of a prompt."""
    import re

    lines = [line for line in prompt.strip().splitlines() if line.strip()]
    return re.escape(lines[-1][:60]).replace("\\ ", " ") if lines else ""


def _last_line(text: str) -> str:
    """Where prompts differ most often."""
    lines = text.strip().splitlines() or [""]
    line = " ".join(lines[-1].split())
    return ("… " if len(lines) > 1 else "") + (line if len(line) <= 80 else line[:79] + "…")
