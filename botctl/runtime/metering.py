"""The meter: no model is asked before the most that it can cost is held, and what it did cost is booked."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from botctl.clock import Clock
from botctl.errors import OutsideError, UserError
from botctl.llm.budget import OverBudgetError
from botctl.llm.chat import ChatModel, ChatReply, ChatRequest
from botctl.llm.pricing import Tariff, format_money, from_cents, load_prices
from botctl.llm.provider import Provider
from botctl.llm.retry import RetryingModel
from botctl.spec.bot import BillingSection, ModelSection
from botctl.store import usage
from botctl.store.database import Database
from botctl.store.usage import Call, Caps, Counted, Passed, Payer

logger = logging.getLogger(__name__)

Connected = Callable[[], Awaitable[ChatModel]]
"""Gives a model that is connected, at once or when its SDK is imported."""

_SCOPES = {
    "run": ("this run", "per_run_cents"),
    "conversation": ("this conversation", "per_conversation_cents"),
    "user_day": ("this user today", "per_user_day_cents"),
    "month": ("bot `{bot}` this month", "per_month_cents"),
    "bot": ("bot `{bot}`", "spending_cap_cents"),
}


class Meter:
    """The meter of a process: all bots' models are read by it. It remembers which models it warned about."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self._warned: set[tuple[str, str]] = set()
        self._loading: asyncio.Future[None] | None = None

    def model(
        self, connected: Connected, tariff: Tariff, payer: Payer, billing: BillingSection
    ) -> MeteredModel:
        """A model for one step of a run."""
        return MeteredModel(self, connected, tariff, payer, billing)

    async def recover(self, runner: str) -> int:
        """At the start of a runner: book what a dead process had held; how many calls."""
        return await self.database.write(lambda connection: usage.recover(connection, runner))

    async def ready(self) -> None:
        """Read the price tables, once, off the event loop."""
        if self._loading is None:
            self._loading = asyncio.ensure_future(asyncio.to_thread(load_prices))
        await asyncio.shield(self._loading)

    def warn(self, tariff: Tariff, model: str, bot: str) -> None:
        """Say once per model that its price is not known."""
        if (tariff.provider, model) not in self._warned:
            self._warned.add((tariff.provider, model))
            logger.warning(
                "the price of `%s` (%s) is not known, so what bot `%s` spends on it is not counted; set"
                " `llm.price` in its bot.yaml",
                *(model, tariff.provider, bot),
            )


