"""A file of stories: conversations with a bot, written down, and what should come of each step."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from botctl.duration import Duration
from botctl.expr.comparison import compile_pattern
from botctl.expr.path import ExpressionError
from botctl.section import Section


def _spelled_out(written: object) -> object:
    """A text alone is the whole text that is expected."""
    return {"text": written} if isinstance(written, str) else written


def _as_list(written: object) -> object:
    """One entry alone is a list of one."""
    return written if isinstance(written, list) else [written]


def _as_call(written: object) -> object:
    """`tool` or `tool: {arguments}`."""
    if isinstance(written, str):
        return {"tool": written}
    if isinstance(written, dict) and len(written) == 1:
        [(name, arguments)] = written.items()
        if name != "tool":
            return {"tool": name, "arguments": arguments}
    return written


def _as_decision(written: object) -> object:
    return {"answer": written} if isinstance(written, str) else written


class ExpectedText(Section):
    """A text that should come: exactly, or in part. All that is given must hold."""

    text: str | None = None
    """The whole text. White space at its end does not count."""
    contains: Annotated[list[str], BeforeValidator(_as_list)] = []
    """A part of the text, or several, in any order."""
    lacks: Annotated[list[str], BeforeValidator(_as_list)] = []
    """What must not stand in it."""
    matches: str | None = None
    """A regular expression (RE2) that is found somewhere in it; `^` and `$` are its beginning and its end."""

    @field_validator("matches")
    @classmethod
    def _can_be_read(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                compile_pattern(pattern)
            except ExpressionError as error:
                raise ValueError(f"should be a pattern: {error.message.partition(': ')[2]}") from None
        return pattern


class ExpectedMessage(ExpectedText):
    """A message that the bot should send."""

    buttons: list[str] | None = None
    """The labels of its buttons, all of them, in order."""
    attachments: list[str] | None = None
    """The names (or, without one, the kinds) of its attachments."""
    to: str = ""
    """The user of the story who should get it, if not the one who acts."""


class ExpectedElsewhere(ExpectedText):
    """A message that should go to another channel, or by mail."""

    platform: str = ""
    """Where: telegram, slack, email, ...; anywhere if left out."""
    channel: str = ""
    """The channel's id, or the mail's address; any if left out."""
    buttons: list[str] | None = None
    """The labels of its buttons, all of them, in order."""


class ExpectedHandoff(ExpectedText):
    """A question that a person should have been asked; the text is its reason."""

    node: str = ""
    """The node that asks."""
    reviewers: list[str] | None = None
    """Who may decide."""


class ExpectedCall(Section):
    """A call of a tool."""

    tool: str
    """The tool's full name, `server__tool`."""
    arguments: dict[str, Any] | None = None
    """All of its arguments; any if left out."""


class ExpectedSchedule(ExpectedText):
    """Something that is to be said later."""

    at: str = ""
    """When next, such as 2026-01-02T09:00Z; any time if left out."""
    every: str = ""
    """Its cron expression; any if left out."""
    key: str = ""
    """Its key; any if left out."""


class Decision(Section):
    """What a person answers to the pending handoff."""

    answer: Literal["approve", "reject", "expire"]
    """approve, reject, or expire: nobody answers until its time is over."""
    by: str = ""
    """Who answers; the first of the reviewers if left out."""
    note: str = ""
    """What they say about it."""
    set: dict[str, Any] = {}
    """Variables that they set; of an agent's call `{arguments: {...}}`."""
    node: str = ""
    """The node that asked, if several are pending."""


class Crash(Section):
    """Where the process is killed; it starts again at once, and the story must go on as if nothing was."""

    before: str = ""
    """Before this node did anything."""
    during: str = ""
    """After this node did its work and before that is on disk."""
    after: str = ""
    """Right after what this node did is on disk."""

    @model_validator(mode="after")
    def _one_place(self) -> Crash:
        if sum(map(bool, (self.before, self.during, self.after))) != 1:
            raise ValueError("one of `before`, `during`, `after` is needed, with the id of a node")
        return self


