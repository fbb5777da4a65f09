"""Functions: plain HTTP endpoints, or Python callables, offered as tools."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import re
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botctl.errors import OutsideError, UserError
from botctl.tools.tool import Tool, ToolHints, ToolResult

if TYPE_CHECKING:
    from httpx import AsyncClient, Response

PREFIX = "functions__"
_IN_QUERY = ("GET", "DELETE")


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionSettings:
    """A function as declared, with every `${NAME}` resolved. timeout is in seconds."""

    name: str
    description: str = ""
    url: str = ""
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    python: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 30.0
    read_only: bool | None = None
    idempotent: bool | None = None
    destructive: bool | None = None


class Function:
    """One function, ready to be called."""

    def __init__(self, settings: FunctionSettings) -> None:
        self._settings = settings
        self._client: AsyncClient | None = None
        self._callable: Callable[..., Any] | None = None
        self.tool = Tool(
            name=PREFIX + settings.name,
            description=settings.description,
            input_schema=settings.parameters,
            hints=ToolHints(
                read_only=True
                if settings.read_only is None and settings.method == "GET" and settings.url
                else settings.read_only,
                idempotent=settings.idempotent,
                destructive=settings.destructive,
            ),
        )

    async def call(self, arguments: Mapping[str, Any], timeout: float | None) -> ToolResult:
        """Call it; see `ToolBox.call` for what goes wrong how."""
        seconds = timeout or self._settings.timeout
        if self._settings.python:
            return await self._call_python(arguments, seconds)
        return await self._call_http(arguments, seconds)

    async def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _call_http(self, arguments: Mapping[str, Any], seconds: float) -> ToolResult:
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(follow_redirects=False)
        settings = self._settings
        left = dict(arguments)
        url = re.sub(r"\{(\w+)\}", lambda match: _quoted(left.pop(match[1], "")), settings.url)
        options: dict[str, Any] = {"json": left}
        if settings.method in _IN_QUERY:
            options = {"params": {name: _plain(value) for name, value in left.items()}}
        name = settings.name
        try:
            response = await self._client.request(
                settings.method, url, headers=dict(settings.headers), timeout=seconds, **options
            )
        except httpx.ConnectError as error:
            raise OutsideError(
                f"function `{name}` could not be reached", retryable=True, not_executed=True
            ) from error
        except httpx.TimeoutException as error:
            raise OutsideError(
                f"function `{name}` did not answer within {seconds:g} s", retryable=True
            ) from error
        except httpx.HTTPError as error:
            raise OutsideError(
                f"function `{name}` broke off: {type(error).__name__}", retryable=True
            ) from error
        except httpx.InvalidURL as error:
            raise UserError(f"function `{name}` has an address that cannot be used: {error}") from error
        return _result_of(name, response)

    async def _call_python(self, arguments: Mapping[str, Any], seconds: float) -> ToolResult:
        name = self._settings.name
        function = self._callable or self._load()
        self._callable = function
        try:
            async with asyncio.timeout(seconds):
                if inspect.iscoroutinefunction(function):
                    value = await function(**arguments)
                else:
                    value = await asyncio.to_thread(function, **arguments)
        except TimeoutError as error:
            raise OutsideError(
                f"function `{name}` did not end within {seconds:g} s", retryable=True
            ) from error
        try:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise UserError(f"function `{name}` gave something that is not JSON: {error}") from error
        return ToolResult(value=value, text=text)

    def _load(self) -> Callable[..., Any]:
        module_name, _, attribute = self._settings.python.partition(":")
        try:
            found = getattr(importlib.import_module(module_name), attribute)
        except (ImportError, AttributeError, ValueError) as error:
            raise UserError(
                f"function `{self._settings.name}`: `{self._settings.python}` cannot be imported: {error}",
                help="`python` is module:function",
            ) from error
        if not callable(found):
            raise UserError(f"function `{self._settings.name}`: `{self._settings.python}` cannot be called")
        return found  # type: ignore[no-any-return]


def _result_of(name: str, response: Response) -> ToolResult:
    status = response.status_code
    if status == 429 or status >= 500:
        after = response.headers.get("retry-after", "")
        raise OutsideError(
            f"function `{name}` answered {status}",
            retryable=True,
            not_executed=status == 429,
            retry_after=float(after) if after.isdecimal() else None,
        )
    text = response.text
    if not response.is_success:
        return ToolResult(value=text, text=f"{status}: {text[:500]}", is_error=True)
    try:
        return ToolResult(value=json.loads(text), text=text)
    except ValueError:
        return ToolResult(value=text, text=text)


def _quoted(value: Any) -> str:
    return urllib.parse.quote(_plain(value), safe="")


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
