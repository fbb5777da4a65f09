"""Functions: plain HTTP endpoints and Python callables, offered as tools `functions__<name>`."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from botctl.duration import format_duration
from botctl.errors import OutsideError, UserError
from botctl.tools.parsed_text import parse_text
from botctl.tools.tool import FUNCTIONS, Tool, ToolHints, ToolResult

if TYPE_CHECKING:
    import httpx

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_IN_QUERY = ("GET", "DELETE")
_LONGEST_ANSWER = 10_000_000
_LONGEST_REASON = 1_000


@dataclass(frozen=True, kw_only=True)
class FunctionSettings:
    """One function: an HTTP endpoint (`url`) or a callable (`python`, module:function). Every `${NAME}` is
    resolved. timeout is in seconds."""

    name: str
    description: str = ""
    url: str = field(default="", repr=False)
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    python: str = ""
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})
    timeout: float = 30.0
    read_only: bool | None = None
    idempotent: bool | None = None
    destructive: bool | None = None

    @property
    def tool(self) -> Tool:
        """The function as a tool."""
        return Tool(
            name=f"{FUNCTIONS}__{self.name}",
            description=self.description,
            input_schema=self.parameters,
            hints=ToolHints(
                read_only=self.read_only, destructive=self.destructive, idempotent=self.idempotent
            ),
        )


class Functions:
    """The functions of a workspace and the HTTP client that they share. project_folder is where modules of
    Python callables are looked for, after the installed ones."""

    def __init__(self, functions: Sequence[FunctionSettings], project_folder: Path | None) -> None:
        self.tools = {function.tool.name: function.tool for function in functions}
        self._functions = {function.tool.name: function for function in functions}
        self._project_folder = project_folder
        self._client: httpx.AsyncClient | None = None

    async def call(self, name: str, arguments: Mapping[str, Any], timeout: float | None = None) -> ToolResult:
        """Call the function of this full name; timeout is in seconds.

        A Python callable without `async` runs in a thread, which goes on by itself when the time is up.
        """
        function = self._functions[name]
        seconds = function.timeout if timeout is None else timeout
        try:
            async with asyncio.timeout(seconds):
                if function.python:
                    return await _call_python(function, arguments, self._project_folder)
                return await self._ask(function, arguments)
        except TimeoutError:
            raise OutsideError(
                f"`{name}` did not answer within {format_duration(seconds)}",
                help="raise `timeout` of the function in the workspace, or of the node",
                retryable=True,
            ) from None

    async def close(self) -> None:
        """Close the connections that are kept open."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _ask(self, function: FunctionSettings, arguments: Mapping[str, Any]) -> ToolResult:
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(timeout=None, follow_redirects=False)
        try:
            url, rest = _fill(function.url, arguments)
        except ValueError as error:
            return _failed(str(error))
        place = f"`{FUNCTIONS}__{function.name}` at {urlsplit(url).netloc.rpartition('@')[2]}"
        in_query = function.method in _IN_QUERY
        try:
            request = self._client.build_request(
                function.method,
                httpx.URL(url).copy_merge_params(_query(rest)) if in_query else url,
                json=None if in_query else rest,
                headers=dict(function.headers),
            )
            response = await self._client.send(request, stream=True)
            try:
                body = await _read(response, place)
            finally:
                await response.aclose()
        except httpx.ConnectError as error:
            raise OutsideError(
                f"{place} cannot be reached: {error}", retryable=True, not_executed=True
            ) from None
        except (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeError):
            raise OutsideError(  # their own words hold the header's value
                f"{place} cannot be asked: its `url` or `headers` have characters that HTTP does not allow",
                not_executed=True,
            ) from None
        except httpx.RequestError as error:
            raise OutsideError(
                f"{place} broke off before it had answered ({type(error).__name__})",
                retryable=True,
            ) from None
        return _judge(response, body, place)