class SentFile(Section):
    """A file that a user sends."""

    kind: Literal["image", "document", "audio", "video", "location", "other"] = "document"
    """image, document, audio, video, location or other."""
    name: str = ""
    """Its name."""
    media_type: str = ""
    """Its media type, such as image/png."""
    size: int = Field(default=0, ge=0)
    """Its size in bytes."""
    refused: str = ""
    """Why the platform did not keep it: `it is larger than 20 MB`."""


class StoryStep(Section):
    """One step: something happens (say, press, code, link, decide, after or until), and what should come of
    it. What is not written is not checked."""

    say: str | None = None
    """A user writes this."""
    press: str | None = None
    """A user presses the button with this label or value."""
    files: list[SentFile] = []
    """Files that come with `say`, or alone."""
    code: Literal["right", "wrong", "expired"] | None = None
    """A user types the code that was sent last: right, a wrong one, or the right one after its time."""
    link: Literal["press", "expired"] | None = None
    """A user presses the link that was sent last, and the button of its page; expired: after its time."""
    decide: Annotated[Decision | None, BeforeValidator(_as_decision)] = None
    """A person decides the pending handoff: approve, reject or expire; or {answer, by, note, set, node}."""
    after: Duration | None = None
    """So much time goes by; whatever is due meanwhile happens, in order."""
    until: str | None = None
    """Time goes by until this moment, such as 2026-01-02T09:00Z."""
    by: str = Field(default="", alias="as")
    """Which of `users` acts; the first if left out."""
    redeliver: bool = False
    """The platform delivers the same message a second time; nothing may happen twice."""
    crash: Crash | None = None
    """The process is killed {before, during or after: node} in this step, and starts again."""

    expect: Annotated[list[Annotated[ExpectedMessage, BeforeValidator(_spelled_out)]] | None,
                      BeforeValidator(_as_list)] = None  # fmt: skip
    """All that the bot says to the users of the story in this step, in order; [] for nothing."""
    elsewhere: Annotated[list[Annotated[ExpectedElsewhere, BeforeValidator(_spelled_out)]] | None,
                         BeforeValidator(_as_list)] = None  # fmt: skip
    """All messages to other channels, and mails, in order; [] for none."""
    path: list[str] | None = None
    """The nodes that run in this step, in order: `node` or `node.handle`; `...` stands for any nodes. A node
    that waits runs in the step in which it begins to wait, and again in each that wakes it; a loop runs once,
    before its turns. Of a bot that was delegated to: `bot/node`."""
    called: Annotated[list[Annotated[ExpectedCall, BeforeValidator(_as_call)]] | None,
                      BeforeValidator(_as_list)] = None  # fmt: skip
    """All calls of tools, in order: `tool` or `tool: {all its arguments}`; [] for none."""
    prompts: Annotated[list[Annotated[ExpectedText, BeforeValidator(_spelled_out)]] | None,
                       BeforeValidator(_as_list)] = None  # fmt: skip
    """What models were asked (the last thing said to them), call by call; [] for no call."""
    variables: dict[str, Any] | None = None
    """Variables of the run after this step, by dotted path: `order.status: shipped`; null: not set."""
    handoff: Annotated[list[Annotated[ExpectedHandoff, BeforeValidator(_spelled_out)]] | None,
                       BeforeValidator(_as_list)] = None  # fmt: skip
    """The handoffs that were raised, by their reasons; [] for none."""
    tickets: Annotated[list[Annotated[ExpectedText, BeforeValidator(_spelled_out)]] | None,
                       BeforeValidator(_as_list)] = None  # fmt: skip
    """The tickets that were made, by their subjects; [] for none."""
    schedules: Annotated[list[Annotated[ExpectedSchedule, BeforeValidator(_spelled_out)]] | None,
                         BeforeValidator(_as_list)] = None  # fmt: skip
    """All that is to be said later, after this step, soonest first; [] for nothing."""
    status: Literal["completed", "waiting", "error", "budget", "cancelled", "ignored"] | None = None
    """What became of the run of this step, or that its message was ignored."""
    error: Annotated[ExpectedText | None, BeforeValidator(_spelled_out)] = None
    """The run's error, or why the message was ignored."""
    most_tokens: int | None = Field(default=None, ge=0)
    """The most tokens that this step may cost."""
    most_cents: float | None = Field(default=None, ge=0)
    """The most cents that this step may cost."""

    @model_validator(mode="after")
    def _one_action(self) -> StoryStep:
        actions = [name for name in ACTIONS if getattr(self, name) is not None]
        if not actions and not self.files:
            raise ValueError("one of `say`, `press`, `code`, `link`, `decide`, `after`, `until` is needed")
        if len(actions) > 1:
            raise ValueError(f"`{actions[0]}` and `{actions[1]}` stand in one step: make two steps of them")
        return self


