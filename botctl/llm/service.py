"""The service behind a model: what its refusals and silences mean, and who has to act."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from msgspec import Struct

from botctl.duration import format_duration
from botctl.errors import BotctlError, OutsideError, UserError
from botctl.llm.chat import ChatRequest
from botctl.llm.provider import ModelSettings, Provider
from botctl.llm.retry import read_retry_after

# 425 too early; 498 and 499 are Groq's "no capacity" and "closed" (PLATFORMS 7).
_TRANSIENT = frozenset({408, 409, 425, 498, 499})
# 429 with one of these does not pass by waiting (OpenAI's error codes, 2026-11).
_UNPAID = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_LONGEST_QUOTE = 200
ADDRESS_HELP = "check `llm.base_url` in bot.yaml; for most OpenAI-compatible servers it ends in /v1"
"""What to do when there is no API at an address."""
_TELLING = 16


class HttpResponse(Protocol):
    """What is read of an SDK's HTTP response; both SDKs use httpx2."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def text(self) -> str: ...


class Refusal(Exception):
    """An answer that says no. message, code and param are what the service wrote, "" where it did not; error
    is the whole of it. A provider may put right what its service says in a way of its own."""

    def __init__(self, status: int, headers: Mapping[str, str], document: object) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.headers = headers
        self.is_json = isinstance(document, dict | list)
        self.error = error = _error_in(document)
        self.message = _text(error.get("message")) or _detail(error.get("detail"))
        self.code = _text(error.get("code")) or _text(error.get("type"))
        self.param = _text(error.get("param"))

    def names(self, field: str) -> bool:
        """Whether it was this field of the request that the service did not take."""
        return self.status in (400, 422) and (self.param == field or field in self.message)


def read_refusal(response: HttpResponse) -> Refusal:
    """The refusal in a response that is not 2xx."""
    try:
        document: object = json.loads(response.text)
    except ValueError:
        document = None
    return Refusal(response.status_code, response.headers, document)


class Service(Struct, frozen=True, kw_only=True):
    """Where a model is asked, as errors name it. timeout: seconds for one call.

    is_usual: that is where the provider usually is. unpaid: codes of a 429 that waiting does not cure, beside
    OpenAI's own. address_help: what to do when there is no API at this address.
    """

    provider: Provider
    base_url: str
    is_usual: bool
    api_key: str
    timeout: float
    unpaid: frozenset[str] = frozenset()
    address_help: str = ADDRESS_HELP

    @property
    def name(self) -> str:
        """The provider, and the host if it is not the usual one; never a path or a password."""
        if self.is_usual:
            return self.provider.name
        return f"{self.provider.name} at {urlsplit(self.base_url).netloc.rpartition('@')[2]}"

    def read(self, response: HttpResponse) -> dict[str, Any]:
        """The JSON object in a response that is 2xx; Refusal if it is an error after all."""
        try:
            document = json.loads(response.text)
        except ValueError:
            raise self._unreadable(response.text) from None
        if not isinstance(document, dict):
            raise self.broken("an answer that is no JSON object")
        if document.get("error"):
            code = _error_in(document).get("code")
            status = code if isinstance(code, int) and 400 <= code < 600 else 502
            raise Refusal(status, response.headers, document)
        return document

    def broken(self, what: str) -> OutsideError:
        """The error for an answer that is not what the API promises."""
        return OutsideError(f"{self.name} gave {what}", retryable=True)

    def silent(self) -> OutsideError:
        """The error for a call that took too long."""
        return OutsideError(
            f"{self.name} did not answer within {format_duration(self.timeout)}",
            help="raise `llm.timeout` in bot.yaml if the model needs longer",
            retryable=True,
        )

    def unreachable(self, cause: BaseException | None) -> OutsideError:
        """The error for a connection that was not made, or broke."""
        from httpx2 import ConnectError, ConnectTimeout

        if isinstance(cause, ConnectError | ConnectTimeout):
            return OutsideError(
                f"{self.name} cannot be reached",
                help=f"check `llm.base_url` ({self.name}) and this machine's network",
                retryable=True,
                not_executed=True,
            )
        return OutsideError(f"{self.name} broke the connection off", retryable=True)

    def refused(self, refusal: Refusal, model: str, request: ChatRequest, now_ms: int) -> BotctlError:
        """What a refusal means, without the key or any of the prompt in it."""
        said = self._quote(refusal, request)
        status = refusal.status
        if status == 402 or refusal.code in _UNPAID or refusal.code in self.unpaid:
            return OutsideError(
                f"{self.name} answers nothing more: the quota of this key is used up",
                help=f"see to billing or limits of the account at {self.provider.name}",
                not_executed=True,
            )
        if status == 429 or status in _TRANSIENT or status >= 500:
            return OutsideError(
                f"{self.name} {_trouble(status)}{said}",
                retryable=refusal.headers.get("x-should-retry") != "false",
                not_executed=status == 429,
                retry_after=read_retry_after(refusal.headers, now_ms),
            )
        return self._users_matter(refusal, model, said)

    def _users_matter(self, refusal: Refusal, model: str, said: str) -> UserError:
        if refusal.status == 401:
            return UserError(f"{self.name} refused the key", help=key_help(self.provider))
        if refusal.status == 403:
            return UserError(
                f"{self.name} does not let this key use the model `{model}`{said}",
                help=f"use a key that may, or another `llm.model`; {key_help(self.provider)}",
            )
        if refusal.status == 404 and refusal.is_json:
            return UserError(
                f"{self.name} does not know the model `{model}`{said}",
                help="set `llm.model` in bot.yaml, or `model` of the node, to a model that this key may use",
            )
        if refusal.status == 404 or refusal.status < 400:
            return UserError(f"{self.name} has no such API at this address", help=self.address_help)
        return UserError(f"{self.name} refused the request (HTTP {refusal.status}){said}")

    def _unreadable(self, text: str) -> OutsideError:
        if text.lstrip()[:1] == "<":
            return OutsideError(
                f"{self.name} answered with a web page instead of JSON", help=self.address_help
            )
        if not text.strip():
            return self.broken("an empty answer")
        return self.broken("an answer that is cut off or no JSON")

    def _quote(self, refusal: Refusal, request: ChatRequest) -> str:
        """What the service said, for the end of a sentence; its code alone if it repeats the prompt."""
        message = " ".join(refusal.message.split())
        if self.api_key:
            message = message.replace(self.api_key, "***")
        message = message[:_LONGEST_QUOTE]
        if any(_repeats(message, " ".join(text.split())) for text in _prompt(request)):
            message = ""
        said = message or refusal.code
        return f": {said}" if said else ""


