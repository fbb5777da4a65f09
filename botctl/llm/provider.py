"""The record that every model provider fills."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from botctl.clock import Clock
from botctl.llm.chat import ChatModel


class ModelSettings(Struct, frozen=True, kw_only=True):
    """What `llm:` in bot.yaml came to, with every `${NAME}` resolved. timeout is in seconds; script is the
    absolute path of the scripted provider's file, "" otherwise.

    account_id: whose account is asked, for providers with an `account_variable`. files: the folder that the
    paths of attachments begin in; None: no picture can be read.
    """

    provider: str
    model: str = ""
    api_key: str = ""
    base_url: str = ""
    temperature: float | None = None
    max_tokens: int = 8192
    timeout: float = 30.0
    script: str = ""
    account_id: str = ""
    files: Path | None = None


class Provider(Struct, frozen=True, kw_only=True):
    """One provider of models. `connect` imports its SDK, so it is called only when a model is needed.

    default_base_url may hold `{account_id}`; then account_variable names where that usually stands.
    """

    name: str
    doc: str | None
    connect: Callable[[ModelSettings, Clock], ChatModel]
    aliases: tuple[str, ...] = ()
    default_model: str = ""
    default_base_url: str = ""
    key_variable: str = ""
    account_variable: str = ""
    needs_key: bool = True
    needs_base_url: bool = False
    supports_tools: bool = True
