"""A live bot: a declared bot with its model, tools and definitions switched on."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace

from botctl.clock import Clock
from botctl.engine.program import Program, Team
from botctl.engine.transition import Limits
from botctl.errors import UserError
from botctl.execution.step import BotFacts, Gatekeeper, Sandbox, ToolBox
from botctl.llm.chat import ChatModel, ChatReply, ChatRequest
from botctl.llm.provider import ModelSettings, Provider
from botctl.llm.providers import PROVIDERS
from botctl.messages import IncomingMessage
from botctl.project.agent_graph import AGENT_DEFINITION, agent_graph
from botctl.project.graph import Graph
from botctl.project.load import Bot
from botctl.project.workflow_file import pinned_graph
from botctl.runtime.spans import ModelPlace
from botctl.secrets import Environment
from botctl.spec.bot import AllowSection, BotSpec, HandoffSection, ModelSection
from botctl.store import runs
from botctl.store.database import Database
from botctl.store.inbox import Stored
from botctl.tools.tool import Tool, ToolResult


class LateModel:
    """A model that is connected when it is first asked: a missing key stops a step and not the start."""

    def __init__(self, connect: Callable[[], ChatModel], model: ChatModel | None = None) -> None:
        """model: given if it is connected already."""
        self._connect = connect
        self._model = model
        self._connecting = asyncio.Lock()

    async def connected(self) -> ChatModel:
        """The model itself; UserError when it cannot be connected."""
        if self._model is None:
            async with self._connecting:
                if self._model is None:  # importing an SDK takes a second: not on the event loop
                    self._model = await asyncio.to_thread(self._connect)
        return self._model

    async def reply(self, request: ChatRequest) -> ChatReply:
        """See `ChatModel.reply`."""
        return await (await self.connected()).reply(request)

    async def close(self) -> None:
        """Let go of connections, if there ever were any."""
        if self._model is not None:
            await self._model.close()


class NoTools:
    """The tools of a bot without a workspace."""

    async def tools(self) -> list[Tool]:
        """There are none."""
        return []

    def decide(self, name: str) -> Literal["allow", "deny", "ask"]:
        """There is nothing to decide about."""
        return "deny"

    async def find(self, name: str) -> Tool | None:
        """There are none."""
        return None

    async def call(
        self, name: str, arguments: Mapping[str, Any], *, timeout: float | None = None
    ) -> ToolResult:
        """There is nothing to call."""
        raise UserError(
            f"there is no tool `{name}`: the bot has no workspace", help="add `workspace:` to bot.yaml"
        )


class LiveBot:
    """What the router needs to know of a bot. `program` is that of the workflow as it is written now."""

    def __init__(
        self,
        bot: Bot,
        *,
        model: ChatModel,
        tools: ToolBox,
        sandbox: Sandbox,
        mask: Callable[[str], str],
        handoff: HandoffSection,
        team: Team,
        gate: Callable[[str, str, int, Stored], Gatekeeper] | None,
        metered: Callable[[str, str, Stored], ChatModel] | None,
        dashboard: str = "",
    ):
        """gate: makes a step's Gatekeeper, from the bot, the runner, the run and the message. metered: makes
        the model of one step, which is paid for, from the runner, the run's id and the message."""
        spec = bot.spec
        graph, definition = bot.graph, bot.definition
        if graph is None:
            if spec.workflow and spec.workflow_enabled:
                raise UserError(
                    f"the workflow of bot `{spec.name}` has errors", help="`botctl validate` tells them"
                )
            graph, definition = self._agent(spec), AGENT_DEFINITION
        self.name = spec.name
        self.concurrent_runs = spec.limits.concurrent_runs
        self.welcome_message = spec.welcome_message
        self.pending_message = spec.handoff.pending_message
        self.holds_messages = bot.graph is not None or spec.handoff.while_waiting == "hold"
        self.ttl_ms = round(spec.conversation.ttl * 1000)
        self.model = model
        self._allow = spec.allow
        self._bot = bot
        self.program = Program(
            bot=BotFacts(
                name=spec.name,
                system_prompt=spec.system_prompt,
                timeout=spec.timeout,
                max_iterations=spec.limits.max_iterations,
                pending_message=spec.handoff.pending_message,
                platforms=frozenset(spec.platforms or {"console": {}}),
            ),
            graph=graph,
            definition=definition,
            text=(bot.workflow.file, bot.workflow.text) if bot.workflow and bot.graph else ("", ""),
            llm=model,
            tools=tools,
            sandbox=sandbox,
            mask=mask,
            limits=Limits(max_nodes=spec.limits.max_nodes, max_loop_nodes=spec.limits.max_loop_nodes),
            fallback_message=spec.fallback_message,
            max_messages=spec.conversation.max_messages,
            handoff=handoff,
            team=team,
            gate=partial(gate, spec.name) if gate else None,
            metered=metered,
            dashboard=dashboard,
        )
        self._pinned: dict[str, Program] = {self.program.definition: self.program}

    @staticmethod
    def _agent(spec: BotSpec) -> Graph:
        return agent_graph(spec.max_loop_iterations, dict.fromkeys(spec.delegate, ""))

    async def pin(self, database: Database) -> None:
        """Store the definition that new runs will be pinned to."""
        hash, (file, text) = self.program.definition, self.program.text
        await database.write(lambda connection: runs.pin(connection, hash, file, text))

    def program_of(self, definition: str, database: Database) -> Program:
        """The program of a run that was started with an earlier text of the workflow."""
        if definition not in self._pinned:

            def load(connection: sqlite3.Connection) -> tuple[str, str]:
                return runs.definition(connection, definition)

            if definition == AGENT_DEFINITION:  # the bot has a workflow now; its old runs go on as they began
                self._pinned[definition] = replace(
                    self.program, graph=self._agent(self._bot.spec), definition=definition, text=("", "")
                )
                return self._pinned[definition]
            file, text = database.read(load)
            self._pinned[definition] = replace(
                self.program, graph=pinned_graph(text, file), definition=definition, text=(file, text)
            )
        return self._pinned[definition]

    def reason_to_ignore(self, message: IncomingMessage) -> str:
        """Why a message is not answered; "" if it is."""
        if not _is_allowed(self._allow, message):
            return "not allowed (`allow` in bot.yaml)"
        if not (message.text.strip() or message.attachments or message.button_value):
            return "no text"
        return ""


