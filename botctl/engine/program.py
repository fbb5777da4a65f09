"""The program: all that executing a run needs beside the run itself, resolved once per bot and definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from botctl.engine.transition import Limits
from botctl.errors import UserError
from botctl.execution.step import BotFacts, Gatekeeper, Sandbox, ToolBox
from botctl.llm.chat import ChatModel
from botctl.project.graph import Graph
from botctl.spec.bot import HandoffSection
from botctl.store.inbox import Stored


class Team(Protocol):
    """The bots of a project, for delegation."""

    async def program_of(self, name: str) -> Program:
        """The program of the bot of this id or name; a UserError if there is none, or it cannot run."""


class NobodyElse:
    """A team of one: there is nobody to delegate to."""

    async def program_of(self, name: str) -> Program:
        """Nobody."""
        raise UserError(f"there is no bot `{name}` in this project", help="give a bot of bots/")


class Program(Struct, frozen=True, kw_only=True):
    """A bot's workflow with everything its nodes may use. definition: the hash that runs are pinned to; text:
    the file's name and what stands in it.

    mask takes secrets out of a text before it is stored. max_messages: how much history a model may see.
    gate: makes a step's Gatekeeper, from the runner, the run's number and the message it deals with. metered:
    makes the model of a step, which is paid for, from the runner, the run's id and the message. dashboard:
    its address, for notices; "" if there is none that others reach.
    """

    bot: BotFacts
    graph: Graph
    definition: str
    text: tuple[str, str]
    llm: ChatModel
    tools: ToolBox
    sandbox: Sandbox
    mask: Callable[[str], str]
    limits: Limits
    fallback_message: str
    max_messages: int = 20
    handoff: HandoffSection = HandoffSection()
    team: Team = NobodyElse()
    gate: Callable[[str, int, Stored], Gatekeeper] | None = None
    metered: Callable[[str, str, Stored], ChatModel] | None = None
    dashboard: str = ""
