"""Rules about the model of a bot: there is one, it can do what is asked of it, and what it costs is known."""

from __future__ import annotations

from collections.abc import Iterator

from botctl.duration import format_duration
from botctl.lint.addresses import leads_to_this_machine
from botctl.lint.bot_site import BotSite
from botctl.llm.chat import Usage
from botctl.llm.pricing import Tariff
from botctl.llm.provider import Provider
from botctl.llm.providers import PROVIDERS
from botctl.source.rule import Finding, Rule
from botctl.source.span import Path
from botctl.spec.bot import BillingSection, FallbackModel, ModelSection
from botctl.spec.fields import one_of

_PROVIDERS = {name: provider for provider in PROVIDERS for name in (provider.name, *provider.aliases)}
_PUBLIC = ("telegram", "discord", "whatsapp")
_CAPS = (
    "per_run_cents",
    "per_conversation_cents",
    "per_user_day_cents",
    "per_month_cents",
    "spending_cap_cents",
)
_LATE_MS = 4_000_000_000_000
"""Late enough for every price in the tables to hold already."""


def check_has_model(site: BotSite) -> Iterator[Finding]:
    """A bot that needs a model and has none.

    Without a `workflow` the model answers every message, and an llm_call in a workflow asks it. Without `llm`
    each of them fails.

    Bad:

    ```yaml
    name: demo
    system_prompt: You are kind.
    ```

    Good:

    ```yaml
    name: demo
    system_prompt: You are kind.
    llm: {provider: anthropic}
    ```
    """
    if site.spec.llm is not None:
        return
    if site.is_agent:
        at: Path = ("workflow_enabled",) if site.spec.workflow else ("name",)
        yield Finding(
            f"bot `{site.spec.name}` has neither a workflow nor a model",
            at=at,
            label="nothing here can answer",
            help="add `workflow: workflow.yaml`, or `llm: {provider: ...}`",
        )
    elif asking := _asking(site):
        yield Finding(
            f"the workflow of bot `{site.spec.name}` asks a model, and the bot has none",
            at=("workflow",),
            label=f"asked by {one_of(asking[:5], 'and')}",
            help="add `llm: {provider: ...}`",
        )


def check_can_call_tools(site: BotSite) -> Iterator[Finding]:
    """A model that cannot call tools, for an agent that has some.

    Models at Cloudflare are asked without tools, so the agent would never look anything up. In a workflow
    they do well: there mcp_tool nodes call the tools.

    Bad:

    ```yaml
    name: demo
    workspace: careful
    llm: {provider: cloudflare}
    ```

    Good:

    ```yaml
    name: demo
    workspace: careful
    llm: {provider: groq}
    ```
    """
    if not site.is_agent or not _has_tools(site):
        return
    for section, at in _models(site):
        provider = _PROVIDERS.get(section.provider)
        if provider is not None and not provider.supports_tools:
            yield Finding(
                f"models of `{provider.name}` cannot call the tools of this agent",
                at=(*at, "provider"),
                label="asked without tools",
                help="use another provider, or give the bot a workflow that calls its tools",
            )


def check_has_cap(site: BotSite) -> Iterator[Finding]:
    """A bot that can cost without bound.

    Its model is paid for by the token, anybody may write to it, and `billing` bounds nothing: whoever writes
    enough decides what it costs.

    Bad:

    ```yaml
    name: demo
    llm: {provider: openai}
    platforms: {telegram: {token: "${TELEGRAM_BOT_TOKEN}"}}
    ```

    Good:

    ```yaml
    name: demo
    llm: {provider: openai}
    platforms: {telegram: {token: "${TELEGRAM_BOT_TOKEN}"}}
    billing: {per_user_day_cents: 50}
    ```
    """
    spec = site.spec
    public = [name for name in _PUBLIC if name in spec.platforms]
    if not public or _is_bounded(spec.billing) or spec.allow.users or spec.allow.channels:
        return
    for section, at in _models(site) if site.is_agent or _asking(site) else ():
        provider = _PROVIDERS.get(section.provider)
        if provider is not None and _is_paid(provider, section):
            yield Finding(
                f"anybody on {one_of(public, 'and')} can make bot `{spec.name}` cost without bound",
                at=(*at, "provider"),
                label="paid by the token",
                help="add `billing: {per_user_day_cents: 50}` or another cap, or `allow`: who may write",
            )
            return


