"""The recorder: keeps what models and tools are asked and answer, so that a run can be made a test."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Literal

from msgspec import Struct

from botctl.clock import Clock
from botctl.engine.journal import Visit
from botctl.engine.life import Life
from botctl.engine.run import Token, encode
from botctl.errors import BotctlError, OutsideError
from botctl.execution.step import ToolBox
from botctl.llm.chat import ChatModel, ChatReply, ChatRequest
from botctl.llm.retry import RetryingModel
from botctl.runtime.masking import Mask, masked
from botctl.store import recorded
from botctl.store.database import Database
from botctl.store.recorded import Kind, RecordedRow
from botctl.tools.tool import Tool, ToolResult

Wish = Literal["console", "all", "none"]
"""Of whose runs it keeps that: of those in the terminal, of all, of none."""


class _Place(Struct, frozen=True):
    """The run and the node that the current task works for; run 0: nothing is kept."""

    run: int = 0
    node: str = ""


_PLACE: ContextVar[_Place] = ContextVar("_PLACE", default=_Place())  # noqa: B039


class Recorder:
    """An observer that knows where it is, and what it puts around models and tools."""

    def __init__(self, database: Database, clock: Clock, mask: Mask, wish: Wish) -> None:
        self._database = database
        self._clock = clock
        self._mask = mask
        self._wish = wish
        self._count = 0

    def begin(self) -> int:
        """The number of a call about to be made: later ones have greater ones, also after a restart."""
        self._count += 1
        return self._clock.now_ms() * 1000 + self._count % 1000

    def model(self, model: ChatModel) -> ChatModel:
        """A connected model, recorded; one that tries again by itself is recorded at each try."""
        if self._wish == "none":
            return model
        if isinstance(model, RetryingModel):
            return model.around(lambda one: _RecordedModel(one, self))
        return _RecordedModel(model, self)

    def tools(self, tools: ToolBox) -> ToolBox:
        """A bot's tools, recorded."""
        return tools if self._wish == "none" else _RecordedTools(tools, self)

    def keep(self, number: int, kind: Kind, asked: Mapping[str, Any], answered: Mapping[str, Any]) -> None:
        """Keep a call of the current step, if those of its run are kept. It is on disk with the step."""
        place = _PLACE.get()
        if not place.run:
            return
        row = RecordedRow(
            place.run,
            place.node,
            kind,
            encode(masked(asked, self._mask)),
            encode(masked(answered, self._mask)),
            self._clock.now_ms(),
            number,
        )
        self._database.write(lambda connection: recorded.add(connection, row))

    def began(self, life: Life) -> None:
        """See `Observer.began`."""

    def entered(self, life: Life, token: Token, seq: int) -> None:
        """See `Observer.entered`."""
        if self._wish != "none":
            is_kept = self._wish == "all" or life.stored.message.platform == "console"
            _PLACE.set(_Place(life.seq if is_kept else 0, token.node))

    def visited(self, life: Life, visit: Visit) -> None:
        """See `Observer.visited`."""

    def left(self, life: Life) -> None:
        """See `Observer.left`."""


class _RecordedModel:
    def __init__(self, model: ChatModel, recorder: Recorder) -> None:
        self._model = model
        self._recorder = recorder

    async def reply(self, request: ChatRequest) -> ChatReply:
        """See `ChatModel.reply`."""
        asked, number = _asked(request), self._recorder.begin()
        try:
            reply = await self._model.reply(request)
        except BotctlError as error:
            self._recorder.keep(number, "model", asked, _failure(error))
            raise
        calls = [
            {"tool": call.name, "arguments": call.arguments, "raw": call.raw} for call in reply.tool_calls
        ]
        self._recorder.keep(number, "model", asked, {"text": reply.text, "calls": calls, "stop": reply.stop})
        return reply

    async def close(self) -> None:
        """Let go of connections."""
        await self._model.close()


class _RecordedTools:
    def __init__(self, tools: ToolBox, recorder: Recorder) -> None:
        self._tools = tools
        self._recorder = recorder

    async def tools(self) -> list[Tool]:
        """See `ToolBox.tools`."""
        return await self._tools.tools()

    def decide(self, name: str) -> Literal["allow", "deny", "ask"]:
        """See `ToolBox.decide`."""
        return self._tools.decide(name)

    async def find(self, name: str) -> Tool | None:
        """See `ToolBox.find`. That a server cannot be reached is kept as an answer to the call."""
        number = self._recorder.begin()
        try:
            return await self._tools.find(name)
        except OutsideError as error:
            failure = {**_failure(error), "not_executed": True}
            self._recorder.keep(number, "tool", {"tool": name, "arguments": {}}, failure)
            raise

    async def call(
        self, name: str, arguments: Mapping[str, Any], *, timeout: float | None = None
    ) -> ToolResult:
        """See `ToolBox.call`."""
        asked, number = {"tool": name, "arguments": dict(arguments)}, self._recorder.begin()
        try:
            result = await self._tools.call(name, arguments, timeout=timeout)
        except BotctlError as error:
            self._recorder.keep(number, "tool", asked, _failure(error))
            raise
        told = {"value": result.value, "text": result.text, "is_error": result.is_error}
        self._recorder.keep(number, "tool", asked, told)
        return result


def _asked(request: ChatRequest) -> dict[str, Any]:
    """What a model was told first and last: what it is to do; what the user said, or what a tool gave."""
    last = request.turns[-1] if request.turns else None
    if last is not None and last.role == "tool":
        return {"prompt": last.text, "after_tool": last.tool_name, "system": request.system}
    texts = [turn.text for turn in request.turns if turn.role == "user"]
    return {"prompt": texts[-1] if texts else "", "after_tool": "", "system": request.system}


def _failure(error: BotctlError) -> dict[str, Any]:
    if not isinstance(error, OutsideError):
        return {"failed": error.message, "retryable": False, "not_executed": False, "retry_after": None}
    return {
        "failed": error.message,
        "retryable": error.retryable,
        "not_executed": error.not_executed,
        "retry_after": error.retry_after,
    }
