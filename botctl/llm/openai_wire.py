"""The chat completions wire: OpenAI's own, and that of every server which copied it.

Chat completions, not the newer responses API: it is what custom servers, Groq and Cloudflare speak too, so
that one wire serves them all, and it keeps nothing on the server (2026-11).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from botctl.clock import Clock
from botctl.llm.chat import ChatModel, ChatReply, ChatRequest, StopReason, ToolCall, ToolOffer, Turn, Usage
from botctl.llm.json_answer import LEFT_OUT, with_instruction
from botctl.llm.provider import ModelSettings, Provider
from botctl.llm.retry import RetryingModel
from botctl.llm.service import Refusal, Service, chosen_model, read_refusal, service_of
from botctl.llm.tool_names import ToolNames, names_in

if TYPE_CHECKING:
    import openai

LengthField = Literal["max_tokens", "max_completion_tokens"]
Adaptation = Literal["no temperature", "schema in words", "other length field"]

_STOPS: Mapping[str, StopReason] = {"length": "length", "content_filter": "refusal"}


def connect_openai(
    provider: Provider,
    settings: ModelSettings,
    clock: Clock,
    *,
    length_field: LengthField = "max_tokens",
    unpaid: frozenset[str] = frozenset(),
) -> ChatModel:
    """A model of any service that speaks this wire, asked through the openai SDK.

    length_field: what the service calls the longest answer. unpaid: codes of a 429 that waiting does not
    cure, beside OpenAI's own.
    """
    service = service_of(provider, settings, unpaid)
    model = OpenAIModel(service, settings, clock, length_field)
    return RetryingModel(model, clock, budget=2 * settings.timeout)


class OpenAIModel:
    """A model behind a chat completions endpoint, asked once per reply."""

    def __init__(
        self, service: Service, settings: ModelSettings, clock: Clock, length_field: LengthField
    ) -> None:
        self._service = service
        self._settings = settings
        self._clock = clock
        self._length_field = length_field
        self._client = _client(service)
        self._adaptations: dict[str, frozenset[Adaptation]] = {}

    async def reply(self, request: ChatRequest) -> ChatReply:
        """Ask once; what a model turns out not to take is left out, and remembered for that model."""
        model = chosen_model(self._service.provider, self._settings, request)
        names = names_in(request)
        while True:
            adapted = self._adaptations.get(model, frozenset())
            body = self._body(request, model, names, adapted)
            try:
                completion = await self._complete(body)
            except Refusal as refusal:
                adaptation = _adaptation(refusal, body, adapted)
                if adaptation is None:
                    raise self._service.refused(refusal, model, request, self._clock.now_ms()) from None
                known = self._adaptations.get(model, frozenset())
                self._adaptations[model] = known | {adaptation}
            else:
                notes = _notes(body, request, model, adapted)
                return _read_reply(self._service, completion, model, names, notes)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    async def _complete(self, body: dict[str, Any]) -> dict[str, Any]:
        import asyncio

        import openai

        try:
            # The SDK's own timeout counts from byte to byte; ours is for the whole call.
            async with asyncio.timeout(self._service.timeout):
                raw = await self._client.chat.completions.with_raw_response.create(**body)
        except (TimeoutError, openai.APITimeoutError):
            raise self._service.silent() from None
        except openai.APIStatusError as error:
            raise read_refusal(error.response) from None
        except openai.APIConnectionError as error:
            raise self._service.unreachable(error.__cause__) from None
        return self._service.read(raw.http_response)

    def _body(
        self, request: ChatRequest, model: str, names: ToolNames, adapted: frozenset[Adaptation]
    ) -> dict[str, Any]:
        in_words = request.schema is not None and "schema in words" in adapted
        system = with_instruction(request.system, request.schema or {}) if in_words else request.system
        length_field = self._length_field
        if "other length field" in adapted:
            length_field = (
                "max_tokens" if length_field == "max_completion_tokens" else "max_completion_tokens"
            )
        body: dict[str, Any] = {
            "model": model,
            "messages": _messages(system, request.turns, names),
            length_field: request.max_tokens or self._settings.max_tokens,
        }
        temperature = self._settings.temperature if request.temperature is None else request.temperature
        if temperature is not None and "no temperature" not in adapted:
            body["temperature"] = temperature
        if request.tools:
            body["tools"] = [_tool(offer, names) for offer in request.tools]
        if request.schema is not None and not in_words:
            # Not `strict`: that takes only a part of JSON Schema; llm_call checks the answer itself.
            wanted = {"name": "answer", "schema": dict(request.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": wanted}
        return body


def _client(service: Service) -> openai.AsyncOpenAI:
    from openai import AsyncOpenAI

    client = AsyncOpenAI(
        # Local servers need no key, but the SDK would take OPENAI_API_KEY for them, which is none of theirs.
        api_key=service.api_key or "none",
        base_url=service.base_url,
        timeout=service.timeout,
        max_retries=0,
    )
    if service.provider.name != "openai":
        # Read from OPENAI_ORG_ID and OPENAI_PROJECT_ID; nothing to tell anybody else.
        client.organization = client.project = None
    return client


def _adaptation(
    refusal: Refusal, body: Mapping[str, Any], adapted: frozenset[Adaptation]
) -> Adaptation | None:
    """What to do without after a refusal, if it is about something that we sent and can do without.

    Reasoning models take no temperature and only max_completion_tokens; older servers only max_tokens, and
    many know no json_schema (PLATFORMS 7).
    """
    if "temperature" in body and refusal.names("temperature"):
        return "no temperature"
    if "other length field" not in adapted and _takes_other_length_field(refusal, body):
        return "other length field"
    if "response_format" in body and any(
        refusal.names(word) for word in ("response_format", "json_schema", "schema")
    ):
        return "schema in words"
    return None


def _takes_other_length_field(refusal: Refusal, body: Mapping[str, Any]) -> bool:
    if "max_tokens" in body:
        return refusal.names("max_completion_tokens")
    # "max_completion_tokens is too large" is about the number: only an unknown field is another matter.
    unknown = any(
        word in refusal.message.lower() for word in ("unsupported", "unknown", "unrecognized", "extra")
    )
    return refusal.names("max_completion_tokens") and (unknown or refusal.code == "unsupported_parameter")


def _notes(
    body: Mapping[str, Any], request: ChatRequest, model: str, adapted: frozenset[Adaptation]
) -> list[str]:
    notes = []
    if "temperature" not in body and "no temperature" in adapted:
        notes.append(f"temperature was left out: {model} takes none")
    if request.schema is not None and "schema in words" in adapted:
        notes.append(LEFT_OUT)
    if any(turn.attachments for turn in request.turns):
        notes.append("attachments were left out: models are given text only")
    return notes


def _messages(system: str, turns: tuple[Turn, ...], names: ToolNames) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    for turn in turns:
        if turn.role == "tool":
            messages.append({"role": "tool", "tool_call_id": turn.tool_call_id, "content": turn.text})
        elif turn.tool_calls:
            calls = [_call(call, names) for call in turn.tool_calls]
            messages.append({"role": "assistant", "content": turn.text or None, "tool_calls": calls})
        else:
            messages.append({"role": turn.role, "content": turn.text})
    return messages


def _call(call: ToolCall, names: ToolNames) -> dict[str, Any]:
    arguments = call.raw if call.arguments is None else json.dumps(call.arguments, ensure_ascii=False)
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": names.safe(call.name), "arguments": arguments},
    }


def _tool(offer: ToolOffer, names: ToolNames) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {}, **offer.parameters}
    function = {"name": names.safe(offer.name), "description": offer.description, "parameters": parameters}
    return {"type": "function", "function": function}


def _read_reply(
    service: Service, completion: Mapping[str, Any], model: str, names: ToolNames, notes: list[str]
) -> ChatReply:
    choices = completion.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise service.broken("an answer without a choice")
    refusal = message.get("refusal")
    text = refusal if isinstance(refusal, str) and refusal else _read_text(message.get("content"))
    calls = _read_calls(message.get("tool_calls"), names)
    stop: StopReason = "refusal" if refusal else _STOPS.get(str(choice.get("finish_reason")), "end")
    if calls and stop == "end":
        stop = "tools"
    if not text and stop == "end":
        raise service.broken("an empty answer")
    usage = completion.get("usage")
    if not isinstance(usage, dict):
        usage = {}
        notes.append(f"{service.name} did not count the tokens")
    return ChatReply(
        text=text,
        model=str(completion.get("model") or model),
        stop=stop,
        tool_calls=calls,
        usage=Usage(
            input_tokens=_count(usage.get("prompt_tokens")),
            output_tokens=_count(usage.get("completion_tokens")),
        ),
        notes=tuple(notes),
    )


def _read_text(content: object) -> str:
    """The text of a message: a string, or with some servers a list of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))


def _read_calls(written: object, names: ToolNames) -> tuple[ToolCall, ...]:
    calls = written if isinstance(written, list) else []
    functions = [(call, call.get("function")) for call in calls if isinstance(call, dict)]
    return tuple(
        _read_call(str(call.get("id") or f"call_{number}"), function, names)
        for number, (call, function) in enumerate(functions, 1)
        if isinstance(function, dict)
    )


def _read_call(call_id: str, function: Mapping[str, Any], names: ToolNames) -> ToolCall:
    name = names.real(str(function.get("name") or ""))
    written = function.get("arguments")
    if isinstance(written, dict):  # Some servers send the object itself instead of its text.
        return ToolCall(id=call_id, name=name, arguments=written)
    raw = str(written or "")
    try:
        arguments = json.loads(raw) if raw.strip() else {}
    except ValueError:
        arguments = None
    if isinstance(arguments, dict):
        return ToolCall(id=call_id, name=name, arguments=arguments)
    return ToolCall(id=call_id, name=name, arguments=None, raw=raw)


def _count(number: object) -> int:
    return number if isinstance(number, int) else 0
