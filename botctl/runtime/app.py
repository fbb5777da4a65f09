"""The app: all parts of a running botctl, switched on in order and off in reverse."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from starlette.routing import BaseRoute

from botctl.clock import Clock, SystemClock
from botctl.engine.interpreter import Interpreter
from botctl.engine.observer import Observers
from botctl.errors import OutsideError, UserError
from botctl.execution.step import Sandbox, ToolBox
from botctl.identity.providers import IDENTITY_PROVIDERS
from botctl.platforms.platform import Connection
from botctl.project.load import Bot, Project
from botctl.runtime.address import told_address
from botctl.runtime.border import USUAL, Border, OpenTools
from botctl.runtime.bot import LiveBot, NoTools
from botctl.runtime.carriers import Carriers
from botctl.runtime.drafts import Drafts
from botctl.runtime.gates import Gates
from botctl.runtime.inbox import Inbox
from botctl.runtime.lock import RunnerLock
from botctl.runtime.metering import Meter
from botctl.runtime.metrics import MetricsPage
from botctl.runtime.models import Models
from botctl.runtime.outbox import Delivery
from botctl.runtime.platforms import Stdin, choose_platforms
from botctl.runtime.recorder import Recorder
from botctl.runtime.registration import register, webhook_address
from botctl.runtime.retention import Retention
from botctl.runtime.router import Router
from botctl.runtime.secret_key import secret_key
from botctl.runtime.senders import Senders, email_sender
from botctl.runtime.server import HttpServer
from botctl.runtime.supervisor import Supervisor
from botctl.runtime.surroundings import surroundings
from botctl.runtime.team import Team
from botctl.runtime.telemetry import Telemetry
from botctl.runtime.timetable import Timetable
from botctl.runtime.turn import Turns
from botctl.runtime.typing_sign import TypingSigns
from botctl.runtime.verify_page import VerifyPage, asks_by_link
from botctl.runtime.watch import Watch
from botctl.sandbox.javascript import JavaScriptPool
from botctl.secrets import Environment
from botctl.spec.bot import BotSpec, HandoffSection
from botctl.store.database import Database

DRAIN = 10.0
"""Seconds that steps in flight may take to finish when the app is switched off."""


class App:
    """Some bots of a project, running. Use it as an async context manager; then `receive`."""

    def __init__(
        self,
        project: Project,
        bots: Sequence[Bot],
        environment: Environment,
        *,
        stdin: Stdin = "closed",
        wanted: Collection[str] = (),
        port: int | None = None,
        may_take_over: bool = False,
        clock: Clock | None = None,
        connections: Mapping[tuple[str, str], Connection] | None = None,
        border: Border = USUAL,
        pages: Callable[[App], Sequence[BaseRoute]] | None = None,
    ) -> None:
        """may_take_over: whether webhooks and pollers of others may be replaced. connections: used as they
        are instead of the declared platforms, none of which is switched on. pages: the dashboard, which the
        HTTP server is started for."""
        self.project = project
        self.border = border
        self.environment = environment
        self.clock = clock or SystemClock()
        self.connections: dict[tuple[str, str], Connection] = dict(connections or {})
        self.off: dict[tuple[str, str], str] = {}
        self.notes: list[str] = []
        self.recovered = 0
        self.server: HttpServer | None = None
        self.locks: list[RunnerLock] = []
        self._identity: dict[str, Mapping[str, Mapping[str, Any]]] = {}
        self._declared = bots
        self._chooses_platforms = connections is None
        self._stdin: Stdin = stdin
        self._wanted = wanted
        self._port = port
        self._may_take_over = may_take_over
        self.by_webhook: list[tuple[str, str]] = []
        self._catalogues: dict[str, OpenTools] = {}
        self._pool: JavaScriptPool | None = None
        self._pages = pages
        self.has_dashboard = False
        self.closing = asyncio.Event()
        self._stack = AsyncExitStack()

    @property
    def state_folder(self) -> Path:
        """Where the state is."""
        return self.border.state_folder or self.project.state_folder

    async def __aenter__(self) -> App:
        async with AsyncExitStack() as stack:
            for bot in self._declared:
                self.locks.append(stack.enter_context(RunnerLock(self.state_folder, bot.spec.name)))
            self.database: Database = await self.border.open_database(self.state_folder / "state.db")
            stack.push_async_callback(self.database.close)
            variables = {} if self.border.is_alone else os.environ
            self.telemetry = Telemetry(self.clock, self.environment.mask, variables)
            stack.push_async_callback(self.telemetry.close)
            wish = "none" if self.border.is_alone else self.project.spec.record
            self.recorder = Recorder(self.database, self.clock, self.environment.mask, wish)
            traffic = self.telemetry.traffic
            self.meter = Meter(self.database, self.clock)
            email = self.border.email or email_sender(self.project.spec.smtp, self.environment, self.clock)
            names = [bot.spec.name for bot in self._declared]
            self.gates = self._gates(stack)
            self.bots: dict[str, LiveBot] = {}
            self.team = Team(self.project, self.environment, self.bots, partial(self._switch_on, stack))
            for bot in self._declared:
                self.bots[bot.spec.name] = await self._switch_on(stack, bot)
            self.delivery = Delivery(Senders(self.connections, email), self.database, self.clock, traffic)
            deliver = self.delivery.deliver
            self.turns = Turns(
                self.bots,
                self.team,
                self._interpreter(),
                self.database,
                self.clock,
                deliver,
                TypingSigns(self.connections),
                traffic,
            )
            self.router = Router(self.turns, self.database, names)
            self.inbox = Inbox(self.database, self.router, self.clock, self.gates.guard, traffic)
            if self._chooses_platforms:
                self._connect(stack)
            stack.push_async_callback(self.delivery.crew.close, DRAIN)
            stack.push_async_callback(self.router.crew.close, DRAIN)
            self.supervisor = Supervisor(self.connections, self.clock)
            await self._take_up()
            # Only now: what was accepted in between would be pending too, and be done twice.
            await self._serve(stack)
            await self._register()
            for work in self._background(names):
                task = asyncio.create_task(work)
                stack.push_async_callback(_stop, task)
            self._stack = stack.pop_all()
        return self

    async def _take_up(self) -> None:
        """Go on with what an earlier life of the process left behind."""
        for name, live in self.bots.items():
            await live.pin(self.database)
            self.gates.recover(name)
            await self.meter.recover(name)
            self.recovered += self.delivery.recover(name) + self.router.recover(name)
        self.router.attend()

    def _background(self, names: Sequence[str]) -> list[Coroutine[Any, Any, None]]:
        """What goes on beside the bots for as long as the app is on."""
        timetable = Timetable(
            self.router,
            self.database,
            self.clock,
            names,
            self.turns.alarm_was_set,
            self.delivery.deliver,
            self.environment.mask,
            self._dashboard_url,
        )
        if self.border.is_alone:
            return [timetable.run()]
        retention = Retention(self.database, self.clock, self.project.spec.retention)
        return [timetable.run(), Watch(self.database, self.look).run(), retention.run()]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        await self._stack.aclose()

    async def receive(self) -> None:
        """Receive on all platforms until all have ended and everything is answered, or until cancelled."""
        await self.supervisor.receive()
        if self.server is not None:
            await asyncio.Event().wait()  # a server has no end of its own
        await self.settle()

    async def settle(self) -> None:
        """Wait until nothing is being worked on and everything that can leave has left."""
        await self.router.crew.drain()
        await self.delivery.crew.drain()

    def health(self) -> dict[str, Any]:
        """What /healthz tells."""
        faults = {"/".join(place): fault for place, fault in self.supervisor.faults.items()}
        return {"bots": sorted(self.bots), "faults": faults}

    def _interpreter(self) -> Interpreter:
        observer = Observers((self.telemetry.observer, self.recorder, self.border.observer))
        drafts = Drafts(self.connections, self.database, self.clock, self.delivery)
        return Interpreter(self.database, self.clock, self.delivery.deliver, observer, drafts.of)

    def _gates(self, stack: AsyncExitStack) -> Gates:
        carriers = Carriers(
            IDENTITY_PROVIDERS, self._identity.__getitem__, self._only_console, self.environment, self.clock
        )
        stack.push_async_callback(carriers.close)
        key = secret_key(self.state_folder)
        carrier = self.border.carrier or carriers.carrier
        return Gates(self.database, self.clock, key, carrier, self._public_url)

    def _only_console(self, bot: str) -> bool:
        """Whether the terminal is the only place where anybody talks to a bot."""
        return {platform for name, platform in self.connections if name == bot} == {"console"}

    def look(self) -> None:
        """Somebody has written beside our runs, here or in another process: see to what was left for them."""
        self.router.attend()
        self.turns.alarm_was_set.set()
        self.delivery.look(list(self.bots))

    async def _switch_on(self, stack: AsyncExitStack, bot: Bot) -> LiveBot:
        spec = bot.spec
        self._identity[spec.name] = spec.identity
        models = Models(
            spec,
            bot.folder,
            self.environment,
            self.clock,
            self.meter,
            self.state_folder / "files",
            lambda model, place: self.recorder.model(self.telemetry.model(model, place)),
            self.border.model,
        )
        stack.push_async_callback(models.close)
        return LiveBot(
            bot,
            model=models.first,
            tools=self.recorder.tools(self.telemetry.tools(self._tools_of(bot, stack), spec.name)),
            sandbox=self._sandbox(stack, spec.name),
            mask=self.environment.mask,
            handoff=self._handoff_of(spec),
            team=self.team,
            gate=self.gates.gate,
            metered=models.metered if spec.llm is not None else None,
            dashboard=self._dashboard_url,
        )

    def _handoff_of(self, spec: BotSpec) -> HandoffSection:
        """A bot's own section, resolved; whom to tell is the project's `notify` where it says nothing."""
        told = {
            "notify": self._resolved(spec.handoff.notify or self.project.spec.notify),
            "escalate": self._resolved(spec.handoff.escalate),
        }
        return spec.handoff.model_copy(update=told)

    def _resolved(self, whom: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Whom to tell; without those of whom an unset variable leaves nothing."""
        found = (
            {platform: self.environment.resolve(str(channel)) for platform, channel in one.items()}
            for one in whom
        )
        return [one for one in found if all(one.values())]

    def _tools_of(self, bot: Bot, stack: AsyncExitStack) -> ToolBox:
        name = bot.spec.workspace
        if not name:
            return NoTools()
        if name not in self._catalogues:
            workspace = self.project.workspace(name)
            catalogue = self.border.open_tools(
                workspace.spec, self.environment, self.project.folder, self.state_folder
            )
            stack.push_async_callback(catalogue.close)
            self._catalogues[name] = catalogue
        return self._catalogues[name]

    def _sandbox(self, stack: AsyncExitStack, bot: str) -> Sandbox:
        if self.border.sandbox is not None:
            return self.border.sandbox(bot)
        if self._pool is None:
            self._pool = JavaScriptPool()
            stack.push_async_callback(self._pool.close)
        return self._pool.for_bot(bot)

    def _connect(self, stack: AsyncExitStack) -> None:
        for bot in self._declared:
            name = bot.spec.name
            choice = choose_platforms(bot.spec, self.environment, stdin=self._stdin, wanted=self._wanted)
            for live in choice.live:
                place = (name, live.record.name)
                context = surroundings(
                    *place,
                    accept=self.inbox.accept,
                    database=self.database,
                    clock=self.clock,
                    state_folder=self.state_folder,
                    limits=bot.spec.limits,
                    public_url=self._public_url,
                    may_take_over=self._may_take_over,
                )
                try:
                    connection = live.record.connect(live.settings, context)
                except UserError as error:
                    if self._wanted:
                        raise
                    self.off[place] = f"{error.message} ({error.help})" if error.help else error.message
                    continue
                stack.push_async_callback(connection.close)
                self.connections[place] = connection
                if getattr(live.settings, "mode", "") == "webhook":
                    self.by_webhook.append(place)
            self.off.update({(name, platform): reason for platform, reason in choice.off.items()})

    @property
    def _public_url(self) -> str:
        return self.environment.resolve(self.project.spec.server.public_url)

    @property
    def _dashboard_url(self) -> str:
        """Where reviewers find the dashboard; "" if it has no address that they can reach."""
        return self._public_url if self._pages is not None else ""

    async def _register(self) -> None:
        """Tell the platforms where their webhooks are. One that is down is told at the next start."""
        for place in self.by_webhook:
            address = webhook_address(self._public_url, *place)
            try:
                line = await register(
                    self.connections[place], place, address, may_take_over=self._may_take_over
                )
            except OutsideError as error:
                line = f"{place[0]}: {place[1]} could not be told where its webhook is: {error.message}"
            self.notes += [line] if line else []

    async def _serve(self, stack: AsyncExitStack) -> None:
        """Start the one HTTP server if any platform listens, a link leads to it, or it has a dashboard."""
        if self.border.is_alone:
            return
        asks = any(asks_by_link(bot.graph) for bot in self._declared if bot.graph)
        only_console = all(platform == "console" for _, platform in self.connections)
        # Whoever pipes lines in wants the answers and the end, not a server.
        self.has_dashboard = self._pages is not None and not (only_console and self._stdin == "pipe")
        if only_console and not asks and not self.has_dashboard:
            return
        section = self.project.spec.server
        server = HttpServer(
            host=section.host,
            port=section.port if self._port is None else self._port,
            connections=self.connections,
            health=self.health,
            routes=(
                *VerifyPage(self.database, self.clock, self.gates.key, self.router.attend).routes(),
                *MetricsPage(
                    self.telemetry.metrics,
                    self.database,
                    lambda: list(self.bots),
                    self.environment.resolve("${BOTCTL_METRICS_TOKEN:-}"),
                ).routes(),
                *(self._pages(self) if self._pages and self.has_dashboard else ()),
            ),
        )
        await server.start()
        stack.push_async_callback(server.stop)
        if self.has_dashboard:
            stack.enter_context(told_address(self.state_folder, server.url))
        self.server = server


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
