"""anthropic: Claude, over the Messages API.

```yaml
llm:
  provider: anthropic
  model: claude-sonnet-5-5
  api_key: ${ANTHROPIC_API_KEY}  # this variable is also used when api_key is left out
```

Anthropic's API of 2026-10-21 takes no temperature: one that is set is left out, and the trace says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botctl.clock import Clock
from botctl.llm.chat import (
    ChatModel,
    ChatReply,
    ChatRequest,
    StopReason,
    ToolCall,
    ToolOffer,
    Turn,
    Usage,
    counted,
)
from botctl.llm.default_models import DEFAULT_MODELS
from botctl.llm.json_answer import LEFT_OUT, with_instruction
from botctl.llm.pictures import Picture, PictureRules, Pictures, is_about_pictures, read_pictures
from botctl.llm.provider import ModelSettings, Provider
from botctl.llm.retry import RetryingModel
from botctl.llm.service import Refusal, Service, chosen_model, read_refusal, service_of
from botctl.llm.tool_calls import arguments_of
from botctl.llm.tool_names import ToolNames, names_in

if TYPE_CHECKING:
    import anthropic

# The version that the SDK asks for (anthropic 2.11, `_constants.py`); the first that refuses a temperature.
_NO_TEMPERATURE = "temperature was left out: Anthropic's API takes none since 2026-10-21"
_STOPS: Mapping[str, StopReason] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}
_NOTHING = "(no text)"
_PICTURES = PictureRules(largest=3_750_000)  # 5 MB for one in base64 (Anthropic's documents on vision, 2026)


class AnthropicModel:
    """A Claude model, asked once per reply."""

    def __init__(self, service: Service, settings: ModelSettings, clock: Clock) -> None:
        self._service = service
        self._settings = settings
        self._clock = clock
        self._client = _client(service)
        self._without_schema: set[str] = set()

    async def reply(self, request: ChatRequest) -> ChatReply:
        """Ask once; a model that refuses a JSON Schema is asked in words, from then on."""
        model = chosen_model(self._service.provider, self._settings, request)
        names = names_in(request)
        pictures = await read_pictures(request, self._settings.files, _PICTURES)
        while True:
            in_words = model in self._without_schema
            try:
                body = self._body(request, model, names, in_words, pictures)
                on_text = request.on_text
                message = await (self._streamed(body, on_text) if on_text else self._create(body))
            except Refusal as refusal:
                if pictures.by_path and is_about_pictures(refusal):
                    pictures = pictures.without(model)
                    continue
                if request.schema is None or in_words or not _about_schema(refusal):
                    raise self._service.refused(refusal, model, request, self._clock.now_ms()) from None
                self._without_schema.add(model)
            else:
                notes = [*self._notes(request, in_words), *pictures.notes]
                return _read_reply(self._service, message, model, names, notes)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    async def _create(self, body: dict[str, Any]) -> dict[str, Any]:
        import asyncio

        import anthropic

        try:
            # The SDK's own timeout counts from byte to byte; ours is for the whole call.
            async with asyncio.timeout(self._service.timeout):
                raw = await self._client.messages.with_raw_response.create(**body)
        except (TimeoutError, anthropic.APITimeoutError):
            raise self._service.silent() from None
        except anthropic.APIStatusError as error:
            raise read_refusal(error.response) from None
        except anthropic.APIConnectionError as error:
            raise self._service.unreachable(error.__cause__) from None
        return self._service.read(raw.http_response)

    async def _streamed(self, body: dict[str, Any], on_text: Callable[[str], None]) -> dict[str, Any]:
        """The message, told in pieces while it comes."""
        import asyncio

        import anthropic
        import httpx2

        service, said = self._service, ""
        try:
            async with asyncio.timeout(service.timeout), self._client.messages.stream(**body) as stream:
                async for more in stream.text_stream:
                    said += more
                    on_text(said)
                message = (await stream.get_final_message()).to_dict(warnings=False)
        except (TimeoutError, anthropic.APITimeoutError):
            raise service.silent() from None
        except anthropic.APIStatusError as error:
            # One that was told in the midst of the stream has the 200 of its response.
            status = error.response.status_code
            raise Refusal(502 if status < 400 else status, error.response.headers, error.body) from None
        except anthropic.APIConnectionError as error:
            raise service.unreachable(error.__cause__) from None
        except httpx2.RequestError as error:
            raise service.unreachable(error) from None
        except (AssertionError, ValueError, anthropic.APIError):  # it ended early, or makes no sense
            raise service.broken("an answer that broke off") from None
        if message.get("stop_reason") is None:
            raise service.broken("an answer that broke off")
        return message

    def _body(
        self, request: ChatRequest, model: str, names: ToolNames, in_words: bool, pictures: Pictures
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": model,
            "messages": _messages(request.turns, names, pictures),
            "max_tokens": request.max_tokens or self._settings.max_tokens,
        }
        system = request.system
        if request.schema is not None and in_words:
            system = with_instruction(system, request.schema)
        elif request.schema is not None:
            body["output_config"] = {"format": {"type": "json_schema", "schema": dict(request.schema)}}
        if system.strip():
            body["system"] = system
        return body | _tools(request, names)

    def _notes(self, request: ChatRequest, in_words: bool) -> list[str]:
        notes = []
        if request.temperature is not None or self._settings.temperature is not None:
            notes.append(_NO_TEMPERATURE)
        if request.schema is not None and in_words:
            notes.append(LEFT_OUT)
        return notes


def _client(service: Service) -> anthropic.AsyncAnthropic:
    from anthropic import AsyncAnthropic

    return AsyncAnthropic(
        api_key=service.api_key,
        base_url=service.base_url,
        timeout=service.timeout,
        max_retries=0,
        open_telemetry=False,
    )


def _about_schema(refusal: Refusal) -> bool:
    return any(refusal.names(word) for word in ("output_config", "output_format", "json_schema", "schema"))


def _messages(turns: tuple[Turn, ...], names: ToolNames, pictures: Pictures) -> list[dict[str, Any]]:
    """The turns as messages that alternate, the user's first: all results of one round of tool calls must
    stand together in the next user message (PLATFORMS 7)."""
    messages: list[dict[str, Any]] = []
    for turn in turns:
        role = "assistant" if turn.role == "assistant" else "user"
        if not messages and role == "assistant":
            messages.append({"role": "user", "content": [{"type": "text", "text": _NOTHING}]})
        if not messages or messages[-1]["role"] != role:
            messages.append({"role": role, "content": []})
        messages[-1]["content"] += _blocks(turn, names, pictures)
    return messages


def _blocks(turn: Turn, names: ToolNames, pictures: Pictures) -> list[dict[str, Any]]:
    if turn.role == "tool":
        result = {"type": "tool_result", "tool_use_id": turn.tool_call_id, "content": turn.text or _NOTHING}
        return [result | {"is_error": True} if turn.is_error else result]
    calls = [
        {"type": "tool_use", "id": call.id, "name": names.safe(call.name), "input": dict(arguments_of(call))}
        for call in turn.tool_calls
    ]
    more = [*calls, *[_picture(picture) for picture in pictures.of(turn)]]
    # The API refuses a text block without text.
    text = turn.text if turn.text.strip() else ("" if more else _NOTHING)
    return [{"type": "text", "text": text}, *more] if text else more


def _picture(picture: Picture) -> dict[str, Any]:
    source = {"type": "base64", "media_type": picture.media_type, "data": picture.base64}
    return {"type": "image", "source": source}


def _tools(request: ChatRequest, names: ToolNames) -> dict[str, Any]:
    """The tools offered. A history with tool calls needs its tools declared even when none may be called."""
    if request.tools:
        return {"tools": [_tool(offer, names) for offer in request.tools]}
    called = dict.fromkeys(call.name for turn in request.turns for call in turn.tool_calls)
    if not called:
        return {}
    offers = [ToolOffer(name=name, description="", parameters={}) for name in called]
    return {"tools": [_tool(offer, names) for offer in offers], "tool_choice": {"type": "none"}}


def _tool(offer: ToolOffer, names: ToolNames) -> dict[str, Any]:
    schema = {"type": "object", "properties": {}, **offer.parameters}
    return {"name": names.safe(offer.name), "description": offer.description, "input_schema": schema}


def _read_reply(
    service: Service, message: Mapping[str, Any], model: str, names: ToolNames, notes: list[str]
) -> ChatReply:
    content = message.get("content")
    if not isinstance(content, list):
        raise service.broken("an answer without content")
    blocks = [block for block in content if isinstance(block, dict)]
    text = "".join(str(block.get("text") or "") for block in blocks if block.get("type") == "text")
    calls = tuple(_read_call(block, names) for block in blocks if block.get("type") == "tool_use")
    stop: StopReason = _STOPS.get(str(message.get("stop_reason")), "end")
    if calls and stop == "end":
        stop = "tools"
    if not text and stop == "end":
        raise service.broken("an empty answer")
    usage = message.get("usage")
    return ChatReply(
        text=text,
        model=str(message.get("model") or model),
        stop=stop,
        tool_calls=calls,
        usage=_read_usage(usage if isinstance(usage, dict) else {}),
        notes=tuple(notes),
    )


def _read_call(block: Mapping[str, Any], names: ToolNames) -> ToolCall:
    call_id, name, written = (
        str(block.get("id") or ""),
        names.real(str(block.get("name") or "")),
        block.get("input"),
    )
    if isinstance(written, dict):
        return ToolCall(id=call_id, name=name, arguments=written)
    return ToolCall(id=call_id, name=name, arguments=None, raw=json.dumps(written, ensure_ascii=False))


def _read_usage(usage: Mapping[str, Any]) -> Usage:
    """input_tokens leaves out what was written to, or read from, the prompt cache."""
    inputs = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return Usage(
        input_tokens=sum(counted(usage.get(name)) for name in inputs),
        output_tokens=counted(usage.get("output_tokens")),
    )


def connect(settings: ModelSettings, clock: Clock) -> ChatModel:
    """A model of Anthropic's."""
    model = AnthropicModel(service_of(ANTHROPIC, settings), settings, clock)
    return RetryingModel(model, clock, budget=2 * settings.timeout)


ANTHROPIC = Provider(
    name="anthropic",
    doc=__doc__,
    connect=connect,
    default_model=DEFAULT_MODELS["anthropic"],
    default_base_url="https://api.anthropic.com",
    key_variable="ANTHROPIC_API_KEY",
)
