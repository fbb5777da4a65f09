"""The Graph API as WhatsApp uses it: calls over HTTPS, and what its errors mean for us."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx

from botctl.platforms.platform import SendError

TIMEOUT = 30.0
"""Seconds that an answer may take."""
REENGAGEMENT = 131047
"""The error of free text after the 24 hours."""

_CONNECT_TIMEOUT = 10.0
_LONGEST_PAUSE = 3600.0
_LONGEST_TOLD = 300

# Meta's error page and pywa 4.5's table, 2026-06.
_NO_TOKEN = 190
_NO_PERMISSION = frozenset((3, 10, *range(200, 300), 131005))
_PAUSES = {4: 60.0, 80007: 60.0, 130429: 5.0, 131056: 6.0, 131057: 60.0}
"""Seconds to wait after a limit: of the app, the account, the number, the pair, and maintenance. How long is
not documented; the pair's is its rate."""
_PASSING = frozenset((1, 2, 131000, 131016, 133004))
_HELP = {
    131026: "the user cannot be reached (no WhatsApp there, too old a version, terms not accepted)",
    131030: "a test number sends only to the numbers on its list: add this one in the app's dashboard",
    131047: "more than 24 hours have passed since the user's last message; only templates are taken then",
    131048: "the number is held back because many users blocked or reported it",
    131051: "WhatsApp does not take this type of message",
    131062: "this needs the user's number; his business-scoped id is not enough",
}
# Where Meta keeps media, lookaside.fbsbx.com as a rule (Meta's media page, 2026-06): the token goes nowhere
# else.
_META_HOSTS = (".fbsbx.com", ".facebook.com", ".whatsapp.net")


class GraphError(Exception):
    """A call that was not done. status: HTTP's, 0 without an answer. code: Meta's, -1 without one.

    message never holds the token. retry_after: seconds that the other side asked for.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: int = -1,
        is_passing: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.is_passing = is_passing
        self.retry_after = retry_after


class Graph:
    """Calls for one token. Nothing is tried twice, and no redirect is followed."""

    def __init__(self, base_url: str, version: str, token: str) -> None:
        self._root = f"{base_url.rstrip('/')}/{version}/"
        self._origin = _origin(base_url)
        self._token = token
        self._client = httpx.AsyncClient(
            headers={"authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(TIMEOUT, connect=_CONNECT_TIMEOUT),
            follow_redirects=False,
        )

    async def get(self, path: str, **params: str) -> Mapping[str, Any]:
        """Ask for something; a GraphError says why not."""
        return await self._call("GET", path, params=params)

    async def post(self, path: str, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Have something done; a GraphError says why not."""
        return await self._call("POST", path, json=document)

    async def upload(self, path: str, name: str, media_type: str, file: Any) -> Mapping[str, Any]:
        """Upload an open file."""
        form = {"messaging_product": "whatsapp", "type": media_type}
        return await self._call("POST", path, data=form, files={"file": (name, file, media_type)})

    @asynccontextmanager
    async def download(self, url: str) -> AsyncIterator[httpx.Response]:
        """A file's answer, not read yet. The token is shown to Meta's hosts only, or to base_url's."""
        if not self._is_trusted(url):
            raise GraphError("its address is not one of Meta's")
        try:
            async with self._client.stream("GET", url) as response:
                if not response.is_success:
                    raise GraphError(
                        f"HTTP {response.status_code}",
                        status=response.status_code,
                        is_passing=response.status_code >= 500,
                    )
                yield response
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _broken_off(error) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _call(self, method: str, path: str, **what: Any) -> Mapping[str, Any]:
        try:
            response = await self._client.request(method, self._root + path, **what)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _broken_off(error) from error
        document = _document(response)
        if response.is_success and "error" not in document:
            return document
        raise self._refusal(response, document)

    def _refusal(self, response: httpx.Response, document: Mapping[str, Any]) -> GraphError:
        found = document.get("error")
        error: Mapping[str, Any] = found if isinstance(found, dict) else {}
        data = error.get("error_data")
        told = [str(error.get("message") or "")]
        if isinstance(data, dict) and data.get("details"):
            told.append(str(data["details"]))
        words = ": ".join(one for one in told if one).replace(self._token, "***")[:_LONGEST_TOLD]
        code = error.get("code")
        code = code if isinstance(code, int) and not isinstance(code, bool) else -1
        status = response.status_code
        return GraphError(
            f"{words} (HTTP {status}, code {code})" if words else f"HTTP {status}",
            status=status,
            code=code,
            is_passing=error.get("is_transient") is True or status >= 500,
            retry_after=_seconds(response.headers.get("retry-after", "")),
        )

    def _is_trusted(self, url: str) -> bool:
        origin = _origin(url)
        if origin == self._origin:
            return bool(origin[1])
        scheme, host, port = origin
        return scheme == "https" and port == 443 and f".{host}".endswith(_META_HOSTS)


def send_error(error: GraphError) -> SendError:
    """What a refused call means for the message that it was to send."""
    code = error.code
    if code == _NO_TOKEN or error.status == 401:
        return SendError(
            f"WhatsApp refused the access token: it has expired or was taken back; set a new `access_token`"
            f" ({error.message})",
            permanent=True,
        )
    if code in _NO_PERMISSION:
        return SendError(f"the access token has no permission for this: {error.message}", permanent=True)
    if code in _PAUSES or error.status == 429:
        pause = error.retry_after if error.retry_after is not None else _PAUSES.get(code, 60.0)
        return SendError(f"WhatsApp asks for a pause: {error.message}", retry_after=pause)
    if code in _PASSING or error.is_passing:
        return SendError(f"WhatsApp is out of order: {error.message}", retry_after=error.retry_after)
    if code in _HELP:
        return SendError(f"{_HELP[code]}: {error.message}", permanent=True)
    return SendError(f"WhatsApp refused the message: {error.message}", permanent=True)


def _broken_off(error: Exception) -> GraphError:
    is_passing = isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol)
    return GraphError(f"the connection broke off: {type(error).__name__}", is_passing=is_passing)


def _document(response: httpx.Response) -> Mapping[str, Any]:
    try:
        found = response.json()
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port; without a host for what is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
        if parts.username is not None or parts.password is not None:
            return "", "", 0
        return parts.scheme, (parts.hostname or "").rstrip("."), port
    except ValueError:
        return "", "", 0


def _seconds(written: str) -> float | None:
    return min(float(written), _LONGEST_PAUSE) if written.isascii() and written.isdecimal() else None
