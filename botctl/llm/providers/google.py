"""google: Gemini, over generateContent.

```yaml
llm:
  provider: google
  model: gemini-3.8-flash
  api_key: ${GEMINI_API_KEY}     # this variable is also used when api_key is left out
```

`base_url` may end in the version of the API, such as /v1beta; without one it is v1. A model that refuses a
temperature, a JSON Schema or pictures is asked without, and the trace says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from botctl.clock import Clock
from botctl.errors import UserError
from botctl.llm.chat import ChatModel, ChatReply, ChatRequest
from botctl.llm.default_models import DEFAULT_MODELS
from botctl.llm.gemini_reply import USED_UP, has_ended, put_right, read_gemini, text_of, whole_answer
from botctl.llm.gemini_request import write_config, write_contents
from botctl.llm.json_answer import LEFT_OUT
from botctl.llm.pictures import PictureRules, Pictures, is_about_pictures, read_pictures
from botctl.llm.provider import ModelSettings, Provider
from botctl.llm.retry import RetryingModel
from botctl.llm.service import Refusal, Service, chosen_model, read_refusal, service_of
from botctl.llm.tool_names import ToolNames, names_in

if TYPE_CHECKING:
    from google import genai

Adaptation = Literal["no temperature", "schema in words"]

_VERSION = re.compile(r"/(v\d\w*)/?\Z")
_MODEL = re.compile(r"(?!.*\.\.)[\w./:@-]+\Z")
# A request with its pictures in base64 may have 20 MB (Google's documents on images, 2026).
_PICTURES = PictureRules(
    types=frozenset({"image/jpeg", "image/png", "image/webp", "image/heic"}), largest=12_000_000
)
_ADDRESS_HELP = "check `llm.base_url` in bot.yaml; it ends before /models, and may end in /v1 or /v1beta"


class GeminiModel:
    """A Gemini model, asked once per reply."""

    def __init__(self, service: Service, settings: ModelSettings, clock: Clock) -> None:
        import httpx2

        self._service = service
        self._settings = settings
        self._clock = clock
        # The SDK would take aiohttp where that is installed, and then repeats some calls by itself (3.4).
        # No limit of its own: ours is for the whole call. As many connections as the other SDKs allow.
        limits = httpx2.Limits(max_connections=1000, max_keepalive_connections=100)
        self._http = httpx2.AsyncClient(timeout=None, limits=limits)
        self._client = _client(service, self._http)
        self._adaptations: dict[str, frozenset[Adaptation]] = {}

    async def reply(self, request: ChatRequest) -> ChatReply:
        """Ask once; what a model turns out not to take is left out, and remembered for that model, but for
        pictures and signatures: those are matters of one request."""
        model = chosen_model(self._service.provider, self._settings, request)
        if not _MODEL.match(model):
            raise UserError(f"`{model[:80]}` is no name of a model", help="set `llm.model` in bot.yaml")
        names = names_in(request)
        pictures = await read_pictures(request, self._settings.files, _PICTURES)
        signatures = True
        while True:
            adapted = self._adaptations.get(model, frozenset())
            config = self._config(request, names, adapted)
            contents = write_contents(request.turns, names, pictures, signatures=signatures)
            try:
                document = await self._generate(model, contents, config, request.on_text)
                reply = read_gemini(self._service, document, request, names)
            except Refusal as refusal:
                put_right(refusal)
                if signatures and "signature" in refusal.message and refusal.status == 400:
                    signatures = False
                    continue
                if pictures.by_path and is_about_pictures(refusal):
                    pictures = pictures.without(model)
                    continue
                adaptation = _adaptation(refusal, config)
                if adaptation is None:
                    raise self._service.refused(refusal, model, request, self._clock.now_ms()) from None
                self._adaptations[model] = self._adaptations.get(model, frozenset()) | {adaptation}
            else:
                return self._told(reply, request, model, adapted, pictures)

    async def close(self) -> None:
        """Let go of connections."""
        self._client.close()
        await self._http.aclose()

    async def _generate(
        self,
        model: str,
        contents: list[dict[str, Any]],
        config: dict[str, Any],
        on_text: Callable[[str], None] | None,
    ) -> dict[str, Any]:
        import asyncio

        import httpx2
        from google.genai import errors, types

        asked: Any = [types.Content.model_validate(content) for content in contents]
        automatic = {"automatic_function_calling": {"disable": True}, "automatic_continuation": False}
        at_once = {} if on_text else {"should_return_http_response": True}
        settings = types.GenerateContentConfig.model_validate(config | automatic | at_once)
        try:
            async with asyncio.timeout(self._service.timeout):
                if on_text is not None:
                    return await self._streamed(model, asked, settings, on_text)
                answer = await self._client.aio.models.generate_content(
                    model=model, contents=asked, config=settings
                )
        except (TimeoutError, httpx2.TimeoutException):
            raise self._service.silent() from None
        except errors.APIError as error:
            raise read_refusal(error.response) from None  # type: ignore[arg-type]
        except httpx2.RequestError as error:
            raise self._service.unreachable(error) from None
        raw = answer.sdk_http_response
        return self._service.read(
            _Answer(headers=dict((raw and raw.headers) or {}), text=(raw and raw.body) or "")
        )

    async def _streamed(
        self, model: str, asked: Any, settings: Any, on_text: Callable[[str], None]
    ) -> dict[str, Any]:
        """The answer, told in pieces while it comes."""
        pieces: list[dict[str, Any]] = []
        said = ""
        try:
            async for chunk in await self._client.aio.models.generate_content_stream(
                model=model, contents=asked, config=settings
            ):
                # Signatures go back as they came: bytes are written in the other alphabet of base64 here.
                written = chunk.model_dump_json(by_alias=True, exclude_none=True)
                pieces.append(_with_signatures(json.loads(written)))
                more = text_of(pieces[-1])
                if more:
                    said += more
                    on_text(said)
        except ValueError:
            raise self._service.broken("an answer that cannot be read") from None
        document = whole_answer(pieces)
        if not has_ended(document):
            raise self._service.broken("an answer that broke off")
        return document

    def _config(
        self, request: ChatRequest, names: ToolNames, adapted: frozenset[Adaptation]
    ) -> dict[str, Any]:
        temperature = self._settings.temperature if request.temperature is None else request.temperature
        return write_config(
            request,
            names,
            schema_in_words="schema in words" in adapted,
            temperature=None if "no temperature" in adapted else temperature,
            max_tokens=request.max_tokens or self._settings.max_tokens,
        )

    def _told(
        self,
        reply: ChatReply,
        request: ChatRequest,
        model: str,
        adapted: frozenset[Adaptation],
        pictures: Pictures,
    ) -> ChatReply:
        notes = []
        wants_temperature = request.temperature is not None or self._settings.temperature is not None
        if wants_temperature and "no temperature" in adapted:
            notes.append(f"temperature was left out: {model} takes none")
        if request.schema is not None and "schema in words" in adapted:
            notes.append(LEFT_OUT)
        return replace(reply, model=reply.model or model, notes=(*notes, *pictures.notes, *reply.notes))


class _Answer(Struct, frozen=True, kw_only=True):
    """An answer that is 2xx, as the SDK hands it on."""

    headers: dict[str, str]
    text: str
    status_code: int = 200


def _with_signatures(piece: dict[str, Any]) -> dict[str, Any]:
    for candidate in piece.get("candidates", ()):
        for part in (candidate.get("content") or {}).get("parts") or ():
            if "thoughtSignature" in part:
                part["thoughtSignature"] = part["thoughtSignature"].replace("-", "+").replace("_", "/")
    return piece


def _client(service: Service, http: Any) -> genai.Client:
    from google import genai
    from google.genai import types

    found = _VERSION.search(service.base_url)
    options = types.HttpOptions(
        base_url=service.base_url[: found.start()] if found else service.base_url,
        api_version=found[1] if found else "v1",
        httpx_async_client=http,
    )
    # Said outright, for else the SDK looks at a dozen variables of the environment.
    return genai.Client(vertexai=False, api_key=service.api_key, http_options=options)


def _adaptation(refusal: Refusal, config: dict[str, Any]) -> Adaptation | None:
    """What to do without after a refusal. Some models take no schema, or none beside tools."""
    if "temperature" in config and refusal.names("temperature"):
        return "no temperature"
    words = ("response mime type", "response_mime_type", "responseMimeType", "schema", "Schema", "JSON mode")
    if "response_json_schema" in config and any(refusal.names(word) for word in words):
        return "schema in words"
    return None


def connect(settings: ModelSettings, clock: Clock) -> ChatModel:
    """A model of Google's."""
    service = service_of(GOOGLE, settings, frozenset({USED_UP}), _ADDRESS_HELP)
    return RetryingModel(GeminiModel(service, settings, clock), clock, budget=2 * settings.timeout)


GOOGLE = Provider(
    name="google",
    doc=__doc__,
    connect=connect,
    aliases=("gemini",),
    default_model=DEFAULT_MODELS["google"],
    default_base_url="https://generativelanguage.googleapis.com",
    key_variable="GEMINI_API_KEY",
)
