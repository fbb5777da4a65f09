"""The team: the bots of a project, each switched on when it is first needed; for delegation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from botctl.engine.program import Program
from botctl.errors import UserError
from botctl.project.load import Bot, Project, load_bot
from botctl.runtime.bot import LiveBot
from botctl.secrets import Environment


class Team:
    """Bots by name. Those of `own` are this process's; others are guests: their runs are called here, while
    messages of their own are answered by whoever runs them."""

    def __init__(
        self,
        project: Project,
        environment: Environment,
        own: Mapping[str, LiveBot],
        switch_on: Callable[[Bot], Awaitable[LiveBot]],
    ) -> None:
        self._project = project
        self._environment = environment
        self._own = own
        self._switch_on = switch_on
        self._guests: dict[str, LiveBot] = {}
        self._names: dict[str, str] = {}
        self._arriving = asyncio.Lock()

    async def program_of(self, name: str) -> Program:
        """See `engine.program.Team`."""
        return (await self.find(name)).program

    async def find(self, name: str) -> LiveBot:
        """The bot of this `id`, or else of this name; a UserError if there is none, or it cannot run."""
        return await self.bot(self._own_name(name))

    async def bot(self, name: str) -> LiveBot:
        """The bot of this name."""
        known = self._own.get(name) or self._guests.get(name)
        if known is not None:
            return known
        async with self._arriving:
            if name not in self._guests:
                self._guests[name] = await self._invite(name)
        return self._guests[name]

    async def _invite(self, name: str) -> LiveBot:
        bot, diagnostics = load_bot(self._project, name, self._environment)
        if bot is None or any(found.severity == "error" for found in diagnostics):
            raise UserError(
                f"bot `{name}` cannot run: its files have errors", help="`botctl validate` tells them"
            )
        return await self._switch_on(bot)

    def _own_name(self, name: str) -> str:
        """What stands under `id` goes before names (INTERFACES, Delegation)."""
        if not self._names:
            for bot_name in self._project.bot_names():
                bot, _ = load_bot(self._project, bot_name, self._environment)
                self._names.setdefault(bot_name, bot_name)
                if bot is not None and bot.spec.id:
                    self._names[bot.spec.id] = bot_name
        if name in self._own and name not in self._names:
            return name
        if name not in self._names:
            raise UserError(
                f"there is no bot `{name}` in this project", help="give the id or name of a bot in bots/"
            )
        return self._names[name]
