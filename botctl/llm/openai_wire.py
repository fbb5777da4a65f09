"""The chat completions wire: OpenAI's own, and that of every server which copied it.

Chat completions, not the newer responses API: it is what custom servers, Groq and Cloudflare speak too, so
that one wire serves them all, and it keeps nothing on the server (2026-11).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from botctl.clock import Clock
from botctl.llm.chat import ChatModel, ChatReply, ChatRequest
from botctl.llm.completion_reply import read_completion, read_failed_generation
from botctl.llm.completion_request import write_messages, write_schema, write_tools
from botctl.llm.completion_stream import GrowingCompletion
from botctl.llm.json_answer import LEFT_OUT, with_instruction
from botctl.llm.pictures import PictureRules, Pictures, is_about_pictures, read_pictures
from botctl.llm.provider import ModelSettings, Provider
from botctl.llm.retry import RetryingModel
from botctl.llm.service import ADDRESS_HELP, Refusal, Service, chosen_model, read_refusal, service_of
from botctl.llm.tool_names import ToolNames, names_in

if TYPE_CHECKING:
    import openai

LengthField = Literal["max_tokens", "max_completion_tokens"]
Adaptation = Literal["no temperature", "schema in words", "other length field", "no stream"]
Adapted = frozenset[Adaptation]


def _as_it_is(refusal: Refusal) -> None:
    """Most services say what they mean with the right status."""


class Dialect(Struct, frozen=True, kw_only=True):
    """How a service differs from the others that speak this wire.

    length_field: what it calls the longest answer. pictures: those it takes; None: no pictures. unpaid: codes
    of a 429 that waiting does not cure, beside OpenAI's own. put_right: mends what it says in its own way.
    """

    length_field: LengthField = "max_tokens"
    pictures: PictureRules | None = PictureRules()
    unpaid: frozenset[str] = frozenset()
    address_help: str = ADDRESS_HELP
    put_right: Callable[[Refusal], None] = _as_it_is


def connect_openai(provider: Provider, settings: ModelSettings, clock: Clock, dialect: Dialect) -> ChatModel:
    """A model of any service that speaks this wire, asked through the openai SDK."""
    service = service_of(provider, settings, dialect.unpaid, dialect.address_help)
    model = OpenAIModel(service, settings, clock, dialect)
    return RetryingModel(model, clock, budget=2 * settings.timeout)


class OpenAIModel:
    """A model behind a chat completions endpoint, asked once per reply."""

    def __init__(self, service: Service, settings: ModelSettings, clock: Clock, dialect: Dialect) -> None:
        self._service = service
        self._settings = settings
        self._clock = clock
        self._dialect = dialect
        self._client = _client(service)
        self._adaptations: dict[str, Adapted] = {}

    async def reply(self, request: ChatRequest) -> ChatReply:
        """Ask once; what a model turns out not to take is left out, and remembered for that model, but for
        pictures: it may be the very one that it did not take."""
        model = chosen_model(self._service.provider, self._settings, request)
        names = names_in(request)
        pictures = await read_pictures(request, self._settings.files, self._dialect.pictures)
        while True:
            adapted = self._adaptations.get(model, frozenset())
            body = self._body(request, model, names, adapted, pictures)
            try:
                on_text = None if "no stream" in adapted else request.on_text
                completion = await (self._streamed(body, on_text) if on_text else self._complete(body))
                reply = read_completion(self._service, completion, request, names)
            except Refusal as refusal:
                self._dialect.put_right(refusal)
                if pictures.by_path and is_about_pictures(refusal):
                    pictures = pictures.without(model)
                    continue
                adaptation = _adaptation(refusal, body, adapted, is_streamed=on_text is not None)
                if adaptation is not None:
                    self._adaptations[model] = self._adaptations.get(model, frozenset()) | {adaptation}
                    continue
                held_back = read_failed_generation(self._service, refusal, request, names)
                if held_back is None:
                    raise self._service.refused(refusal, model, request, self._clock.now_ms()) from None
                reply = held_back
            notes = _notes(body, request, model, adapted)
            return replace(reply, model=reply.model or model, notes=(*notes, *pictures.notes, *reply.notes))

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

    async def _streamed(self, body: dict[str, Any], on_text: Callable[[str], None]) -> dict[str, Any]:
        """The completion, told in pieces while it comes. Servers that do not stream answer at once."""
        import asyncio

        import httpx2
        import openai

        growing, service = GrowingCompletion(), self._service
        more: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
        try:
            async with (
                asyncio.timeout(service.timeout),
                await self._client.chat.completions.create(**body, **more) as stream,
            ):
                if "event-stream" not in stream.response.headers.get("content-type", ""):
                    await stream.response.aread()
                    return service.read(stream.response)
                async for chunk in stream:
                    if growing.add(chunk.to_dict(warnings=False)):
                        on_text(growing.text)
        except (TimeoutError, openai.APITimeoutError):
            raise service.silent() from None
        except openai.APIStatusError as error:
            raise read_refusal(error.response) from None
        except openai.APIConnectionError as error:
            raise service.unreachable(error.__cause__) from None
        except httpx2.RequestError as error:
            raise service.unreachable(error) from None
        except openai.APIError as error:  # told in the midst of the stream
            raise Refusal(502, {}, {"error": error.body or {"message": error.message}}) from None
        except ValueError:
            raise service.broken("an answer that cannot be read") from None
        if not growing.is_whole:
            raise service.broken("an answer that broke off")
        return growing.document()

    def _body(
        self, request: ChatRequest, model: str, names: ToolNames, adapted: Adapted, pictures: Pictures
    ) -> dict[str, Any]:
        in_words = request.schema is not None and "schema in words" in adapted
        system = with_instruction(request.system, request.schema or {}) if in_words else request.system
        length_field = self._dialect.length_field
        if "other length field" in adapted:
            length_field = (
                "max_tokens" if length_field == "max_completion_tokens" else "max_completion_tokens"
            )
        body: dict[str, Any] = {
            "model": model,
            "messages": write_messages(system, request.turns, names, pictures),
            length_field: request.max_tokens or self._settings.max_tokens,
        }
        temperature = self._settings.temperature if request.temperature is None else request.temperature
        if temperature is not None and "no temperature" not in adapted:
            body["temperature"] = temperature
        if request.tools:
            body["tools"] = write_tools(request.tools, names)
        if request.schema is not None and not in_words:
            body["response_format"] = write_schema(request.schema)
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
    refusal: Refusal, body: Mapping[str, Any], adapted: Adapted, *, is_streamed: bool
) -> Adaptation | None:
    """What to do without after a refusal, if it is about something that we sent and can do without.

    Reasoning models take no temperature and only max_completion_tokens; older servers only max_tokens, and
    many know no json_schema (PLATFORMS 7).
    """
    if is_streamed and refusal.names("stream"):
        return "no stream"
    if "temperature" in body and refusal.names("temperature"):
        return "no temperature"
    if "other length field" not in adapted and _takes_other_length_field(refusal, body):
        return "other length field"
    if "response_format" in body and any(
        refusal.names(word) for word in ("response_format", "json_schema", "schema", "json mode")
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


def _notes(body: Mapping[str, Any], request: ChatRequest, model: str, adapted: Adapted) -> list[str]:
    notes = []
    if "temperature" not in body and "no temperature" in adapted:
        notes.append(f"temperature was left out: {model} takes none")
    if request.schema is not None and "schema in words" in adapted:
        notes.append(LEFT_OUT)
    return notes