ACTIONS = ("say", "press", "code", "link", "decide", "after", "until")


class StoryUser(Section):
    """Somebody who talks to the bot."""

    id: str = ""
    """Their id on the platform; the name in the story if left out."""
    platform: str = ""
    """Where they write from; the story's platform if left out."""
    channel: str = ""
    """The channel they write in; their own if left out."""
    thread: str = ""
    """The thread in it."""
    name: str = ""
    """How they are called there (`user_name`)."""
    bot: str = ""
    """The bot they talk to, if it is not the file's."""
    verified: dict[Literal["email", "phone"], str] = {}
    """Contacts by which they were verified when the story begins, for auth_gates that `remember`."""


class ToolStub(Section):
    """How a tool answers instead of the real one. The first stub of a tool that fits answers. With no
    `result`, `error`, `down` or `silent` it gives null."""

    arguments: dict[str, Any] | None = None
    """Fits only calls that have these arguments with these values, whatever else they have."""
    times: int | None = Field(default=None, ge=1)
    """Fits so many times and then no more."""
    result: Any = None
    """What it gives: any JSON."""
    error: str | None = None
    """The tool says that it failed, in these words."""
    down: bool = False
    """Its server cannot be reached: nothing was done."""
    silent: bool = False
    """No answer comes before the timeout: nobody knows whether anything was done."""
    takes: Duration | None = None
    """How long it takes to answer; longer than the timeout is as if it were silent."""


Stubs = Annotated[list[ToolStub], BeforeValidator(_as_list)]


class Given(Section):
    """What holds in a story, or in all stories of a file."""

    now: str = ""
    """What time it is when a story begins, such as 2026-01-05T09:00Z (a Monday)."""
    platform: str = ""
    """Where users write from unless they say otherwise: console, telegram, slack, ..."""
    env: dict[str, str] = {}
    """Environment variables. Others are not set. `<folder>` in a value is the story's own empty folder."""
    users: dict[str, StoryUser | None] = {}
    """Who talks to the bot, by name; one `user` if left out."""
    models: Literal["script"] | list[dict[str, Any]] | None = None
    """What models answer: a list of entries like those of the scripted provider, the first that fits answers;
    or `script` to use the bot's own script."""
    codes: Literal["sent", "down", "refused", "silent"] | None = None
    """What becomes of codes and links that an auth_gate sends: they are `sent`; the provider is `down`, has
    `refused` the contact, or is `silent`."""
    tools: Literal["real"] | dict[str, Literal["real"] | Stubs] = {}
    """What tools give, by full name `server__tool`; `server: real` uses a local server of the workspace,
    `real` all of them."""


class Story(Given):
    """A conversation from its beginning. Its own stubs come before those of the file."""

    name: str = Field(min_length=1)
    """A sentence that could be false: `a small refund is paid at once`."""
    steps: list[StoryStep] = Field(min_length=1)
    """What happens, and what should come of it."""


class StoryFile(Given):
    """bots/<bot>/tests/*.yaml: stories, each in a world of its own."""

    bot: str = ""
    """The bot, if it is not the one in whose folder the file is."""
    stories: list[Story] = Field(min_length=1)
    """The stories."""
