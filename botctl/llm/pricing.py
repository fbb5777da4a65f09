"""The price of a model call, in micro-cents: a million of them are one cent, so that every price is whole."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Any

import msgspec
from msgspec import Struct

from botctl.clock import to_datetime
from botctl.errors import UserError
from botctl.llm.chat import ChatRequest, Usage

MICRO_CENTS_PER_CENT = 1_000_000
_PER_DOLLAR = 100 * MICRO_CENTS_PER_CENT
_PER_DOLLAR_AND_MILLION_TOKENS = 100
# What a provider puts around a request before it counts. Anthropic's tool use adds 290 to 800 tokens by model
# (its pricing page, 2026-11); the others tell nothing, and were never seen above that.
_HIDDEN_TOKENS = 1_000
# A picture counts by its size on the screen, not in bytes: a blank one of 1 kB may be some thousand tokens.
_TOKENS_OF_A_PICTURE = 6_000
_BYTES_OF_AN_UNKNOWN_FILE = 200_000


class Tariff(Struct, frozen=True, kw_only=True):
    """What is known about the price of a bot's model: who is asked, for which model, and at what address.

    price: `{input, output}` in dollars per million tokens, as bot.yaml gives it for this model.
    max_tokens: the longest answer where the request does not say.
    """

    provider: str
    model: str
    base_url: str = ""
    max_tokens: int = 8192
    price: Mapping[str, float] | None = None

    def model_of(self, request: ChatRequest) -> str:
        """The model that a request goes to."""
        return request.model or self.model

    def cost(self, model: str, usage: Usage, at_ms: int) -> int | None:
        """What these tokens of this model cost at that time, rounded up; None when no price is known.

        `price` of bot.yaml goes first for the model it stands beside, and last for others. The scripted
        provider costs nothing unless `price` says so.
        """
        if self.price is not None and model == self.model:
            return _by_own_price(self.price, usage)
        if self.provider == "scripted" and self.price is None:
            return 0
        listed = _by_list(self, model, usage, at_ms)
        if listed is None and self.price is not None:
            return _by_own_price(self.price, usage)
        return listed

    def cost_of_reply(self, request: ChatRequest, model: str, usage: Usage, at_ms: int) -> int | None:
        """What an answer cost. model: as the provider calls what answered, often with a date; where that has
        no price of its own, it is that of the model that was asked. None when no price is known, or when
        the provider did not count."""
        if usage.input_tokens <= 0 and usage.output_tokens <= 0 and self.provider != "scripted":
            return None
        asked = self.model_of(request)
        if self.price is not None and asked == self.model:
            return _by_own_price(self.price, usage)
        cost = self.cost(model, usage, at_ms) if model else None
        return self.cost(asked, usage, at_ms) if cost is None else cost

    def most(self, request: ChatRequest, at_ms: int) -> int | None:
        """The most that a request can cost: every byte of it a token, and the longest answer. None when no
        price is known."""
        longest = request.max_tokens or self.max_tokens
        usage = Usage(input_tokens=most_input_tokens(request), output_tokens=longest)
        return self.cost(self.model_of(request), usage, at_ms)


def most_input_tokens(request: ChatRequest) -> int:
    """An upper bound of the tokens of a request: a token is at least one byte of what is sent."""
    sent = (request.system, request.turns, request.tools, request.schema)
    tokens = len(msgspec.json.encode(sent))  # names and quotes of it are more than what providers put around
    if request.tools or request.schema is not None:
        tokens += _HIDDEN_TOKENS
    for turn in request.turns:
        for file in turn.attachments:
            size = file.size or _BYTES_OF_AN_UNKNOWN_FILE
            tokens += _TOKENS_OF_A_PICTURE + size * 4 // 3
    return tokens


def _by_own_price(price: Mapping[str, float], usage: Usage) -> int:
    if set(price) != {"input", "output"}:
        raise UserError(
            "`llm.price` needs `input` and `output`, and nothing else",
            help="write `price: {input: 0.5, output: 1.5}`, in dollars per million tokens",
        )
    tokens = {"input": max(0, usage.input_tokens), "output": max(0, usage.output_tokens)}
    total = sum((_decimal(price[kind]) * count for kind, count in tokens.items()), Decimal(0))
    return _whole(total * _PER_DOLLAR_AND_MILLION_TOKENS)


def _decimal(number: float) -> Decimal:
    try:
        found = Decimal(str(number))
    except InvalidOperation:
        found = Decimal(-1)
    if not found.is_finite() or found < 0:
        raise UserError(f"`llm.price` is {number}", help="give dollars per million tokens, 0 or more")
    return found


def _by_list(tariff: Tariff, model: str, usage: Usage, at_ms: int) -> int | None:
    """The price in the tables that genai-prices brings along; it asks nobody (0.2.3).

    A `custom` server is known by its address only: a model's name does not tell what a server takes.
    """
    from genai_prices import Usage as Counted
    from genai_prices import calc_price

    where: dict[str, Any] = {"provider_id": tariff.provider}
    if tariff.provider == "custom":
        if not tariff.base_url:
            return None
        where = {"provider_api_url": tariff.base_url}
    counted = Counted(input_tokens=max(0, usage.input_tokens), output_tokens=max(0, usage.output_tokens))
    try:
        found = calc_price(counted, model, genai_request_timestamp=to_datetime(at_ms), **where)
    except (LookupError, ValueError):
        return None
    if found.model_price.input_mtok is None and found.model_price.output_mtok is None:
        return None  # it is not paid by the token
    return _whole(found.total_price * _PER_DOLLAR)


def _whole(micro_cents: Decimal) -> int:
    return int(micro_cents.to_integral_value(rounding=ROUND_CEILING))


def load_prices() -> None:
    """Read the tables (a fifth of a second); call it off the event loop, before the first price is asked."""
    import genai_prices.data  # noqa: F401


def to_cents(micro_cents: int | None) -> float | None:
    """For JSON: cents, to the last micro-cent."""
    return None if micro_cents is None else micro_cents / MICRO_CENTS_PER_CENT


def from_cents(cents: float) -> int:
    """Cents as a person wrote them."""
    return int((Decimal(str(cents)) * MICRO_CENTS_PER_CENT).to_integral_value())


def format_money(micro_cents: int | None) -> str:
    """Dollars for people: $12.34, $0.0042, and `?` when it is not known."""
    if micro_cents is None:
        return "?"
    sign, dollars = "-" if micro_cents < 0 else "", Decimal(abs(micro_cents)) / _PER_DOLLAR
    if dollars == 0 or dollars >= Decimal("0.1"):
        return f"{sign}${dollars:,.2f}"
    return f"{sign}${dollars:.2g}" if dollars >= Decimal("0.0001") else f"{sign}<$0.0001"