def _is_allowed(allow: AllowSection, message: IncomingMessage) -> bool:
    users, channels = allow.users, allow.channels
    return (not users or message.user_id in users) and (not channels or message.channel_id in channels)


def connect_model(
    bot: str,
    section: ModelSection | None,
    folder: Path,
    environment: Environment,
    clock: Clock,
    files: Path,
    watch: Callable[[ChatModel, ModelPlace], ChatModel],
) -> LateModel:
    """The model a bot is declared with, to be connected when it is first asked. folder: where its bot.yaml
    stands; files: where the attachments of messages are; watch: what is put around it."""

    def connect() -> ChatModel:
        if section is None:
            raise UserError(f"bot `{bot}` has no model", help="add `llm:` to its bot.yaml")
        provider = provider_named(section.provider)
        key = section.api_key or (f"${{{provider.key_variable}}}" if provider.needs_key else "")
        account = section.account_id
        if not account and provider.account_variable and not section.base_url:
            account = f"${{{provider.account_variable}}}"
        settings = ModelSettings(
            provider=provider.name,
            model=section.model or provider.default_model,
            api_key=environment.resolve(key),
            base_url=environment.resolve(section.base_url) or provider.default_base_url,
            temperature=section.temperature,
            max_tokens=section.max_tokens,
            timeout=section.timeout,
            account_id=environment.resolve(account),
            files=files,
            script=str(folder / section.script) if section.script else "",
        )
        place = ModelPlace(bot=bot, provider=provider.name, model=settings.model, base_url=settings.base_url)
        return watch(provider.connect(settings, clock), place)

    return LateModel(connect)


def provider_named(name: str) -> Provider:
    """The provider of this name or alias."""
    for provider in PROVIDERS:
        if name == provider.name or name in provider.aliases:
            return provider
    raise UserError(f"there is no provider `{name}`", help="one of " + ", ".join(p.name for p in PROVIDERS))