def _fill(url: str, arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The url with its placeholders filled, and the arguments that are left; a ValueError that says which
    argument does not fit. A value cannot leave its place in the url: everything that means something there is
    percent-encoded, and dots alone, which would climb up, are refused."""
    rest = dict(arguments)
    named: dict[str, str] = {}
    for name in _PLACEHOLDER.findall(url):
        named[name] = named.get(name) or _plain(rest.pop(name, None))
        if not named[name].strip("."):
            raise ValueError(f"the argument `{name}` is part of the url and cannot be `{named[name]}`")
    return _PLACEHOLDER.sub(lambda match: quote(named[match[1]], safe=""), url), rest


def _plain(value: Any) -> str:
    """A value as it stands in an address."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _query(arguments: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Arguments as a query: a list repeats its name, what is null is left out."""
    pairs: list[tuple[str, Any]] = []
    for name, value in arguments.items():
        for each in value if isinstance(value, list) else [value]:
            if each is not None:
                pairs.append((name, _plain(each)))
    return pairs


async def _read(response: httpx.Response, place: str) -> str:
    """The body as text; an OutsideError when it is too long to be an answer to anything."""
    parts, size = [], 0
    async for part in response.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size > _LONGEST_ANSWER:
            raise OutsideError(f"{place} answered with more than {_LONGEST_ANSWER // 1_000_000} MB")
    return b"".join(parts).decode(response.encoding or "utf-8", errors="replace")


def _judge(response: httpx.Response, body: str, place: str) -> ToolResult:
    """What a status means: 4xx is the function's own no, 429 and 5xx are troubles of the service."""
    status = response.status_code
    if status < 300:
        return ToolResult(value=parse_text(body), text=body)
    said = f"HTTP {status}"
    if status == 429:
        after = response.headers.get("retry-after", "")
        raise OutsideError(
            f"{place} has too much to do ({said})",
            retryable=True,
            not_executed=True,
            retry_after=float(after) if after.isdigit() else None,
        )
    if status >= 500:
        raise OutsideError(f"{place} answered {said}", retryable=True)
    if status < 400:
        raise OutsideError(
            f"{place} answered {said}, a redirect, which is not followed",
            help="write the address it leads to as `url`",
        )
    text = f"{said}: {body[:_LONGEST_REASON]}" if body.strip() else said
    return ToolResult(value=parse_text(body), text=text, is_error=True)


async def _call_python(
    function: FunctionSettings, arguments: Mapping[str, Any], project_folder: Path | None
) -> ToolResult:
    """What the callable returns. An error that it raises is its result, except our own, which say more."""
    target = await asyncio.to_thread(_import, function, project_folder)
    is_async = inspect.iscoroutinefunction(target)
    work = target(**arguments) if is_async else asyncio.to_thread(target, **arguments)
    outcome: Any = (await asyncio.gather(work, return_exceptions=True))[0]
    if isinstance(outcome, OutsideError | UserError) or (
        isinstance(outcome, BaseException) and not isinstance(outcome, Exception)
    ):
        raise outcome
    if isinstance(outcome, Exception):
        return _failed(f"{type(outcome).__name__}: {outcome}")
    try:
        text = json.dumps(outcome, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        return _failed(f"`{function.python}` returned what is not JSON: {error}")
    return ToolResult(value=json.loads(text), text=outcome if isinstance(outcome, str) else text)


def _failed(text: str) -> ToolResult:
    return ToolResult(value=text, text=text, is_error=True)


def _import(function: FunctionSettings, project_folder: Path | None) -> Callable[..., Any]:
    """The callable. The project's folder is put behind everything installed, so that it hides nothing."""
    if project_folder is not None and str(project_folder) not in sys.path:
        sys.path.append(str(project_folder))
    module_name, _, attribute = function.python.partition(":")
    if not module_name or not attribute:
        raise UserError(
            f"function `{function.name}` names no callable: `{function.python}`",
            help="write module:function, for example billing:total",
        )
    try:
        target = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise UserError(
            f"function `{function.name}` cannot be loaded from `{function.python}`: {error}",
            help="modules are looked for in the project's folder and among the installed ones",
        ) from None
    if not callable(target):
        raise UserError(f"`{function.python}` of function `{function.name}` is not callable")
    return target  # type: ignore[no-any-return]
