"""The metrics: what is counted while bots run, and how Prometheus reads it at /metrics.

Counting is adding to plain numbers; prometheus_client is imported when somebody asks for the first time.
"""

from __future__ import annotations

import asyncio
import hmac
import importlib
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from botctl.clock import Clock
from botctl.engine.journal import Visit
from botctl.engine.life import Life
from botctl.engine.run import RunStatus, Token
from botctl.messages import IncomingMessage, OutgoingMessage
from botctl.project.agent_graph import AGENT_DEFINITION
from botctl.store import handoffs, inbox, outbox, runs
from botctl.store.database import Database

if TYPE_CHECKING:
    from prometheus_client.core import Metric

TURN_BOUNDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds: from a workflow without models to the turn that used up its time."""
RUN_BOUNDS = (*TURN_BOUNDS, 60.0, 600.0, 3_600.0, 21_600.0, 86_400.0)
"""Seconds: some runs wait for people, who take hours."""

_REASONS = (
    ("not allowed", "not_allowed"),
    ("no text", "no_text"),
    ("kept for the reviewer", "kept_for_reviewer"),
    ("its files cannot be used", "unusable_files"),
    ("over budget", "over_budget"),
    ("bot paused", "paused"),
)
"""How a recorded reason begins, and its class: reasons name ids, and a label must have few values."""


class Counter(Struct, frozen=True):
    """A number that only grows, as Prometheus is told of it; its name there ends in `_total`."""

    name: str
    help: str
    labels: tuple[str, ...]


ACCEPTED = Counter("botctl_messages_accepted", "Messages stored and acknowledged.", ("bot", "platform"))
REPEATED = Counter(
    "botctl_messages_repeated", "Messages that a platform delivered again.", ("bot", "platform")
)
IGNORED = Counter(
    "botctl_messages_ignored",
    "Messages that were not answered, by the class of the reason.",
    ("bot", "platform", "reason"),
)
RUNS = Counter("botctl_runs", "Runs that came to their end: completed, or error.", ("bot", "kind", "status"))
CALLS = Counter(
    "botctl_model_calls",
    "Calls of models, each try for itself; outcome is ok or error.",
    ("bot", "provider", "model", "outcome"),
)
TOKENS = Counter(
    "botctl_model_tokens",
    "Tokens that models counted; direction is input or output.",
    ("bot", "provider", "model", "direction"),
)
TOOLS = Counter("botctl_tool_calls", "Calls of tools; outcome is ok or error.", ("bot", "tool", "outcome"))
SENT = Counter("botctl_outbox_sent", "Messages that a platform took.", ("bot", "platform"))
RETRIED = Counter("botctl_outbox_retried", "Tries to send that are made again.", ("bot", "platform"))
DEAD = Counter(
    "botctl_outbox_dead", "Messages that can never leave and are dead letters now.", ("bot", "platform")
)
COUNTERS = (ACCEPTED, REPEATED, IGNORED, RUNS, CALLS, TOKENS, TOOLS, SENT, RETRIED, DEAD)


class Histogram:
    """Durations in seconds, sorted into buckets, by label values."""

    def __init__(self, name: str, help: str, bounds: tuple[float, ...]) -> None:
        self.name = name
        self.help = help
        self._bounds = bounds
        self._found: dict[tuple[str, ...], tuple[list[int], list[float]]] = {}

    def add(self, labels: tuple[str, ...], seconds: float) -> None:
        """Sort one in."""
        found = self._found.get(labels)
        if found is None:
            found = self._found[labels] = ([0] * (len(self._bounds) + 1), [0.0])
        counts, total = found
        counts[bisect_left(self._bounds, seconds)] += 1
        total[0] += seconds

    def read(self) -> Iterator[tuple[tuple[str, ...], list[tuple[str, float]], float]]:
        """(labels, [(upper bound, how many up to it)], sum) of each."""
        for labels, (counts, total) in self._found.items():
            buckets, so_far = [], 0
            for bound, count in zip((*self._bounds, None), counts, strict=True):
                so_far += count
                buckets.append(("+Inf" if bound is None else repr(bound), float(so_far)))
            yield labels, buckets, total[0]


class Metrics:
    """The counts of a process. It is an observer of runs, and is told of messages and calls."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.counts: dict[str, dict[tuple[str, ...], int]] = {counter.name: {} for counter in COUNTERS}
        self.runs = Histogram(
            "botctl_run_duration_seconds", "From the start of a run to its end, with its waits.", RUN_BOUNDS
        )
        self.turns = Histogram(
            "botctl_turn_duration_seconds",
            "How long a run was worked on until it ended or waits.",
            TURN_BOUNDS,
        )
        self._began: dict[str, float] = {}

    def accepted(self, message: IncomingMessage, is_new: bool) -> None:
        """A message is on disk, now or since its first delivery."""
        self._add(ACCEPTED if is_new else REPEATED, (message.bot, message.platform))

    def ignored(self, message: IncomingMessage, reason: str) -> None:
        """A message is not answered."""
        self._add(IGNORED, (message.bot, message.platform, reason_class(reason)))

    def sent(self, message: OutgoingMessage) -> None:
        """A platform took a message."""
        self._add(SENT, (message.bot, message.platform))

    def retried(self, message: OutgoingMessage) -> None:
        """A message did not leave and is tried again."""
        self._add(RETRIED, (message.bot, message.platform))

    def dead(self, message: OutgoingMessage) -> None:
        """A message became a dead letter."""
        self._add(DEAD, (message.bot, message.platform))

    def asked(
        self, bot: str, provider: str, model: str, tokens_input: int, tokens_output: int, *, failed: bool
    ) -> None:
        """A model was asked."""
        self._add(CALLS, (bot, provider, model, "error" if failed else "ok"))
        if tokens_input:
            self._add(TOKENS, (bot, provider, model, "input"), tokens_input)
        if tokens_output:
            self._add(TOKENS, (bot, provider, model, "output"), tokens_output)

    def called(self, bot: str, tool: str, *, failed: bool) -> None:
        """A tool was called."""
        self._add(TOOLS, (bot, tool, "error" if failed else "ok"))

    def began(self, life: Life) -> None:
        """See `Observer.began`."""
        self._began[life.id] = time.perf_counter()

    def entered(self, life: Life, token: Token, seq: int) -> None:
        """Nothing."""

    def visited(self, life: Life, visit: Visit) -> None:
        """Nothing."""

    def left(self, life: Life) -> None:
        """See `Observer.left`."""
        seconds = time.perf_counter() - self._began.pop(life.id)
        program, status = life.program, life.status
        if status is RunStatus.RUNNING:
            return
        kind = "agent" if program.definition == AGENT_DEFINITION else "workflow"
        self.turns.add((program.bot.name, kind), seconds)
        if status is not RunStatus.WAITING:
            self._add(RUNS, (program.bot.name, kind, status.value))
            self.runs.add((program.bot.name, kind), (self._clock.now_ms() - life.started_at) / 1000)

    def _add(self, counter: Counter, labels: tuple[str, ...], by: int = 1) -> None:
        counts = self.counts[counter.name]
        counts[labels] = counts.get(labels, 0) + by


