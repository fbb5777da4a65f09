"""Logs: JSON a line or plain, with no secret in them, and with the run on what is said while it goes on."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from botctl.errors import UsageError
from botctl.runtime.app import App
from botctl.runtime.logs import announce, bind, set_up_logs
from botctl.secrets import Environment
from tests.runtime.world import Mailbag, in_an_app, incoming, write_bot

logger = logging.getLogger("botctl.test")
JSON = {"BOTCTL_LOG": "json"}
SECRET = 'sk-"quoted"\\and-long'
ENVIRONMENT = Environment({"KEY": SECRET})
ENVIRONMENT.resolve("${KEY}")


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("botctl")
    handlers, levels = list(root.handlers), (root.level, own.level)
    yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    own.setLevel(levels[1])


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_json_line_has_when_how_grave_who_and_what() -> None:
    stream = io.StringIO()
    set_up_logs(ENVIRONMENT.mask, JSON, stream=stream)

    logger.info("it took %d s", 3, extra={"node": "refund"})

    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "it took 3 s", "level": "info", "logger": "botctl.test", "node": "refund"}


def test_no_secret_is_in_a_json_line_however_it_got_there() -> None:
    stream = io.StringIO()
    set_up_logs(ENVIRONMENT.mask, JSON, stream=stream)

    try:
        raise RuntimeError(f"refused {SECRET}")
    except RuntimeError:
        logger.exception("key %s", SECRET, extra={"headers": {"key": [SECRET]}, "error": ValueError(SECRET)})

    (line,) = lines(stream)
    assert (line["event"], line["headers"], line["error"]) == ("key ***", {"key": ["***"]}, "***")
    assert line["exception"].startswith("Traceback (most recent call last):")
    assert line["exception"].endswith("RuntimeError: refused ***")
    assert "quoted" not in stream.getvalue()


def test_no_secret_is_in_plain_lines_and_their_tracebacks() -> None:
    stream = io.StringIO()
    set_up_logs(ENVIRONMENT.mask, {}, stream=stream)

    try:
        raise RuntimeError(f"refused {SECRET}")
    except RuntimeError:
        logger.exception("key %s", SECRET)
    logger.info("nobody asked")

    first, *_, last = stream.getvalue().splitlines()
    assert (first, last) == ("ERROR: key ***", "RuntimeError: refused ***")
    assert "quoted" not in stream.getvalue()


def test_what_libraries_say_below_a_warning_is_left_out_and_warnings_are_lines_too() -> None:
    stream = io.StringIO()
    set_up_logs(ENVIRONMENT.mask, JSON, stream=stream)

    logging.getLogger("httpx").info("GET /")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.warn("this is old", stacklevel=1)

    (line,) = lines(stream)
    assert (line["logger"], "this is old" in line["event"]) == ("py.warnings", True)


def test_lines_carry_what_their_task_was_bound_to_and_no_others() -> None:
    stream = io.StringIO()
    set_up_logs(ENVIRONMENT.mask, JSON, stream=stream)

    async def work(bot: str) -> None:
        bind(bot=bot)
        await asyncio.sleep(0)
        logger.info("hello")

    async def whole() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(work("a"))
            group.create_task(work("b"))
        logger.info("bye")

    asyncio.run(whole())

    assert [line.get("bot") for line in lines(stream)] == ["a", "b", None]


def test_what_is_announced_is_a_plain_line_or_a_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(ENVIRONMENT.mask, {})
    announce("listening", {})
    set_up_logs(ENVIRONMENT.mask, JSON)
    announce("listening on 100%", JSON)

    plain, line = capsys.readouterr().err.splitlines()
    assert (plain, json.loads(line)["event"]) == ("listening", "listening on 100%")


def test_a_log_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError) as refusal:
        set_up_logs(ENVIRONMENT.mask, {"BOTCTL_LOG": "xml"})

    assert (refusal.value.message, refusal.value.help) == (
        "there is no log `xml`",
        "set BOTCTL_LOG to plain or json",
    )


BREAKS = """
nodes:
  - {id: t, type: trigger, data: {triggerType: message_received}}
  - {id: name, type: action, data: {actionType: set_variable, variable: x, value: "{{message}}"}}
  - {id: js, type: code_block, data: {code: "throw new Error(ctx.message)"}}
edges: [t -> name, name -> js]
"""


def test_a_run_logs_how_it_ended_with_its_id_bot_and_conversation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOTCTL_LOG", "json")
    write_bot(tmp_path, BREAKS)
    stream = io.StringIO()
    set_up_logs(ENVIRONMENT.mask, JSON, stream=stream)

    async def story(app: App) -> str:
        receipt = await app.inbox.accept(incoming(f"my key is {SECRET}"))
        return (await receipt.answer()).run_id

    run = in_an_app(tmp_path, story, Mailbag())

    (line,) = lines(stream)
    assert line.pop("timestamp") and line.pop("turn_ms") >= 0
    assert "***" in line.pop("error")
    assert line == {
        "event": "run ended with an error",
        "level": "warning",
        "logger": "botctl.runtime.logs",
        "run": run,
        "bot": "b",
        "conversation": 1,
        "status": "error",
        "platform": "console",
        "nodes_executed": 3,
        "tool_calls": 0,
        "tokens": 0,
    }
    assert "quoted" not in stream.getvalue()
