"""The telemetry of a running app: counts always, spans and run logs when the environment asks for them.

Spans are on when OTEL_TRACES_EXPORTER names an exporter (otlp, console), or OTEL_EXPORTER_OTLP_ENDPOINT (or
its TRACES form) says where they go; OTEL_SDK_DISABLED=true keeps them off. All else is OpenTelemetry's own
environment: headers, time limits, samplers, the service's name (`botctl` if none is given).
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from botctl.clock import Clock
from botctl.engine.observer import NOBODY, Observer, Observers
from botctl.execution.step import ToolBox
from botctl.llm.chat import ChatModel
from botctl.messages import IncomingMessage, OutgoingMessage
from botctl.runtime.logs import RunLog, wants_json
from botctl.runtime.masking import Mask
from botctl.runtime.metrics import Metrics
from botctl.runtime.spans import ModelPlace, Spans
from botctl.runtime.watched import WatchedTools, watch_model

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

logger = logging.getLogger(__name__)

EXPORTERS = ("otlp", "console")
LAST_WORDS = 2.0
"""Seconds that the last spans may take to leave when the app is switched off."""
SILENCE = 600.0
"""Seconds that a collector's troubles are not told again."""
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_CAPTURING = ("true", "1", "span_only", "span_and_event")  # what OpenTelemetry's own instrumentations take


class Traffic(Protocol):
    """Whoever is told of messages that come and leave. Quick, and raises nothing."""

    def accepted(self, message: IncomingMessage, is_new: bool) -> None:
        """A message is on disk, now or since its first delivery."""

    def ignored(self, message: IncomingMessage, reason: str) -> None:
        """A message is not answered."""

    def sent(self, message: OutgoingMessage) -> None:
        """A platform took a message."""

    def retried(self, message: OutgoingMessage) -> None:
        """A message did not leave and is tried again."""

    def dead(self, message: OutgoingMessage) -> None:
        """A message became a dead letter."""


class NoTraffic:
    """Counts nothing."""

    def accepted(self, message: IncomingMessage, is_new: bool) -> None:
        """Nothing."""

    def ignored(self, message: IncomingMessage, reason: str) -> None:
        """Nothing."""

    def sent(self, message: OutgoingMessage) -> None:
        """Nothing."""

    def retried(self, message: OutgoingMessage) -> None:
        """Nothing."""

    def dead(self, message: OutgoingMessage) -> None:
        """Nothing."""


class NoTelemetry:
    """Looks at nothing and counts nothing; with what Telemetry has."""

    def __init__(self) -> None:
        self.observer: Observer = NOBODY
        self.traffic: Traffic = NoTraffic()

    def model(self, model: ChatModel, place: ModelPlace) -> ChatModel:
        """The model as it is."""
        return model

    def tools(self, tools: ToolBox, bot: str) -> ToolBox:
        """The tools as they are."""
        return tools

    async def close(self) -> None:
        """Nothing."""


class Telemetry:
    """observer: for the interpreter. traffic: for inbox, turns and delivery. metrics: what was counted."""

    def __init__(self, clock: Clock, mask: Mask, variables: Mapping[str, str]) -> None:
        """variables: the process's own environment, which OpenTelemetry reads too; not `.env`."""
        self.metrics = Metrics(clock)
        self.traffic: Traffic = self.metrics
        self._spans = open_spans(mask, variables)
        watching: list[Observer] = [self.metrics]
        watching += [self._spans] if self._spans is not None else []
        watching += [RunLog()] if wants_json(variables) else []
        self.observer: Observer = Observers(watching) if len(watching) > 1 else self.metrics

    def model(self, model: ChatModel, place: ModelPlace) -> ChatModel:
        """A model that was connected just now, watched."""
        return watch_model(model, place, self.metrics, self._spans)

    def tools(self, tools: ToolBox, bot: str) -> ToolBox:
        """A bot's tools, watched."""
        return WatchedTools(tools, bot, self.metrics, self._spans)

    async def close(self) -> None:
        """Let the last spans leave; what has not left within LAST_WORDS is dropped."""
        if self._spans is None:
            return
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        shutdown = self._spans.provider.shutdown

        def last() -> None:
            shutdown()
            with suppress(RuntimeError):  # nobody waited so long
                loop.call_soon_threadsafe(done.set)

        # A thread of our own: the event loop's would be joined, however long the collector is silent.
        threading.Thread(target=last, name="last spans", daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await done.wait()


def open_spans(mask: Mask, variables: Mapping[str, str]) -> Spans | None:
    """Spans on their way to where the environment says; None if it asks for none. What it asks for and cannot
    have is told in the log: a bot must not stay silent because its collector is set up wrongly."""
    wanted = exporters_wanted(variables)
    if not wanted:
        return None
    captures = variables.get(_CAPTURE, "").strip().lower() in _CAPTURING
    return Spans(lambda ids: _provider(ids, wanted), mask, captures=captures)


def exporters_wanted(variables: Mapping[str, str]) -> list[str]:
    """The exporters that the environment asks for, of those that there are."""
    if variables.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    asked = variables.get("OTEL_TRACES_EXPORTER", "")
    if not asked.strip():
        asked = "otlp" if any(variables.get(name, "").strip() for name in _ENDPOINTS) else "none"
    names = [name.strip() for name in asked.split(",")]
    unknown = [name for name in names if name and name not in (*EXPORTERS, "none")]
    if unknown:
        logger.warning(
            "no spans go to `%s` of OTEL_TRACES_EXPORTER: set it to otlp, console or none", ", ".join(unknown)
        )
    found = [name for name in EXPORTERS if name in names]
    protocol = next((variables[name] for name in _PROTOCOLS if variables.get(name)), "http/protobuf").strip()
    if "otlp" in found and protocol != "http/protobuf":
        found.remove("otlp")
        logger.warning(
            "no spans are sent: OTEL_EXPORTER_OTLP_PROTOCOL is `%s` and botctl speaks http/protobuf; set it"
            " to that, and the endpoint to the collector's port for it (4318)",
            protocol,
        )
    return found


def _provider(ids: Any, wanted: Sequence[str]) -> TracerProvider:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create()
    if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": "botctl"}))
    provider = TracerProvider(resource=resource, shutdown_on_exit=False, id_generator=ids)
    for name in wanted:
        provider.add_span_processor(BatchSpanProcessor(_exporter(name)))
    return provider


class Seldom(logging.Filter):
    """Lets an error through and then none for SILENCE: a collector that is down says so every few seconds,
    with warnings in between (OTLP exporter 1.45, 2026-11)."""

    def __init__(self) -> None:
        super().__init__()
        self._after = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this is told."""
        if record.levelno < logging.ERROR or record.created < self._after:
            return False
        self._after = record.created + SILENCE
        return True


_seldom = Seldom()  # one for the process: adding it again to the exporter's logger changes nothing


def _exporter(name: str) -> SpanExporter:
    if name == "otlp":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        logging.getLogger(OTLPSpanExporter.__module__).addFilter(_seldom)
        return OTLPSpanExporter()
    import sys

    from opentelemetry.sdk.trace.export import ConsoleSpanExporter

    return ConsoleSpanExporter(out=sys.stderr)
