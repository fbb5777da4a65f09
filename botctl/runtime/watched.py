"""Watched calls: a bot's model and tools with somebody looking on; each call is counted and made a span."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from botctl.execution.step import ToolBox
from botctl.llm.chat import ChatModel, ChatReply, ChatRequest
from botctl.llm.retry import RetryingModel
from botctl.runtime.metrics import Metrics
from botctl.runtime.spans import ModelPlace, Spans
from botctl.tools.tool import Tool, ToolResult


def watch_model(model: ChatModel, place: ModelPlace, metrics: Metrics, spans: Spans | None) -> ChatModel:
    """A connected model, watched; one that tries again by itself is watched at each try."""

    def each(one: ChatModel) -> ChatModel:
        return WatchedModel(one, place, metrics, spans)

    return model.around(each) if isinstance(model, RetryingModel) else each(model)


class WatchedModel:
    """A model each of whose calls is counted, and a span if spans are made."""

    def __init__(self, model: ChatModel, place: ModelPlace, metrics: Metrics, spans: Spans | None) -> None:
        self._model = model
        self._place = place
        self._metrics = metrics
        self._spans = spans

    async def reply(self, request: ChatRequest) -> ChatReply:
        """See `ChatModel.reply`."""
        reply: ChatReply | None = None
        try:
            if self._spans is None:
                reply = await self._model.reply(request)
            else:
                with self._spans.chat(self._place, request) as span:
                    reply = await self._model.reply(request)
                    span.answered(reply)
            return reply
        finally:
            self._count(request, reply)

    def _count(self, request: ChatRequest, reply: ChatReply | None) -> None:
        """By the model that was asked for: what services call the same model changes with its versions."""
        model = request.model or self._place.model or (reply.model if reply else "")
        tokens = (reply.usage.input_tokens, reply.usage.output_tokens) if reply else (0, 0)
        self._metrics.asked(self._place.bot, self._place.provider, model, *tokens, failed=reply is None)

    async def close(self) -> None:
        """Let go of connections."""
        await self._model.close()


class WatchedTools:
    """The tools of one bot, each call counted, and a span if spans are made."""

    def __init__(self, tools: ToolBox, bot: str, metrics: Metrics, spans: Spans | None) -> None:
        self._tools = tools
        self._bot = bot
        self._metrics = metrics
        self._spans = spans

    async def tools(self) -> list[Tool]:
        """See `ToolBox.tools`."""
        return await self._tools.tools()

    def decide(self, name: str) -> Literal["allow", "deny", "ask"]:
        """See `ToolBox.decide`."""
        return self._tools.decide(name)

    async def find(self, name: str) -> Tool | None:
        """See `ToolBox.find`."""
        return await self._tools.find(name)

    async def call(
        self, name: str, arguments: Mapping[str, Any], *, timeout: float | None = None
    ) -> ToolResult:
        """See `ToolBox.call`."""
        failed = True
        try:
            if self._spans is None:
                result = await self._tools.call(name, arguments, timeout=timeout)
            else:
                with self._spans.tool(self._bot, name, arguments) as span:
                    result = await self._tools.call(name, arguments, timeout=timeout)
                    span.gave(result)
            failed = result.is_error
            return result
        finally:
            self._metrics.called(self._bot, name, failed=failed)
