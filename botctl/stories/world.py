"""The world of a story: a real app on a disk in memory, with stages for platforms and a clock that jumps."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType

from msgspec import Struct

from botctl.clock import SystemClock
from botctl.errors import BotctlError, UserError
from botctl.execution.step import Sandbox
from botctl.lint.locks import KnownTools, known_tools
from botctl.llm.chat import ChatModel
from botctl.project.load import Bot, Project
from botctl.project.stories import ModelStub, moment_ms
from botctl.runtime.app import App
from botctl.runtime.border import Border, OpenTools
from botctl.runtime.bot import connect_model
from botctl.runtime.workspace import open_workspace
from botctl.sandbox.javascript import JavaScriptPool
from botctl.secrets import Environment
from botctl.spec.bot import ModelSection
from botctl.spec.story import Given, ToolStub
from botctl.spec.workspace import WorkspaceSpec
from botctl.store import handoffs, runs, schedules
from botctl.stories.happening import Happening, Scene
from botctl.stories.loop import LoopClock, StoryLoop
from botctl.stories.memory import Memory
from botctl.stories.models import WatchedModel, ready_lines, stub_model
from botctl.stories.stage import Person, Stage, StagePlatform
from botctl.stories.tools import StubTools, ready_stubs
from botctl.stories.witness import Witness


class Setting(Struct, frozen=True, kw_only=True):
    """What a story is played with. models None: the bots' own scripts. real: the servers that answer
    themselves, "*" for all. variables: the environment of real ones. is_live: real models and tools."""

    project: Project
    bots: Mapping[str, Bot]
    speaking: tuple[str, ...]
    people: tuple[Person, ...]
    begin: str
    environment: Environment
    models: Sequence[ModelStub] | None
    tools: Mapping[str, list[ToolStub]]
    real: frozenset[str]
    given: Given
    is_live: bool = False


# The code's own `Date`, in front of its first line: what time it is says the story's clock.
_DATE = (
    "const Date=((real,now)=>new Proxy(real,{apply:()=>String(new real(now)),"
    "construct:(_,given,by)=>given.length?Reflect.construct(real,given,by):new real(now),"
    'get:(_,name)=>name==="now"?()=>now:real[name]}))(globalThis.Date,'
)


class JavaScript(Struct, frozen=True):
    """The sandbox of one bot; the loop waits for it in real time."""

    pool: JavaScriptPool
    bot: str
    loop: StoryLoop
    clock: LoopClock

    async def run(
        self, code: str, variables: Mapping[str, object], message: str, user_id: str
    ) -> dict[str, object]:
        """See `Sandbox.run`."""
        if "Date" in code:
            code = f"{_DATE}{self.clock.now_ms()});{code}"
        with self.loop.outside():
            return await self.pool.run(self.bot, code, variables, message, user_id)


class World:
    """Use it as an async context manager. Several, one after another, may share loop, folder and pool."""

    def __init__(self, setting: Setting, pool: JavaScriptPool, folder: Path) -> None:
        """folder: for locks and the key; nothing of the story is in it."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, StoryLoop)
        self.setting = setting
        self.scene = Scene()
        self.clock = LoopClock(loop, moment_ms(setting.begin))
        self.stage = Stage(setting.people, self.scene, self.clock, setting.given.codes or "sent")
        self.witness = Witness(self.scene)
        self.stage.said_by = self.witness.said_by
        self._loop = loop
        self._pool = pool
        self._folder = folder
        self._memory = Memory()
        self._lines = ready_lines(setting.models or ())
        self._stubs = ready_stubs(setting.tools)
        self._before: set[asyncio.Task[object]] = set()
        self._opened: list[OpenTools] = []
        self._is_dead = False
        self.app = self._new_app()

    async def __aenter__(self) -> World:
        self._before = asyncio.all_tasks()
        self._loop.is_busy = self._is_busy
        try:
            await self._start()
            await self._vouch()
        except BotctlError:  # the app has undone what it did
            self._loop.is_busy = lambda: False
            self._memory.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Not the app's own way out: what is under way may hang, and nothing of it matters any more.
        await self._bury()
        self._loop.is_busy = lambda: False
        self._memory.close()

    def new_step(self) -> Happening:
        """A new step begins; what happens in it."""
        self.scene.now = Happening()
        self.witness.roots.clear()
        return self.scene.now

    async def settle(self) -> None:
        """Wait until nothing more happens by itself; a process that dies meanwhile starts again."""
        while True:
            await self._loop.quiet()
            if not self._is_dead:
                break
            await self._bury()
            self.app = self._new_app()
            await self._start()
        if self._is_busy():
            raise UserError("something in this step never comes to an end")

    async def pass_until(self, target_ms: int) -> None:
        """Let time go by; what is due meanwhile happens at its moment."""
        await self.settle()
        while True:
            moment = self.next_moment()
            if moment is None or moment > target_ms:
                break
            now_ms = self.clock.now_ms()
            self.clock.move_to(moment if moment > now_ms else min(now_ms + 1000, target_ms))
            await self.settle()
            if self.clock.now_ms() >= target_ms:
                break
        self.clock.move_to(target_ms)
        await self.settle()

    def next_moment(self) -> int | None:
        """When something happens by itself next; None if nothing ever does."""
        names = list(self.setting.speaking)
        read = self.app.database.read
        alarm = read(lambda connection: runs.next_alarm(connection, names))
        moments = (
            alarm[1] if alarm else None,
            read(lambda connection: schedules.next_due(connection, names)),
            read(lambda connection: handoffs.next_moment(connection, names)),
        )
        return min((moment for moment in moments if moment is not None), default=None)

    async def _start(self) -> None:
        self._is_dead = False
        await self.app.__aenter__()
        self.app.database.after_commit = self.witness.committed
        self.witness.kill = self._kill

    async def _vouch(self) -> None:
        """Remember who was verified before the story begins."""
        for who in self.setting.people:
            if who.verified:
                await self.app.database.write(partial(who.vouch, self.clock.now_ms()))

    def _kill(self) -> None:
        """Stop everything at once, as when the process is killed."""
        self._is_dead = True
        current = asyncio.current_task()
        for task in self._tasks():
            if task is not current:
                task.cancel()

    def _tasks(self) -> set[asyncio.Task[object]]:
        """All that the process does."""
        return asyncio.all_tasks() - self._before - self._pool.own_tasks

    async def _bury(self) -> None:
        with self._loop.outside():  # programs are ended, and that takes time
            await self._bury_all()

    async def _bury_all(self) -> None:
        for tools in self._opened:
            await tools.close()
        self._opened.clear()
        tasks = self._tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.app.database.abandon()
        for lock in self.app.locks:
            lock.__exit__(None, None, None)

    def _is_busy(self) -> bool:
        if self._is_dead:
            return False
        return not (self.app.router.crew.is_idle and self.app.delivery.crew.is_idle)

    def _new_app(self) -> App:
        setting = self.setting
        platform = StagePlatform(self.stage)
        places = {
            (name, live): platform
            for name, bot in setting.bots.items()
            for live in (*(bot.spec.platforms or {}), "console", *(one.platform for one in setting.people))
        }
        return App(
            setting.project,
            [setting.bots[name] for name in setting.speaking],
            setting.environment,
            clock=self.clock,
            connections=places,
            border=Border(
                state_folder=self._folder,
                open_database=self._memory.open,
                open_tools=self._open_tools,
                model=self._model,
                sandbox=self._sandbox,
                carrier=self.stage.carrier,
                email=platform,
                observer=self.witness,
                is_alone=True,
            ),
        )

    def _sandbox(self, bot: str) -> Sandbox:
        return JavaScript(self._pool, bot, self._loop, self.clock)

    def _model(self, bot: str, section: ModelSection) -> ChatModel | None:
        setting = self.setting
        if not setting.is_live and setting.models is not None:
            return stub_model(self._lines, bot, section, self.clock, self.scene)
        if not setting.is_live and section.provider != "scripted":
            return stub_model((), bot, section, self.clock, self.scene)
        clock = SystemClock() if setting.is_live else self.clock
        late = connect_model(
            bot,
            section,
            setting.bots[bot].folder,
            setting.environment,
            clock,
            self._folder / "files",
            lambda model, place: model,
        )
        return WatchedModel(late, self._loop, self.scene, is_real=setting.is_live)

    def _open_tools(
        self, spec: WorkspaceSpec, environment: Environment, project_folder: Path, state_folder: Path
    ) -> OpenTools:
        setting = self.setting
        is_all = setting.is_live or "*" in setting.real
        servers = {name: one for name, one in spec.servers.items() if is_all or name in setting.real}
        functions = spec.functions if is_all else {}
        real = spec.model_copy(update={"servers": servers, "functions": functions})
        tools = StubTools(
            self._stubs,
            known_of(setting.project, spec.name),
            spec,
            open_workspace(real, environment, project_folder, state_folder),
            (*servers, *(["functions"] if functions else [])),
            self.clock,
            self._loop,
            self.scene,
        )
        self._opened.append(tools)
        return tools


def known_of(project: Project, workspace: str) -> KnownTools:
    """What is known of the tools of a workspace without starting a server."""
    return known_tools(project, project.workspace(workspace))


def own_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder that goes when it is not needed any more."""
    return tempfile.TemporaryDirectory(prefix="botctl-story-")
