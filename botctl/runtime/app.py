"""The app: all parts of a running botctl, switched on in order and off in reverse."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from botctl.clock import Clock, SystemClock
from botctl.engine.interpreter import Interpreter
from botctl.execution.step import ToolBox
from botctl.platforms.platform import Connection, ConnectionContext
from botctl.project.load import Bot, Project
from botctl.runtime.alarms import Alarms
from botctl.runtime.bot import LiveBot, NoTools, connect_model
from botctl.runtime.inbox import Inbox
from botctl.runtime.lock import RunnerLock
from botctl.runtime.outbox import Delivery
from botctl.runtime.platforms import Stdin, choose_platforms
from botctl.runtime.router import Router
from botctl.runtime.server import HttpServer
from botctl.runtime.supervisor import Supervisor
from botctl.runtime.workspace import open_workspace
from botctl.sandbox.javascript import JavaScriptPool
from botctl.secrets import Environment
from botctl.store import inbox
from botctl.store.database import Database, open_database
from botctl.tools.catalogue import Catalogue

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
        clock: Clock | None = None,
        connections: Mapping[tuple[str, str], Connection] | None = None,
    ) -> None:
        """connections: used as they are instead of the declared platforms, none of which is switched on."""
        self.project = project
        self.environment = environment
        self.clock = clock or SystemClock()
        self.connections: dict[tuple[str, str], Connection] = dict(connections or {})
        self.off: dict[tuple[str, str], str] = {}
        self.recovered = 0
        self.server: HttpServer | None = None
        self._declared = bots
        self._chooses_platforms = connections is None
        self._stdin: Stdin = stdin
        self._wanted = wanted
        self._port = port
        self._catalogues: dict[str, Catalogue] = {}
        self._pool: JavaScriptPool | None = None
        self._stack = AsyncExitStack()

    @property
    def state_folder(self) -> Path:
        """Where the state is."""
        return self.project.state_folder

    async def __aenter__(self) -> App:
        async with AsyncExitStack() as stack:
            for bot in self._declared:
                stack.enter_context(RunnerLock(self.state_folder, bot.spec.name))
            self.database: Database = await open_database(self.state_folder / "state.db")
            stack.push_async_callback(self.database.close)
            self.bots = {bot.spec.name: await self._switch_on(bot, stack) for bot in self._declared}
            self.delivery = Delivery(self.connections, self.database, self.clock)
            interpreter = Interpreter(self.database, self.clock, self.delivery.deliver)
            self.router = Router(self.bots, interpreter, self.database, self.clock, self.delivery.deliver)
            self.inbox = Inbox(self.database, self.router, self.clock)
            if self._chooses_platforms:
                self._connect(stack)
            stack.push_async_callback(self.delivery.crew.close, DRAIN)
            stack.push_async_callback(self.router.crew.close, DRAIN)
            self.supervisor = Supervisor(self.connections, self.clock)
            for name, live in self.bots.items():
                await live.pin(self.database)
                self.recovered += self.delivery.recover(name) + self.router.recover(name)
            # Only now: what was accepted in between would be pending too, and be done twice.
            await self._serve(stack)
            alarms = Alarms(self.router, self.database, self.clock, sorted(self.bots))
            ringing = asyncio.create_task(alarms.run(), name="alarms")
            stack.push_async_callback(_stop, ringing)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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

    async def _switch_on(self, bot: Bot, stack: AsyncExitStack) -> LiveBot:
        spec = bot.spec
        model = connect_model(spec.name, spec.llm, bot.folder, self.environment, self.clock)
        stack.push_async_callback(model.close)
        return LiveBot(
            bot,
            model=model,
            tools=self._tools_of(bot, stack),
            sandbox=self._sandbox(stack).for_bot(spec.name),
            mask=self.environment.mask,
        )

    def _tools_of(self, bot: Bot, stack: AsyncExitStack) -> ToolBox:
        name = bot.spec.workspace
        if not name:
            return NoTools()
        if name not in self._catalogues:
            workspace = self.project.workspace(name)
            catalogue = open_workspace(
                workspace.spec, self.environment, self.project.folder, self.state_folder
            )
            stack.push_async_callback(catalogue.close)
            self._catalogues[name] = catalogue
        return self._catalogues[name]

    def _sandbox(self, stack: AsyncExitStack) -> JavaScriptPool:
        if self._pool is None:
            self._pool = JavaScriptPool()
            stack.push_async_callback(self._pool.close)
        return self._pool

    def _connect(self, stack: AsyncExitStack) -> None:
        for bot in self._declared:
            name = bot.spec.name
            choice = choose_platforms(bot.spec, self.environment, stdin=self._stdin, wanted=self._wanted)
            for live in choice.live:
                place = (name, live.record.name)
                connection = live.record.connect(live.settings, self._context(*place))
                stack.push_async_callback(connection.close)
                self.connections[place] = connection
            self.off.update({(name, platform): reason for platform, reason in choice.off.items()})

    def _context(self, bot: str, platform: str) -> ConnectionContext:
        async def load_cursor() -> str | None:
            return self.database.read(lambda connection: inbox.load_cursor(connection, bot, platform))

        return ConnectionContext(
            bot=bot, accept=self.inbox.accept, now_ms=self.clock.now_ms, load_cursor=load_cursor
        )

    async def _serve(self, stack: AsyncExitStack) -> None:
        """Start the one HTTP server if any platform listens."""
        if all(platform == "console" for _, platform in self.connections):
            return
        section = self.project.spec.server
        server = HttpServer(
            host=section.host,
            port=section.port if self._port is None else self._port,
            connections=self.connections,
            health=self.health,
        )
        await server.start()
        stack.push_async_callback(server.stop)
        self.server = server


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