def service_of(
    provider: Provider,
    settings: ModelSettings,
    unpaid: frozenset[str] = frozenset(),
    address_help: str = ADDRESS_HELP,
) -> Service:
    """The service that the settings name; a UserError if they cannot be right."""
    base_url = settings.base_url or provider.default_base_url
    is_usual = base_url == provider.default_base_url
    if "{account_id}" in base_url:
        base_url = base_url.replace("{account_id}", _account(provider, settings))
    if not base_url:
        raise UserError(f"the model provider `{provider.name}` needs an address", help="set `llm.base_url`")
    if urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).netloc:
        raise UserError(
            f"`llm.base_url` of `{provider.name}` is not an address", help="begin it with https:// or http://"
        )
    if provider.needs_key and not settings.api_key:
        raise UserError(f"the model provider `{provider.name}` needs a key", help=key_help(provider))
    if not settings.api_key.isascii() or not settings.api_key.isprintable() or " " in settings.api_key:
        raise UserError(
            f"the key for `{provider.name}` holds a space or a letter that no key has",
            help=key_help(provider),
        )
    return Service(
        provider=provider,
        base_url=base_url,
        is_usual=is_usual,
        api_key=settings.api_key,
        timeout=settings.timeout,
        unpaid=unpaid,
        address_help=address_help,
    )


def _account(provider: Provider, settings: ModelSettings) -> str:
    account = settings.account_id
    if not account:
        raise UserError(
            f"the model provider `{provider.name}` needs the id of an account",
            help=f"set {provider.account_variable} (or `llm.account_id` in bot.yaml) to it",
        )
    if not (account.isascii() and account.isalnum()):
        raise UserError(
            f"`llm.account_id` of `{provider.name}` is no account id",
            help="write its letters and digits only",
        )
    return account


def key_help(provider: Provider) -> str:
    """How to give a provider its key."""
    if provider.key_variable:
        return f"set {provider.key_variable} (or `llm.api_key` in bot.yaml) to a key that is valid there"
    return "set `llm.api_key` in bot.yaml to a key that is valid there"


def chosen_model(provider: Provider, settings: ModelSettings, request: ChatRequest) -> str:
    """The model to ask: the request's, else bot.yaml's, else the provider's default."""
    model = request.model or settings.model or provider.default_model
    if not model:
        raise UserError(f"the model provider `{provider.name}` has no default model", help="set `llm.model`")
    return model


def _trouble(status: int) -> str:
    if status == 429:
        return "is asked too often (HTTP 429)"
    return f"is overloaded (HTTP {status})" if status in (503, 529) else f"is in trouble (HTTP {status})"


def _error_in(document: object) -> Mapping[str, Any]:
    """The error in a body, in the shapes met in the field: {error: {...}} (OpenAI, Anthropic), {error: text}
    (Ollama), [{error: ...}] (Gemini), {errors: [...]} (Cloudflare), {message} (vLLM), {detail} (FastAPI)."""
    if isinstance(document, list):
        document = document[0] if document else None
    if not isinstance(document, dict):
        return {}
    error = document.get("error") or document.get("errors")
    if isinstance(error, list):
        error = error[0] if error else None
    if isinstance(error, str):
        return {"message": error}
    return error if isinstance(error, dict) else document


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) else ""


def _detail(detail: object) -> str:
    """FastAPI's way: a sentence, or a list of {loc, msg}."""
    found = [part for part in detail if isinstance(part, dict)] if isinstance(detail, list) else []
    told = (f"{'.'.join(map(str, part.get('loc') or ()))}: {part.get('msg')}" for part in found)
    return "; ".join(told) or _text(detail)


def _prompt(request: ChatRequest) -> Iterator[str]:
    yield request.system
    for turn in request.turns:
        yield turn.text
        for call in turn.tool_calls:
            yield json.dumps(call.arguments, ensure_ascii=False) if call.arguments else call.raw


def _repeats(message: str, prompt: str) -> bool:
    """Whether a message quotes a prompt: all of a short one, or any telling run of letters of a long one."""
    if len(prompt) <= _TELLING:
        return len(prompt) > 3 and prompt in message
    starts = range(len(message) - _TELLING + 1)
    return any(message[start : start + _TELLING] in prompt for start in starts)
