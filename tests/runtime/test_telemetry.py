"""Telemetry: spans that a collector receives, and what a bot without one does not pay for."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from botctl.clock import Clock, StandingClock
from botctl.engine.observer import NOBODY
from botctl.project.load import load_bot, load_project_file
from botctl.runtime.app import App
from botctl.runtime.telemetry import LAST_WORDS, NoTelemetry, Seldom, exporters_wanted
from botctl.secrets import Environment
from tests.agent.test_agent import agent, office  # noqa: F401 - a fixture
from tests.fakes.callback_server import CallbackServer
from tests.runtime.test_delegation import BILLING, hire
from tests.runtime.test_waits import say
from tests.runtime.world import Mailbag, write_bot

SECRET = "s3cr3t-token-of-the-shop"
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
ASKS = """
nodes:
  - {id: t, type: trigger, data: {triggerType: message_received}}
  - {id: wait, type: logic, data: {logicType: wait}}
  - {id: say, type: send_message, data: {message: "you said {{message}}"}}
edges: [t -> wait, wait -> say]
"""


class SpanTold(NamedTuple):
    """A span as the collector got it. parent: the name of the span around it, "" if there is none."""

    name: str
    parent: str
    kind: int
    status: int
    trace_id: bytes
    told: str
    attributes: dict[str, Any]


def value_of(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(one) for one in value.array_value.values]
    return getattr(value, kind)


def decoded(bodies: Sequence[bytes]) -> list[SpanTold]:
    """All spans in these requests, in the order in which they began."""
    spans = [
        span
        for body in bodies
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    names = {span.span_id: span.name for span in spans}
    return [
        SpanTold(
            name=span.name,
            parent=names.get(span.parent_span_id, "?") if span.parent_span_id else "",
            kind=span.kind,
            status=span.status.code,
            trace_id=span.trace_id,
            told=span.status.message,
            attributes={one.key: value_of(one.value) for one in span.attributes},
        )
        for span in sorted(spans, key=lambda span: span.start_time_unix_nano)
    ]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", CAPTURE, "OTEL_TRACES_SAMPLER"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def app_of(folder: Path, mailbag: Mailbag, clock: Clock | None = None) -> App:
    """An app of bot `b` in whose environment there is a secret that was used."""
    environment = Environment({"TOKEN": SECRET})
    environment.resolve("${TOKEN}")
    project = load_project_file(folder, environment)
    bot, diagnostics = load_bot(project, "b", environment)
    assert bot is not None, diagnostics
    return App(
        project, [bot], environment, clock=clock or StandingClock(), connections={("b", "console"): mailbag}
    )


def collected(folder: Path, world: pytest.MonkeyPatch, *lives: Sequence[str]) -> list[bytes]:
    """The bodies that a collector gets while an app lives once for each of these, being told these texts."""

    async def whole() -> list[bytes]:
        async with CallbackServer(200) as collector:
            world.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
            for texts in lives:
                async with app_of(folder, Mailbag()) as app:
                    for text in texts:
                        await say(app, text)
                    await app.settle()
            return [body for _, body in collector.received]

    return asyncio.run(whole())


def find(spans: Sequence[SpanTold], fits: Callable[[SpanTold], bool]) -> SpanTold:
    return next(span for span in spans if fits(span))


def test_an_agent_is_a_tree_of_its_steps_model_calls_and_tool_calls(
    office: Path,  # noqa: F811
    world: pytest.MonkeyPatch,
) -> None:
    spans = decoded(collected(office, world, ["the weather"]))

    assert sorted((span.name, span.parent) for span in spans) == [
        ("agent agent", "invoke_agent b"),
        ("chat scripted", "agent agent"),
        ("chat scripted", "agent agent"),
        ("execute_tool functions__look", "agent agent"),
        ("execute_tool functions__look", "agent agent"),
        ("invoke_agent b", ""),
        ("trigger message", "invoke_agent b"),
    ]
    assert len({span.trace_id for span in spans}) == 1


def test_a_model_call_says_what_the_conventions_ask_for(
    office: Path,  # noqa: F811
    world: pytest.MonkeyPatch,
) -> None:
    spans = decoded(collected(office, world, ["the weather"]))

    chat = find(spans, lambda span: span.name.startswith("chat"))
    tokens = {key: chat.attributes.pop(f"gen_ai.usage.{key}") for key in ("input_tokens", "output_tokens")}
    assert (chat.kind, chat.status, min(tokens.values()) >= 0) == (3, 0, True)
    assert chat.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "scripted",
        "gen_ai.request.model": "scripted",
        "gen_ai.response.model": "scripted",
        "gen_ai.response.finish_reasons": ["tool_call"],
        "gen_ai.agent.name": "b",
        "gen_ai.conversation.id": "1",
    }


def test_a_tool_call_says_what_the_conventions_ask_for(
    office: Path,  # noqa: F811
    world: pytest.MonkeyPatch,
) -> None:
    spans = decoded(collected(office, world, ["the weather"]))

    tool = find(spans, lambda span: span.name.startswith("execute_tool"))
    assert (tool.kind, tool.status) == (1, 0)
    assert tool.attributes == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "functions__look",
        "gen_ai.tool.type": "function",
        "gen_ai.agent.name": "b",
        "gen_ai.conversation.id": "1",
    }


def test_what_is_said_and_given_stays_out_of_spans(
    office: Path,  # noqa: F811
    world: pytest.MonkeyPatch,
) -> None:
    bodies = collected(office, world, [f"the weather for {SECRET} and Anna"])

    everything = b"".join(bodies)
    assert [word for word in ("Anna", "Rome", "sun in", SECRET) if word.encode() in everything] == []


def test_what_is_said_and_given_is_in_spans_when_asked_for_but_masked(
    office: Path,  # noqa: F811
    world: pytest.MonkeyPatch,
) -> None:
    world.setenv(CAPTURE, "true")
    bodies = collected(office, world, [f"the weather for {SECRET} and Anna"])

    everything = b"".join(bodies)
    chat = find(decoded(bodies), lambda span: span.name.startswith("chat"))
    tools = [span.attributes for span in decoded(bodies) if span.name.startswith("execute_tool")]
    assert chat.attributes["gen_ai.input.messages"] == (
        '[{"role":"user","parts":[{"type":"text","content":"the weather for *** and Anna"}]}]'
    )
    assert sorted(tool["gen_ai.tool.call.arguments"] for tool in tools) == [
        '{"place":"Oslo"}',
        '{"place":"Rome"}',
    ]
    assert sorted(tool["gen_ai.tool.call.result"] for tool in tools) == ['"sun in Oslo"', '"sun in Rome"']
    assert SECRET.encode() not in everything


def test_a_run_that_waits_through_a_restart_is_one_trace(tmp_path: Path, world: pytest.MonkeyPatch) -> None:
    write_bot(tmp_path, ASKS)
    spans = decoded(collected(tmp_path, world, ["hello"], ["again"]))

    turns = [span for span in spans if span.name == "invoke_workflow b"]
    woken = [span.attributes.get("botctl.step.woken_by") for span in spans if span.name == "logic wait"]
    assert [(turn.parent, turn.attributes["botctl.run.status"]) for turn in turns] == [
        ("", "waiting"),
        ("invoke_workflow b", "completed"),
    ]
    assert (len({span.trace_id for span in spans}), woken) == (1, [None, "reply"])


def test_two_runs_are_two_traces(tmp_path: Path, world: pytest.MonkeyPatch) -> None:
    write_bot(tmp_path)
    spans = decoded(collected(tmp_path, world, ["hello", "again"]))

    traces = [span.trace_id for span in spans if span.name == "invoke_workflow b"]
    assert (len(traces), len(set(traces)), len({span.trace_id for span in spans})) == (2, 2, 2)


def test_a_bot_that_is_called_is_inside_of_its_callers_run(
    office: Path,  # noqa: F811
    world: pytest.MonkeyPatch,
) -> None:
    hire(office, "helper", BILLING)
    agent(office, "delegate: [helper]")
    spans = decoded(collected(office, world, ["a billing thing"]))

    called = find(spans, lambda span: span.name == "invoke_workflow helper")
    assert (called.parent, len({span.trace_id for span in spans})) == ("invoke_agent b", 1)


FAILS = """
nodes:
  - {id: t, type: trigger, data: {triggerType: message_received}}
  - {id: ask, type: llm_call, data: {prompt: "{{message}}", outputVariable: x}}
