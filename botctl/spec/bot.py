"""bot.yaml: who answers, where, with which model, workspace and workflow."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from botctl.duration import Duration
from botctl.section import Section

Dollars = Annotated[float, Field(ge=0, le=1_000_000)]


def _address(written: str) -> str:
    if written and "${" not in written and not written.lower().startswith(("https://", "http://")):
        raise ValueError("should be an address that starts with https:// or http://")
    return written


Address = Annotated[str, AfterValidator(_address)]


class FallbackModel(Section):
    """A model that is asked when the one before it is down."""

    provider: str
    """anthropic, openai, google, groq, cloudflare, custom or scripted."""
    model: str = ""
    """The model's name as the provider writes it; the provider's default if left out."""
    api_key: str = ""
    """The key, as `${NAME}`; the provider's usual variable if left out."""
    base_url: Address = ""
    """Where the provider's API is, if not at its usual address."""
    account_id: str = ""
    """The account at a provider that wants one (cloudflare); its usual variable if left out."""
    price: dict[str, Dollars] | None = None
    """What a model without a known price costs: {input: dollars, output: dollars} per million tokens."""


class ModelSection(Section):
    """`llm`: which model answers."""

    provider: str
    """anthropic, openai, google, groq, cloudflare, custom or scripted."""
    model: str = ""
    """The model's name as the provider writes it; the provider's default if left out."""
    api_key: str = ""
    """The key, as `${NAME}`; the provider's usual variable (OPENAI_API_KEY, ...) if left out."""
    base_url: Address = ""
    """Where the provider's API is, if not at its usual address; needed for `custom`."""
    account_id: str = ""
    """The account at a provider that wants one (cloudflare); its usual variable if left out."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """How freely the model answers, 0 to 2; left to the node or the model if not given."""
    max_tokens: int = Field(default=8192, ge=1, le=10_000_000)
    """The longest answer, in tokens."""
    timeout: Duration = 30.0
    """How long one call may take."""
    script: str = ""
    """The scripted provider's file of answers, relative to bot.yaml."""
    price: dict[str, Dollars] | None = None
    """What a model without a known price costs: {input: dollars, output: dollars} per million tokens."""
    fallback: list[FallbackModel] = []
    """Models to ask, in order, when this one is down."""


class ConversationSection(Section):
    """`conversation`: how long a conversation is remembered."""

    max_messages: int = Field(default=20, ge=1)
    """How many of the last messages the model sees."""
    ttl: Duration = 86400.0
    """After this long without messages a conversation ends by itself."""


class HandoffSection(Section):
    """`handoff`: who is asked when a person must decide, and for how long."""

    notify: list[dict[str, Any]] = []
    """Whom to tell: a list such as `- email: finance@example.com` or `- telegram: "12345"`."""
    escalate: list[dict[str, Any]] = []
    """Whom to tell when nobody decided in time for the reminder."""
    reviewers: list[str] = []
    """Who may decide; anybody who is told if left out."""
    expires: Duration = 86400.0
    """After this long without a decision a handoff expires."""
    remind: Duration | None = None
    """After this long without a decision the reviewers are told again."""
    pending_message: str = "A person is looking at this. You will hear from us here."
    """Said once to a user who writes while a decision is pending."""
    allow_self: bool = False
    """Whether the person who caused a handoff may decide it."""
    while_waiting: Literal["hold", "new_run"] = "hold"
    """What an agent bot does with messages that come while a decision is pending."""


class LimitsSection(Section):
    """`limits`: bounds on one run and on what it may spend."""

    max_nodes: int = Field(default=50, ge=1, le=1000)
    """Node executions outside loops, per run."""
    max_iterations: int = Field(default=50, ge=1, le=50)
    """Iterations of one loop."""
    max_loop_nodes: int = Field(default=1000, ge=1, le=10000)
    """Node executions inside loops, per run."""
    concurrent_runs: int = Field(default=200, ge=1)
    """Conversations of this bot that are worked on at the same time."""
    max_file_mb: float = Field(default=20.0, gt=0, le=2000)
    """The largest file that is taken with a message, in megabytes."""
    file_types: list[str] = ["image/*", "audio/*", "video/*", "text/*", "application/*"]
    """Media types of files that are taken, as patterns."""


class BillingSection(Section):
    """`billing`: who pays, and how much at most."""

    mode: Literal["byok", "wallet"] = "byok"
    """byok: your own keys, only counted; wallet: a prepaid balance that conversations draw on."""
    per_run_cents: float | None = Field(default=None, ge=0)
    """The most that one run may cost, in cents."""
    per_conversation_cents: float | None = Field(default=None, ge=0)
    """The most that one conversation may cost, in cents."""
    per_user_day_cents: float | None = Field(default=None, ge=0)
    """The most that one user may cost per day, in cents."""
    per_month_cents: float | None = Field(default=None, ge=0)
    """The most that this bot may cost per month, in cents."""
    spending_cap_cents: float | None = Field(default=None, ge=0)
    """The most that this bot may ever cost, in cents."""
    cap_message: str = "I have reached my limit for now. Please try again later."
    """Said when a cap was reached."""


class AllowSection(Section):
    """`allow`: who may talk to the bot; everybody if left out."""

    users: list[str] = []
    """User ids that may talk to the bot."""
    channels: list[str] = []
    """Channel ids in which the bot answers."""


class BotSpec(Section):
    """A bot as written in bot.yaml."""

    id: str = ""
    """A second name by which other bots may delegate to it, such as an exported `bt_...` id."""
    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """The bot's name: what `botctl run` is given."""
    description: str = ""
    """One sentence for people."""
    workspace: str = ""
    """The workspace whose tools it may use: a file `workspaces/<name>.yaml`."""
    system_prompt: str = ""
    """What the model is told before every conversation."""
    workflow: str = ""
    """The workflow file, relative to bot.yaml; without one the bot is an agent loop."""
    workflow_enabled: bool = True
    """false sends messages to the agent loop although there is a workflow."""
    llm: ModelSection | None = None
    """The model."""
    max_loop_iterations: int = Field(default=10, ge=1, le=50)
    """Rounds of tool calls of the agent loop."""
    timeout: Duration = 30.0
    """How long one turn of work may take."""
    conversation: ConversationSection = Field(default_factory=ConversationSection)
    """How long a conversation is remembered."""
    welcome_message: str = ""
    """Said on the first contact with a user."""
    fallback_message: str = "Sorry, something went wrong on our side. Please try again."
    """Said when a run fails."""
    platforms: dict[str, dict[str, Any] | None] = {}
    """Where it talks: telegram, discord, slack, whatsapp, custom, console; the terminal if left out."""
    handoff: HandoffSection = Field(default_factory=HandoffSection)
    """Who is asked when a person must decide."""
    identity: dict[str, dict[str, Any]] = {}
    """Settings of the providers that auth_gate sends codes with, by provider."""
    limits: LimitsSection = Field(default_factory=LimitsSection)
    """Bounds on one run."""
    billing: BillingSection = Field(default_factory=BillingSection)
    """Who pays, and how much at most."""
    allow: AllowSection = Field(default_factory=AllowSection)
    """Who may talk to it."""
    delegate: list[str] = []
    """Bots that an agent bot may call as tools."""
