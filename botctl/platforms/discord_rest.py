"""Discord's REST API by discord.py's HTTP client: one address, one token, and one error for all failures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import aiohttp
import yarl
from discord import File, HTTPException, LoginFailure, RateLimited
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient, Route, json_or_text

from botctl.errors import OutsideError, UserError
from botctl.platforms.discord_payload import Application, User, read

TIMEOUT = 20.0
"""Seconds that a request may take."""
UPLOAD_TIMEOUT = 120.0
"""Seconds that one with files may take."""

_LONGEST_WAIT = 30.0
"""Seconds that discord.py may hold a request back because it knows that a limit is used up; its smallest."""
_LONGEST_ANSWER = 300
_NEEDS_NO_TOKEN = ("/webhooks/", "/interactions/")
"""What is asked for with an interaction's token: 401 is about that one."""


class RefusedError(HTTPException):
    """What Discord answered when it was no success, before discord.py would try again by itself."""

    def __init__(self, response: aiohttp.ClientResponse, told: Any) -> None:
        super().__init__(response, told)
        answer = told if isinstance(told, dict) else {}
        self.is_global = bool(answer.get("global"))
        self.retry_after = _seconds(answer.get("retry_after", response.headers.get("Retry-After")))


class DiscordHttp(HTTPClient):
    """discord.py's client for an address of its own, and without its retries: the outbox tries again.

    `Route.BASE` and `DiscordWebSocket.DEFAULT_GATEWAY` would redirect every client of the process, so the
    address of each single request is replaced instead (discord.py 2.7.1, 2026-11).
    """

    def __init__(self, base_url: str) -> None:
        super().__init__(asyncio.get_running_loop(), max_ratelimit_timeout=_LONGEST_WAIT)
        self._base_url = base_url.rstrip("/")
        self.gateway_url = ""

    async def request(self, route: Route, **request: Any) -> Any:
        """One attempt; a RefusedError for everything but 2xx."""
        route.url = self._base_url + route.url.removeprefix(Route.BASE)
        timeout = aiohttp.ClientTimeout(total=UPLOAD_TIMEOUT if request.get("files") else TIMEOUT)
        return await super().request(route, raise_for_status=_refuse, timeout=timeout, **request)

    async def ws_connect(self, url: str, *, compress: int = 0) -> aiohttp.ClientWebSocketResponse:
        """The gateway. What is not a session's own address is discord.py's default one, and replaced."""
        asked = yarl.URL(url)
        if self.gateway_url and asked.host == DiscordWebSocket.DEFAULT_GATEWAY.host:
            url = str(yarl.URL(self.gateway_url).with_query(asked.query))
        return await super().ws_connect(url, compress=compress)


class DiscordError(OutsideError):
    """A request that did not succeed. status: 0 when there was no answer; code: Discord's own, 0 if none."""

    def __init__(
        self, message: str, *, status: int = 0, code: int = 0, retry_after: float | None = None
    ) -> None:
        is_passing = status in (0, 408, 429) or status >= 500
        super().__init__(message, retryable=is_passing, not_executed=status == 429, retry_after=retry_after)
        self.status = status
        self.code = code


class DiscordRest:
    """The API for one bot. Logs in with the first request; a refused token is not tried again."""

    def __init__(self, *, bot: str, base_url: str, token: str, http: HTTPClient | None = None) -> None:
        """http: one that is logged in already."""
        self.base_url = base_url
        self.token = token
        self._bot = bot
        self._http = http
        self._logging_in = asyncio.Lock()
        self._is_refused = False
        self._is_closed = False
        self._held_until = 0.0
        self._me: User | None = None

    async def me(self) -> User:
        """Our own account; a UserError when the token is refused."""
        await self._ready()
        if self._me is None:
            self._me = read(await self.call("GET", "/users/@me"), User)
        return self._me

    async def application(self) -> Application:
        """Our own application, as it is now."""
        return read(await self.call("GET", "/applications/@me"), Application)

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        files: Sequence[File] = (),
        **place: str,
    ) -> Any:
        """One request. place: what stands in the braces of path. With files, body goes beside them.

        DiscordError when it did not succeed; nothing is tried again. UserError when the token is refused.
        """
        http = await self._ready()
        wait = self._held_until - asyncio.get_running_loop().time()
        if wait > 0:
            raise DiscordError("discord lets nothing through at present", status=429, retry_after=wait)
        request: dict[str, Any] = {}
        if params:
            request["params"] = params
        if files:
            request |= {"files": files, "form": _form(body, files)}
        elif body is not None:
            request["json"] = body
        try:
            return await http.request(Route(method, path, **place), **request)
        except RateLimited as error:
            raise self._error(error) from error
        except HTTPException as error:
            if error.status == 401 and not path.startswith(_NEEDS_NO_TOKEN):
                self._refuse_token()
            raise self._error(error) from error
        except (OSError, TimeoutError, aiohttp.ClientError) as error:
            raise DiscordError(f"discord broke off: {type(error).__name__}") from error

    async def close(self) -> None:
        """Close its connections; nothing is sent any more."""
        self._is_closed = True
        if self._http is not None:
            await self._http.close()

    async def _ready(self) -> HTTPClient:
        async with self._logging_in:
            if self._is_refused:
                self._refuse_token()
            if self._is_closed:
                raise DiscordError("discord is switched off")
            if self._http is None:
                http = DiscordHttp(self.base_url)
                try:
                    self._me = read(await http.static_login(self.token), User)
                    self._http = http
                except LoginFailure:
                    self._refuse_token()
                except (RateLimited, HTTPException) as error:
                    raise self._error(error) from error
                except (OSError, TimeoutError, aiohttp.ClientError) as error:
                    raise DiscordError(f"discord broke off: {type(error).__name__}") from error
                finally:
                    if self._http is None:
                        await http.close()
            return self._http

    def _refuse_token(self) -> NoReturn:
        self._is_refused = True  # 10,000 refused requests in ten minutes ban the machine's address
        raise refused_token(self._bot)

    def _error(self, error: HTTPException | RateLimited) -> DiscordError:
        if isinstance(error, RateLimited):
            return DiscordError("discord is busy", status=429, retry_after=error.retry_after)
        retry_after = error.retry_after if isinstance(error, RefusedError) else None
        if isinstance(error, RefusedError) and error.is_global:
            self._held_until = asyncio.get_running_loop().time() + (retry_after or 1.0)
        told = " ".join(error.text.split())[:_LONGEST_ANSWER]
        return DiscordError(
            f"discord answered {error.status} ({error.code}): {told}",
            status=error.status,
            code=error.code,
            retry_after=retry_after,
        )


def refused_token(bot: str) -> UserError:
    """What to say of a token that Discord does not know."""
    return UserError(
        f"discord refused the token of bot `{bot}`",
        help="set `token` to what `Reset Token` on the bot's page of the developer portal gives",
    )


async def _refuse(response: aiohttp.ClientResponse) -> None:
    """aiohttp asks this of every response; raising keeps discord.py from sleeping and trying again."""
    if response.status >= 300:
        raise RefusedError(response, await json_or_text(response))


def _form(body: Any, files: Sequence[File]) -> list[dict[str, Any]]:
    """The parts of a request with files, as discord.py writes them."""
    parts: list[dict[str, Any]] = [{"name": "payload_json", "value": json.dumps(body)}]
    for number, file in enumerate(files):
        parts.append(
            {
                "name": f"files[{number}]",
                "value": file.fp,
                "filename": file.filename,
                "content_type": "application/octet-stream",
            }
        )
    return parts


def _seconds(written: object) -> float | None:
    try:
        return max(0.0, float(written))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