edges: [t -> ask]
"""


def test_a_model_that_is_down_is_an_error_of_its_call_its_step_and_its_run(
    tmp_path: Path, world: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    key = f"llm: {{provider: custom, model: small, api_key: k, base_url: 'http://127.0.0.1:{port}/v1'}}"
    write_bot(tmp_path, FAILS, key)
    spans = decoded(collected(tmp_path, world, ["hello Anna"]))

    failed = {span.name: span.attributes["error.type"] for span in spans if span.status == 2}
    chat = find(spans, lambda span: span.name == "chat small")
    place = (chat.attributes["server.address"], chat.attributes["server.port"])
    assert failed == {"invoke_workflow b": "failed", "llm_call ask": "failed", "chat small": "OutsideError"}
    assert (place, "cannot be reached" in chat.told) == (("127.0.0.1", port), True)


def test_a_sampler_that_wants_nothing_gets_nothing(tmp_path: Path, world: pytest.MonkeyPatch) -> None:
    world.setenv("OTEL_TRACES_SAMPLER", "always_off")
    write_bot(tmp_path, ASKS)

    assert collected(tmp_path, world, ["hello"], ["again"]) == []


def test_a_collector_that_is_down_neither_stops_a_bot_nor_holds_it_up(
    tmp_path: Path, world: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        world.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{closed.getsockname()[1]}")
    write_bot(tmp_path)
    mailbag = Mailbag()

    async def whole() -> float:
        async with app_of(tmp_path, mailbag) as app:
            await say(app, "hello")
            await app.settle()
            left = time.monotonic()
        return time.monotonic() - left

    seconds = asyncio.run(whole())

    assert (mailbag.texts, seconds < LAST_WORDS + 1) == (["you said hello"], True)


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, []),
        ({"OTEL_SERVICE_NAME": "shop"}, []),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, ["otlp"]),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, ["otlp"]),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, ["otlp"]),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, ["otlp", "console"]),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, []),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, []),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, []),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, []),
    ],
)
def test_the_environment_says_where_spans_go(variables: dict[str, str], wanted: list[str]) -> None:
    assert exporters_wanted(variables) == wanted


def test_what_cannot_be_had_is_told(caplog: pytest.LogCaptureFixture) -> None:
    exporters_wanted({"OTEL_TRACES_EXPORTER": "zipkin,otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})

    assert [record.getMessage() for record in caplog.records] == [
        "no spans go to `zipkin` of OTEL_TRACES_EXPORTER: set it to otlp, console or none",
        "no spans are sent: OTEL_EXPORTER_OTLP_PROTOCOL is `grpc` and botctl speaks http/protobuf; set it to"
        " that, and the endpoint to the collector's port for it (4318)",
    ]


def test_a_bot_that_nobody_watches_loads_nothing_to_be_watched_with(tmp_path: Path) -> None:
    write_bot(tmp_path)
    program = (
        "import sys; from botctl.cli.start import run; run(['run', 'b']);"
        "print(*sorted({name.split('.')[0] for name in sys.modules}"
        " & {'opentelemetry', 'structlog', 'prometheus_client'}), 'loaded')"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        input="hello\n",
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )

    assert done.stdout.splitlines() == ["you said hello", "loaded"], done.stderr


def test_a_collector_that_stays_down_is_told_once_in_a_while() -> None:
    seldom = Seldom()
    minutes = ((0, logging.WARNING), (1, logging.ERROR), (2, logging.ERROR), (12, logging.ERROR))

    told = [
        seldom.filter(logging.makeLogRecord({"levelno": level, "created": minute * 60.0}))
        for minute, level in minutes
    ]

    assert told == [False, True, False, True]


def test_no_telemetry_leaves_everything_as_it_is() -> None:
    nothing = NoTelemetry()
    tools, model = object(), object()

    given = (nothing.observer, nothing.tools(tools, "b"), nothing.model(model, None))  # type: ignore[arg-type]

    assert given == (NOBODY, tools, model)