class MeteredModel:
    """A model for one step: each try of each call is held before it is made and booked after.

    reply raises OverBudgetError when a cap or the wallet would not allow the most that the call can cost, and
    UserError when there is one and no price is known. The reply's micro_cents are those of all its tries that
    may have been billed; None when the price is not known.
    """

    def __init__(
        self, meter: Meter, connected: Connected, tariff: Tariff, payer: Payer, billing: BillingSection
    ) -> None:
        self._meter = meter
        self._connected = connected
        self._tariff = tariff
        self._payer = payer
        self._cap_message = billing.cap_message
        self._caps = caps_of(billing)

    async def reply(self, request: ChatRequest) -> ChatReply:
        """See `ChatModel.reply`."""
        await self._meter.ready()
        model, tally = await self._connected(), _Tally()

        def each(one: ChatModel) -> ChatModel:
            return _MeteredTry(self, one, tally)

        tried = model.around(each) if isinstance(model, RetryingModel) else each(model)
        reply = await tried.reply(request)
        cost = None if tally.is_unknown else tally.micro_cents
        return replace(reply, micro_cents=cost, notes=(*tally.notes, *reply.notes))

    async def close(self) -> None:
        """Nothing: the model stays connected for other steps."""

    async def hold(self, request: ChatRequest) -> _Held:
        """Hold the most that a request can cost, if there is anything that limits it."""
        call = Call(
            payer=self._payer,
            provider=self._tariff.provider,
            model=self._tariff.model_of(request),
            at=self._meter.clock.now_ms(),
        )
        if not self._caps.bind:
            return _Held(call, 0, 0)
        most = self._tariff.most(request, call.at)
        if most is None:
            raise self._priceless(call)
        found: list[int | Passed] = []
        writing = self._meter.database.write(
            lambda connection: found.append(usage.reserve(connection, call, self._caps, most))
        )
        is_held = False
        try:
            await writing
            is_held = True
        finally:
            if not is_held:  # cancelled: it is held nevertheless, or will be before this is written
                self.book(lambda connection: _release(connection, found))
        if isinstance(found[0], Passed):
            raise self._over(found[0], call, most)
        return _Held(call, found[0], most)

    def counted(self, request: ChatRequest, reply: ChatReply, call: Call) -> Counted:
        """What an answer came to."""
        cost = self._tariff.cost_of_reply(request, reply.model, reply.usage, call.at)
        if cost is None and not self._caps.bind:
            self._meter.warn(self._tariff, call.model, call.payer.bot)
        return Counted(
            model=reply.model or call.model,
            tokens_input=reply.usage.input_tokens,
            tokens_output=reply.usage.output_tokens,
            micro_cents=cost,
        )

    def book(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Write in the next transaction; not awaited, so that it also happens for a call that is cancelled.

        Whatever the step writes next is written behind it, and shares its commit or comes later.
        """
        self._meter.database.write(work).add_done_callback(_tell_failure)

    def _priceless(self, call: Call) -> UserError:
        what = "draws on a wallet" if self._caps.from_wallet else "has a cap on what it may spend"
        return UserError(
            f"the price of model `{call.model}` of {call.provider} is not known, and bot `{call.payer.bot}`"
            f" {what}",
            help="set `llm.price: {input: ..., output: ...}` in bot.yaml, in dollars per million tokens",
        )

    def _over(self, passed: Passed, call: Call, most: int) -> OverBudgetError:
        needs = f"a call of `{call.model}` may cost {format_money(most)}"
        if passed.scope == "wallet":
            free = format_money(passed.cap - passed.reserved)
            return OverBudgetError(
                f"over budget: {needs}, and the wallet of bot `{call.payer.bot}` has {free} left",
                help=f"`botctl wallet deposit {call.payer.bot} <amount>`, or a smaller `max_tokens`",
                cap_message=self._cap_message,
            )
        who, field_name = _SCOPES[passed.scope]
        left = format_money(max(0, passed.cap - passed.spent - passed.reserved))
        return OverBudgetError(
            f"over budget: {needs}, and {who.format(bot=call.payer.bot)} has {left} left of"
            f" {format_money(passed.cap)}",
            help=f"raise `billing.{field_name}` in bot.yaml, or lower `max_tokens`",
            cap_message=self._cap_message,
        )


@dataclass
class _Tally:
    """What the tries of one call came to, so far."""

    micro_cents: int = 0
    is_unknown: bool = False
    notes: list[str] = field(default_factory=list)


class _Held(Struct, frozen=True):
    """A call with what is held for it, in micro-cents; reservation 0: nothing is, for nothing limits it."""

    call: Call
    reservation: int
    most: int


class _MeteredTry:
    """One try of a call: held, made, booked."""

    def __init__(self, metered: MeteredModel, model: ChatModel, tally: _Tally) -> None:
        self._metered = metered
        self._model = model
        self._tally = tally

    async def reply(self, request: ChatRequest) -> ChatReply:
        held = await self._metered.hold(request)
        counted: Counted | None = Counted(model=held.call.model, in_doubt=True)  # until it is known better
        try:
            reply = await self._model.reply(request)
            counted = self._metered.counted(request, reply, held.call)
        except OutsideError as error:
            if error.not_executed:
                counted = None
            raise
        except UserError:  # the service refused the key or the request: it did not act on it
            counted = None
            raise
        finally:  # also when it is cancelled
            if held.reservation:
                self._settle(held, counted)
            elif counted is not None and not counted.in_doubt:
                self._record(held.call, counted)
        return reply

    async def close(self) -> None:
        await self._model.close()

    def _record(self, call: Call, counted: Counted) -> None:
        self._metered.book(lambda connection: usage.record(connection, call, counted))
        self._tally.micro_cents += counted.micro_cents or 0
        self._tally.is_unknown |= counted.micro_cents is None

    def _settle(self, held: _Held, counted: Counted | None) -> None:
        tally, number = self._tally, held.reservation
        if counted is None:
            self._metered.book(lambda connection: usage.release(connection, number))
            return
        self._metered.book(lambda connection: usage.settle(connection, number, counted))
        cost = counted.micro_cents
        if cost is None:
            why = "no answer came" if counted.in_doubt else "the provider did not count the tokens of a call"
            told = f"{why}: booked at the most it can have cost, {format_money(held.most)}"
            tally.notes.append(told)
            logger.warning("`%s` for bot `%s`: %s", held.call.model, held.call.payer.bot, told)
            cost = held.most
        elif cost > held.most:
            told = (
                f"`{held.call.model}` cost {format_money(cost)}, more than the {format_money(held.most)} held"
            )
            tally.notes.append(f"{told} for it")
            logger.warning("%s for a call of bot `%s`", told, held.call.payer.bot)
        tally.micro_cents += cost


def tariff_of(section: ModelSection, provider: Provider, base_url: str) -> Tariff:
    """What is known of the price of a bot's model. base_url: resolved; "" for the provider's usual one."""
    return Tariff(
        provider=provider.name,
        model=section.model or provider.default_model,
        base_url=base_url,
        max_tokens=section.max_tokens,
        price=section.price,
    )


def caps_of(billing: BillingSection) -> Caps:
    """The caps of a bot, in micro-cents."""

    def cap(cents: float | None) -> int | None:
        return None if cents is None else from_cents(cents)

    return Caps(
        per_run=cap(billing.per_run_cents),
        per_conversation=cap(billing.per_conversation_cents),
        per_user_day=cap(billing.per_user_day_cents),
        per_month=cap(billing.per_month_cents),
        spending_cap=cap(billing.spending_cap_cents),
        from_wallet=billing.mode == "wallet",
    )


def _release(connection: sqlite3.Connection, found: list[int | Passed]) -> None:
    for one in found:
        if isinstance(one, int):
            usage.release(connection, one)


def _tell_failure(written: asyncio.Future[None]) -> None:
    if not written.cancelled() and written.exception() is not None:
        logger.error("what a model call cost could not be written: %s", written.exception())
