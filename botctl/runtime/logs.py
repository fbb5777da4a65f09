"""The log: plain lines for people, or one JSON object a line for programs; no secrets in either.

BOTCTL_LOG=json asks for JSON: {"timestamp", "level", "logger", "event", ...}, with "exception" where there is
one, and with "run", "bot" and "conversation" on whatever is logged while a run goes on. Each run then also
logs one line when it ends or waits.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from contextvars import ContextVar, Token
from typing import Any, TextIO

from botctl.clock import to_iso
from botctl.engine.journal import Visit
from botctl.engine.life import Life
from botctl.engine.run import FAILED, RunStatus
from botctl.engine.run import Token as Place
from botctl.errors import UsageError
from botctl.runtime.masking import Mask, masked

logger = logging.getLogger(__name__)

KINDS = ("plain", "json")

_bound: ContextVar[Mapping[str, Any]] = ContextVar("bound")


def bind(**facts: Any) -> None:
    """From here on lines of this task, and of tasks that it starts, carry these facts and no others."""
    _bound.set(facts)


def wants_json(variables: Mapping[str, str]) -> bool:
    """Whether BOTCTL_LOG asks for JSON; a UsageError if it asks for something else than there is."""
    kind = variables.get("BOTCTL_LOG", "") or "plain"
    if kind not in KINDS:
        raise UsageError(f"there is no log `{kind}`", help="set BOTCTL_LOG to " + " or ".join(KINDS))
    return kind == "json"


def set_up_logs(
    mask: Mask, variables: Mapping[str, str], *, level: int = logging.WARNING, stream: TextIO | None = None
) -> bool:
    """Send all that is logged to stderr (or `stream`), in place of what was set up before; whether as JSON.

    level: of plain lines. JSON has botctl's own lines from INFO on, and those of libraries from `level` on.
    """
    is_json = wants_json(variables)
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(json_formatter(mask) if is_json else MaskedFormatter(mask))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    logging.getLogger("botctl").setLevel(min(level, logging.INFO) if is_json else logging.NOTSET)
    if is_json:
        logging.captureWarnings(True)  # they would be lines on stderr that are no JSON
    return is_json


def announce(line: str, variables: Mapping[str, str]) -> None:
    """Say on stderr what a person at the terminal wants to know; as a log line where the log is JSON."""
    if wants_json(variables):
        logger.info("%s", line)
    else:
        print(line, file=sys.stderr, flush=True)


class MaskedFormatter(logging.Formatter):
    """`WARNING: text`, and below it the traceback if there is one."""

    def __init__(self, mask: Mask) -> None:
        super().__init__("%(levelname)s: %(message)s")
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        """The line, or lines."""
        return self._mask(super().format(record))


def json_formatter(mask: Mask) -> logging.Formatter:
    """What makes a JSON object of a log record; structlog is imported here."""
    import structlog

    def mask_all(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = masked(dict(event), mask)
        return found

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            _add_time,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            _add_bound,
            structlog.stdlib.ExtraAdder(),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.StackInfoRenderer(),
            mask_all,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def _add_time(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["timestamp"] = to_iso(round(event["_record"].created * 1000))
    return event


def _add_bound(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in _bound.get({}).items():
        event.setdefault(name, value)
    return event


class RunLog:
    """An observer that binds run, bot and conversation to the lines of a run, and logs a line at its end."""

    def __init__(self) -> None:
        self._under_way: dict[str, tuple[Token[Mapping[str, Any]], float]] = {}

    def began(self, life: Life) -> None:
        """Bind."""
        facts = {"run": life.id, "bot": life.program.bot.name, "conversation": life.stored.conversation}
        self._under_way[life.id] = (_bound.set(facts), time.perf_counter())

    def entered(self, life: Life, token: Place, seq: int) -> None:
        """Nothing."""

    def visited(self, life: Life, visit: Visit) -> None:
        """Nothing."""

    def left(self, life: Life) -> None:
        """Tell how it went, and unbind."""
        token, started = self._under_way.pop(life.id)
        status = life.status
        facts = {
            "status": status.value,
            "platform": life.stored.message.platform,
            "nodes_executed": life.run.executed,
            "tool_calls": life.tool_calls,
            "tokens": life.tokens,
            "turn_ms": round((time.perf_counter() - started) * 1000),
        }
        if status in FAILED:
            logger.warning("run ended with an error", extra={**facts, "error": life.error_message})
        elif status is RunStatus.WAITING:
            logger.info("run waits", extra=facts)
        elif status is RunStatus.RUNNING:
            logger.warning("run was cut off", extra=facts)
        else:
            logger.info("run ended", extra=facts)
        with suppress(ValueError):  # a coroutine that nobody awaits any more is closed from elsewhere
            _bound.reset(token)
