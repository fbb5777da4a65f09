"""The border: what stands between botctl and the outside, where it is not the usual; for tests of bots."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from botctl.engine.observer import NOBODY, Observer
from botctl.execution.step import Sandbox, ToolBox
from botctl.llm.chat import ChatModel
from botctl.runtime.gates import CarrierOf
from botctl.runtime.senders import Sender
from botctl.runtime.workspace import open_workspace
from botctl.secrets import Environment
from botctl.spec.bot import ModelSection
from botctl.spec.workspace import WorkspaceSpec
from botctl.store.database import Database, open_database


class OpenTools(ToolBox, Protocol):
    """The tools of a workspace, to be closed at last."""

    async def close(self) -> None:
        """Let go of every connection."""


class Border(Struct, frozen=True, kw_only=True):
    """What an app uses for the outside. What is None is as `botctl run` has it.

    state_folder: where the state is. open_tools: the tools of a workspace, from (its spec, the environment,
    the project's folder, the state folder). model: who answers for a bot's model, from (bot, section); None
    for the declared one. sandbox: where a bot's JavaScript runs. carrier: who sends codes. email: who sends
    mails. observer: told what the engine does. is_alone: nobody else reads or writes the state and nothing
    listens, so there is neither a server nor a look at what other processes did.
    """

    state_folder: Path | None = None
    open_database: Callable[[Path], Awaitable[Database]] = open_database
    open_tools: Callable[[WorkspaceSpec, Environment, Path, Path], OpenTools] = open_workspace
    model: Callable[[str, ModelSection], ChatModel | None] = lambda bot, section: None
    sandbox: Callable[[str], Sandbox] | None = None
    carrier: CarrierOf | None = None
    email: Sender | None = None
    observer: Observer = NOBODY
    is_alone: bool = False


USUAL = Border()
