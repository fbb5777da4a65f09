"""What went wrong with an MCP server: the SDK's errors as sentences, and whether the server can have acted.

No sentence repeats a value of `env` or `headers`, or more of an address than its host.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from botctl.errors import OutsideError
from botctl.tools.mcp import ServerSettings
from botctl.tools.mcp_http import FAILED_ON_THE_WAY

if TYPE_CHECKING:
    from mcp.shared.exceptions import MCPError

_CLOSED, _TIMED_OUT = -32000, -32001  # the SDK's own codes for a lost connection and a time limit
_LONGEST_REASON = 300


class SessionGoneError(OutsideError):
    """The call was surely not made, because the connection was lost before; a new one may make it."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message, retryable=retryable, not_executed=True)


def connect_error(error: Exception, settings: ServerSettings, log_file: Path | None) -> OutsideError:
    """Why a connection could not be made. Nothing was asked of the server yet, so nothing was executed."""
    from mcp.shared.exceptions import MCPError

    first = _first(error)
    name = f"MCP server `{settings.name}`"
    help: str | None = None
    retryable = False
    if isinstance(first, OutsideError):
        return first
    if isinstance(first, MCPError):
        facts = _facts(first)
        retryable = bool(facts.get("retryable")) or first.code in (_CLOSED, _TIMED_OUT)
        if first.code == _CLOSED and not settings.url:
            message = f"{name} ended before it was ready"
            help = f"what it said is in {log_file}" if log_file else "start its program by hand to see why"
        elif facts:
            message = f"{name} at {settings.place} {_short(first.message, settings)}"
            help = _help(facts, first.message)
        else:
            message = f"{name} refused the connection: {_short(first.message, settings)}"
    elif isinstance(first, OSError) and not settings.url:
        message = f"{name} cannot be started: {_why(first, settings)}"
        help = "correct its `command`, or install the program"
    else:
        message = f"{name} cannot be connected: {_short(str(first) or type(first).__name__, settings)}"
    return OutsideError(
        message, help=help, retryable=retryable, not_executed=True, retry_after=_retry_after(first)
    )


def refused_call(error: MCPError, tool: str, settings: ServerSettings, gone: bool) -> OutsideError:
    """Why a call gave no result. gone: the server's program has ended."""
    name = f"MCP server `{settings.name}`"
    facts = _facts(error)
    if facts.get("session_gone"):
        return SessionGoneError(f"{name} has forgotten the session", retryable=True)
    if facts:
        return OutsideError(
            f"{name} at {settings.place} {_short(error.message, settings)} when `{tool}` was called",
            help=_help(facts, error.message),
            retryable=bool(facts.get("retryable")),
            not_executed=bool(facts.get("not_executed")),
            retry_after=_retry_after(error),
        )
    if gone:
        return OutsideError(f"{name} ended while `{tool}` was running", retryable=True)
    if error.code in (_CLOSED, _TIMED_OUT):
        reason = _short(error.message, settings)
        return OutsideError(f"{name} broke off while `{tool}` was running: {reason}", retryable=True)
    return OutsideError(f"{name} refused to call `{tool}`: {_short(error.message, settings)}")


def broken_answer(error: Exception, tool: str, settings: ServerSettings) -> OutsideError:
    """A result that is not what the protocol or the tool's own output schema promises. The tool did run."""
    first_line = _short(str(error).partition("\n")[0], settings)
    return OutsideError(
        f"`{tool}` answered with something that does not fit: {first_line}",
        help="this is a mistake of the server; it was called and may have acted",
    )


def _first(error: BaseException) -> BaseException:
    """The first error in a group of groups; the SDK's tasks wrap what they raise."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _facts(error: MCPError) -> dict[str, Any]:
    return {"told": True, **error.data} if error.code == FAILED_ON_THE_WAY else {}


def _retry_after(error: BaseException) -> float | None:
    facts = getattr(error, "data", None)
    seconds = facts.get("retry_after") if isinstance(facts, dict) else None
    return float(seconds) if isinstance(seconds, int | float) else None


def _help(facts: dict[str, Any], message: str) -> str | None:
    if facts.get("denied"):
        return "correct the credentials in its `headers`"
    if "HTTP 404" in message or "HTTP 405" in message:
        return "`url` must be the address of the MCP endpoint itself, which often ends in /mcp"
    return None


def _why(error: OSError, settings: ServerSettings) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no program {settings.place}"
    if isinstance(error, PermissionError):
        return f"{settings.place} may not be run"
    return error.strerror or type(error).__name__


def _short(text: str, settings: ServerSettings) -> str:
    masked = settings.without_secrets(" ".join(text.split()))
    return masked if len(masked) <= _LONGEST_REASON else masked[:_LONGEST_REASON] + "…"
