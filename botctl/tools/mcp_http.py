"""The HTTP client under an MCP connection: a request that fails is answered, so that it alone fails.

The SDK's transport (mcp 2.3.0, streamable_http.py) lets a failed POST end the whole connection, with every
other call on it, and forgets the status of an answer that is not 2xx. Here both become JSON-RPC errors that
keep what happened: whether the server can have acted on the request, and whether trying again makes sense.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botctl.tools.mcp import ServerSettings

if TYPE_CHECKING:
    import httpx2

FAILED_ON_THE_WAY = -32019
"""Our own code among those that JSON-RPC leaves to implementations; its `data` has the facts of `_answer`."""


def open_http_client(settings: ServerSettings) -> httpx2.AsyncClient:
    """A client that sends the server's headers. Calls have their own time limits, so reading has none."""
    import httpx2

    class AnsweringClient(httpx2.AsyncClient):
        async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
            if request.method != "POST":
                return await super().send(request, **options)
            try:
                response = await super().send(request, **options)
                if response.status_code >= 400 or _is_json(response):
                    await response.aread()
            except httpx2.RequestError as error:
                return _answer(request, **_failure(error))
            if response.status_code >= 400:
                return _refusal(request, response)
            return response

    return AnsweringClient(
        headers=dict(settings.headers), timeout=httpx2.Timeout(None, connect=settings.connect_timeout)
    )


def _is_json(response: httpx2.Response) -> bool:
    return response.headers.get("content-type", "").lower().startswith("application/json")


def _failure(error: httpx2.RequestError) -> dict[str, Any]:
    """What is to be said of a request that got no answer. Only a failed connect surely reached nobody.

    The words of the other errors are not repeated: the one about a header holds its value.
    """
    import httpx2

    if isinstance(error, httpx2.ConnectError):
        return {"message": f"cannot be reached: {error}", "retryable": True, "not_executed": True}
    if isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout):
        return {"message": "cannot be reached in time", "retryable": True, "not_executed": True}
    if isinstance(error, httpx2.LocalProtocolError | httpx2.UnsupportedProtocol):
        message = "cannot be asked: its `url` or `headers` have characters that HTTP does not allow"
        return {"message": message, "not_executed": True}
    return {"message": "broke the connection before it had answered", "retryable": True}


def _refusal(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
    """What becomes of an answer that is not 2xx: it stays if it is a JSON-RPC error, else it becomes one."""
    status = response.status_code
    if status == 404 and "mcp-session-id" in request.headers:
        return _answer(request, "has forgotten the session", session_gone=True)
    if status == 429:
        after = _seconds(response.headers.get("retry-after"))
        message = "has too much to do (HTTP 429)"
        return _answer(request, message, retryable=True, not_executed=True, retry_after=after)
    if _is_json(response) and _is_error(response.content):
        return response
    if status in (401, 403):
        return _answer(request, f"refuses the credentials (HTTP {status})", not_executed=True, denied=True)
    return _answer(request, f"answered HTTP {status}", retryable=status >= 500 or status == 408)


def _answer(request: httpx2.Request, message: str, **facts: Any) -> httpx2.Response:
    """An answer as the server would have given it. A notification gets none; a later request will tell."""
    import httpx2

    number = json.loads(request.content).get("id")
    if number is None:
        return httpx2.Response(202, request=request)
    error = {"code": FAILED_ON_THE_WAY, "message": message, "data": facts}
    return httpx2.Response(200, json={"jsonrpc": "2.0", "id": number, "error": error}, request=request)


def _is_error(body: bytes) -> bool:
    try:
        parsed = json.loads(body)
    except ValueError:
        return False
    return (
        isinstance(parsed, dict) and parsed.get("jsonrpc") == "2.0" and isinstance(parsed.get("error"), dict)
    )


def _seconds(retry_after: str | None) -> float | None:
    """A Retry-After in seconds; the form with a date is rare and left alone."""
    return float(retry_after) if retry_after is not None and retry_after.strip().isdigit() else None