def check_price(site: BotSite) -> Iterator[Finding]:
    """A cap, and a model whose price is not known.

    Under a cap, or with a wallet, a call is only made once it is known what it can cost at most. Without a
    known price every one is refused.

    Bad:

    ```yaml
    name: demo
    llm: {provider: custom, base_url: "https://llm.example.com/v1", model: our-own}
    billing: {per_run_cents: 5}
    ```

    Good:

    ```yaml
    name: demo
    llm:
      provider: custom
      base_url: "https://llm.example.com/v1"
      model: our-own
      price: {input: 0.5, output: 1.5}
    billing: {per_run_cents: 5}
    ```
    """
    for section, at in _models(site) if _is_bounded(site.spec.billing) else ():
        provider = _PROVIDERS.get(section.provider)
        if (
            provider is None
            or section.price is not None
            or provider.name == "scripted"
            or "${" in section.model + section.base_url
        ):
            continue
        model = section.model or provider.default_model
        tariff = Tariff(provider=provider.name, model=model, base_url=section.base_url)
        if tariff.cost(model, Usage(input_tokens=1, output_tokens=1), _LATE_MS) is None:
            named = f"`{model}` of `{provider.name}`" if model else f"the model of `{provider.name}`"
            yield Finding(
                f"the price of {named} is not known, so a cap refuses every call",
                at=(*at, "model" if section.model else "provider"),
                label="not in the list of prices",
                help="add `price: {input: ..., output: ...}`, in dollars per million tokens",
            )


def check_price_fields(site: BotSite) -> Iterator[Finding]:
    """A price that is not complete.

    `price` has `input` and `output`, in dollars per million tokens, 0 or more.

    Bad:

    ```yaml
    name: demo
    llm: {provider: openai, model: our-own, price: {input: 0.5}}
    ```

    Good:

    ```yaml
    name: demo
    llm: {provider: openai, model: our-own, price: {input: 0.5, output: 1.5}}
    ```
    """
    for section, at in _models(site):
        price = section.price
        if price is not None and (set(price) != {"input", "output"} or min(price.values()) < 0):
            yield Finding(
                "a price needs `input` and `output`, 0 or more, and nothing else",
                at=(*at, "price"),
                label="not both of them, or less than 0",
                help="write it like {input: 0.5, output: 1.5}, in dollars per million tokens",
            )


def check_timeout(site: BotSite) -> Iterator[Finding]:
    """A model that may take longer than the turn it is asked in.

    All that a bot does about one message is one turn, and `timeout` of the bot bounds it: 30 seconds if left
    out. A `timeout` of the model that is longer never comes to pass: the turn is over before.

    Bad:

    ```yaml
    name: demo
    llm: {provider: scripted, script: script.yaml, timeout: 2m}
    ```

    Good:

    ```yaml
    name: demo
    llm: {provider: scripted, script: script.yaml, timeout: 2m}
    timeout: 5m
    ```
    """
    model = site.spec.llm
    if model is None or "timeout" not in model.model_fields_set or model.timeout <= site.spec.timeout:
        return
    own, turn = format_duration(model.timeout), format_duration(site.spec.timeout)
    yield Finding(
        f"the model may take {own}, and the whole turn {turn}",
        at=("llm", "timeout"),
        label="the turn is over before",
        help=f"write a shorter one, or `timeout: {format_duration(2 * model.timeout)}` for the bot",
    )


def _asking(site: BotSite) -> list[str]:
    """The nodes of the workflow that ask the model."""
    nodes = site.graph.nodes.values() if site.graph is not None else ()
    return [node.id for node in nodes if node.type.name == "llm_call"]


def _models(site: BotSite) -> list[tuple[ModelSection | FallbackModel, Path]]:
    """The declared model and its fallbacks, each with its place."""
    if site.spec.llm is None:
        return []
    fallback = [(one, ("llm", "fallback", i)) for i, one in enumerate(site.spec.llm.fallback)]
    return [(site.spec.llm, ("llm",)), *fallback]


def _has_tools(site: BotSite) -> bool:
    """Whether the agent surely may call something."""
    tools = site.around.tools or {}
    callable_ones = [name for name in tools if site.around.decide(name) != "deny"]
    return bool(callable_ones or site.around.unlocked or site.spec.delegate)


def _is_bounded(billing: BillingSection) -> bool:
    return billing.mode == "wallet" or any(getattr(billing, cap) is not None for cap in _CAPS)


def _is_paid(provider: Provider, section: ModelSection | FallbackModel) -> bool:
    """Whether calls surely cost something: `custom` may be a model of one's own."""
    if provider.name in ("scripted", "custom") or leads_to_this_machine(section.base_url):
        return False
    return section.price is None or any(section.price.values())


HAS_MODEL = Rule(code="BT211", severity="error", check=check_has_model, doc=check_has_model.__doc__)
CAN_CALL = Rule(code="BT212", severity="error", check=check_can_call_tools, doc=check_can_call_tools.__doc__)
HAS_CAP = Rule(code="CS301", severity="warning", check=check_has_cap, doc=check_has_cap.__doc__)
PRICE = Rule(code="CS302", severity="error", check=check_price, doc=check_price.__doc__)
PRICE_FIELDS = Rule(code="CS303", severity="error", check=check_price_fields, doc=check_price_fields.__doc__)
TIMEOUT = Rule(code="BT218", severity="warning", check=check_timeout, doc=check_timeout.__doc__)