def reason_class(reason: str) -> str:
    """The class of a recorded reason why a message was not answered."""
    return next((name for begin, name in _REASONS if reason.startswith(begin)), "other")


class MetricsPage:
    """GET /metrics, in the format that is asked for. Gauges are counted when it is asked, by index."""

    def __init__(
        self, metrics: Metrics, database: Database, bots: Callable[[], Sequence[str]], token: str = ""
    ) -> None:
        """bots: the runners of this process. token: what must be sent as `Authorization: Bearer`; "" lets
        everybody who reaches the server read the counts."""
        self._metrics = metrics
        self._database = database
        self._bots = bots
        self._token = token
        self._registry: Any = None

    def routes(self) -> tuple[Route, ...]:
        """For `HttpServer`."""
        return (Route("/metrics", self._show, methods=["GET"]),)

    async def _show(self, request: Request) -> Response:
        sent = request.headers.get("authorization", "")
        if self._token and not hmac.compare_digest(sent.encode(), f"Bearer {self._token}".encode()):
            return PlainTextResponse(
                "the token of BOTCTL_METRICS_TOKEN is needed\n", 401, {"www-authenticate": "Bearer"}
            )
        if self._registry is None:
            # 80 ms: not on the event loop.
            await asyncio.to_thread(importlib.import_module, "prometheus_client")
        return self._page(request.headers.get("accept", ""))

    def _page(self, accept: str) -> Response:
        from prometheus_client import CollectorRegistry, ProcessCollector
        from prometheus_client.exposition import choose_encoder

        if self._registry is None:
            self._registry = CollectorRegistry()
            self._registry.register(self)
            ProcessCollector(registry=self._registry)
        encode, content_type = choose_encoder(accept)
        return Response(encode(self._registry), headers={"content-type": content_type})

    def describe(self) -> list[Metric]:
        """Nothing: the registry need not ask the store when this is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All metrics, for a registry of prometheus_client."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        for counter in COUNTERS:
            family = CounterMetricFamily(counter.name, counter.help, labels=counter.labels)
            for labels, count in self._metrics.counts[counter.name].items():
                family.add_metric(labels, count)
            yield family
        for histogram in (self._metrics.runs, self._metrics.turns):
            durations = HistogramMetricFamily(histogram.name, histogram.help, labels=("bot", "kind"))
            for labels, buckets, total in histogram.read():
                durations.add_metric(labels, buckets, total)
            yield durations
        standing = {bot: self._standing(bot) for bot in self._bots()}
        for name, help in _GAUGES.items():
            gauge = GaugeMetricFamily(name, help, labels=("bot",))
            for bot, values in standing.items():
                gauge.add_metric((bot,), values[name])
            yield gauge

    def _standing(self, bot: str) -> dict[str, int]:
        """What waits, from the store."""
        read = self._database.read
        under_way = read(lambda connection: runs.counts(connection, bot))
        leaving = read(lambda connection: outbox.counts(connection, bot))
        return {
            "botctl_runs_under_way": under_way.get("running", 0),
            "botctl_runs_waiting": under_way.get("waiting", 0),
            "botctl_handoffs_pending": read(lambda connection: handoffs.counts(connection, bot)),
            "botctl_messages_unanswered": read(lambda connection: inbox.count_pending(connection, bot)),
            "botctl_outbox_unsent": leaving["pending"],
            "botctl_outbox_dead_letters": leaving["dead"],
        }


_GAUGES = {
    "botctl_runs_under_way": "Runs that are worked on.",
    "botctl_runs_waiting": "Runs that wait for a message, a person, a link or a moment.",
    "botctl_handoffs_pending": "Handoffs that nobody has decided.",
    "botctl_messages_unanswered": "Messages accepted and not yet dealt with.",
    "botctl_outbox_unsent": "Messages that have not left yet.",
    "botctl_outbox_dead_letters": "Dead letters that are kept.",
}
