"""The program: all that executing a run needs beside the run itself, resolved once per bot and definition."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from botctl.engine.transition import Limits
from botctl.execution.step import BotFacts, Sandbox, ToolBox
from botctl.llm.chat import ChatModel
from botctl.project.graph import Graph


class Program(Struct, frozen=True, kw_only=True):
    """A bot's workflow with everything its nodes may use. definition: the hash that runs are pinned to.

    mask takes secrets out of a text before it is stored. max_messages: how much history a model may see.
    """

    bot: BotFacts
    graph: Graph
    definition: str
    llm: ChatModel
    tools: ToolBox
    sandbox: Sandbox
    mask: Callable[[str], str]
    limits: Limits
    fallback_message: str
    max_messages: int = 20
