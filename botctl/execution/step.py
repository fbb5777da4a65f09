"""The step: all that a node may use while it is executed. It cannot reach the journal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from msgspec import Struct

from botctl.execution.outcome import Event
from botctl.llm.chat import ChatModel, Turn, Usage
from botctl.messages import IncomingMessage
from botctl.tools.tool import Tool, ToolResult


class ToolBox(Protocol):
    """The tools of a bot's workspace."""

    async def tools(self) -> list[Tool]:
        """All tools that may be called, by policy at once or after a person said yes."""

    def decide(self, name: str) -> Literal["allow", "deny", "ask"]:
        """What the workspace's policy says of a tool."""

    async def find(self, name: str) -> Tool | None:
        """The tool of this full name, if the workspace has it and the policy allows it."""

    async def call(
        self, name: str, arguments: Mapping[str, Any], *, timeout: float | None = None
    ) -> ToolResult:
        """Call it. OutsideError when its server is down, slow or breaks; UserError when it does not exist."""


class Sandbox(Protocol):
    """JavaScript, run elsewhere."""

    async def run(
        self, code: str, variables: Mapping[str, Any], message: str, user_id: str
    ) -> dict[str, Any]:
        """The top-level variables that the code changed or added. ScriptError when it fails or is stopped."""


class Gatekeeper(Protocol):
    """Codes and links by which users prove who they are; one per step, bound to its run and conversation."""

    async def issue(
        self, *, challenge: str, provider: str, contact_type: str, contact: str, method: str, ttl: float
    ) -> str:
        """Make a code (or link) good for `ttl` seconds, store its keyed hash, then send it to the contact.

        challenge: an id made by the caller, new for each code. Returns `sent`; `limited` when this contact or
        user had too many, and nothing was sent; `refused` when the provider says that it cannot reach such a
        contact. OutsideError when the provider is down, UserError when it is not set up.
        """

    def hash_of(self, challenge: str) -> str:
        """The keyed hash of what was issued under this id; "" if nothing was."""

    def remembered(self, contact_type: str, since_ms: int) -> str:
        """The contact that this user was last verified with, not before `since_ms`; "" if none."""


class Part(Struct, frozen=True, kw_only=True):
    """A part of a step that the trace tells as a step of its own: one model call or tool call of an agent.

    type: the node type that does the same in a workflow. Of its result, a mapping, the trace tells `text`,
    and `input` and `output` as tokens of `model` if it has them.
    """

    type: str
    label: str
    input: Any


class Draft(Protocol):
    """What a user sees of an answer while it is written."""

    def grow(self, text: str) -> None:
        """All that is written so far. Returns at once; whether and when it is shown is not told."""

    async def close(self) -> str:
        """Show no more; the id of the message that shows it (for `Said.draft`), "" if there is none."""


class OnceJournal(Protocol):
    """Where a step's intents and results are remembered."""

    async def once(
        self, key: str, action: Callable[[], Awaitable[Any]], *, repeatable: bool, part: Part | None = None
    ) -> Any:
        """The remembered result under `key`, or that of `action`, remembered from now on."""


class BotFacts(Struct, frozen=True, kw_only=True):
    """What a node may know about the bot that it runs for."""

    name: str
    system_prompt: str = ""
    timeout: float = 30.0
    max_iterations: int = 50
    pending_message: str = ""
    platforms: frozenset[str] = frozenset({"console"})


@dataclass(slots=True)
class StepLog:
    """What the trace will tell about a step, beside what the engine knows itself. input and output are JSON
    values; they are cut and masked before they are stored."""

    input: Any = None
    output: Any = None
    notes: list[str] = field(default_factory=list)
    tokens_input: int = 0
    tokens_output: int = 0
    model: str = ""
    tool_calls: int = 0
    micro_cents: int | None = None

    def note(self, sentence: str) -> None:
        """Tell something in the trace, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def unknown(self, name: str) -> None:
        """Tell that a template named a variable that is not set."""
        self.note(f"`{{{{{name}}}}}` is not set")

    def count(self, usage: Usage, model: str, micro_cents: int | None = None) -> None:
        """Add a model call's tokens, and what it cost if that is known."""
        if micro_cents is not None:
            self.micro_cents = (self.micro_cents or 0) + micro_cents
        self.tokens_input += usage.input_tokens
        self.tokens_output += usage.output_tokens
        self.model = model


class Step(Struct, frozen=True, kw_only=True):
    """One visit to a node. `execute(data, step)` is entered again from the top after a wait or a crash; work
    with an outside effect goes through `once`, so that it is done once and remembered.

    variables: as they were before the wave, not to be changed. event: what woke a waiting node, else None.
    state: what its last Wait kept. history: the conversation before this message. wired: the handles that
    some edge leaves by. gate: codes and links; None where there is no store behind. draft: of what is said
    next; None where it cannot be shown.
    """

    node_id: str
    variables: Mapping[str, Any]
    message: IncomingMessage
    bot: BotFacts
    llm: ChatModel
    tools: ToolBox
    sandbox: Sandbox
    log: StepLog
    journal: OnceJournal
    now_ms: int
    event: Event | None = None
    state: Any = None
    history: Callable[[], Awaitable[tuple[Turn, ...]]] | None = None
    wired: frozenset[str] = frozenset()
    gate: Gatekeeper | None = None
    draft: Draft | None = None

    async def once(
        self,
        key: str,
        action: Callable[[], Awaitable[Any]],
        *,
        repeatable: bool = False,
        part: Part | None = None,
    ) -> Any:
        """Do `action` once in the life of this step and remember its result, a JSON value.

        Intent is on disk before it acts, the result after. If the process dies in between, a `repeatable`
        action is done again and any other raises InDoubtError when the step is entered again. A `part` is
        told in the trace as a step of its own, as soon as it is done.
        """
        return await self.journal.once(key, action, repeatable=repeatable, part=part)
