"""The meter: held before, booked after, whatever the model, the network or the process does in between."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botctl.clock import StandingClock
from botctl.errors import OutsideError, UserError
from botctl.llm.budget import OverBudgetError
from botctl.llm.chat import ChatModel, ChatReply, ChatRequest, Turn, Usage
from botctl.llm.pricing import Tariff, from_cents
from botctl.llm.providers.openai import OPENAI
from botctl.llm.retry import RetryingModel
from botctl.runtime.metering import Meter, MeteredModel, caps_of, tariff_of
from botctl.spec.bot import BillingSection, ModelSection
from botctl.store import usage, usage_report, wallets
from botctl.store.database import Database, open_database
from botctl.store.usage import Payer

T = TypeVar("T")
CENT = 1_000_000
OWN = Tariff(provider="custom", model="mine", max_tokens=1000, price={"input": 0, "output": 10_000})
"""A token of the answer costs a cent, so the most that a call can cost is 1000 cents."""

DOWN = OutsideError("it is silent", retryable=True)
REFUSED = OutsideError("it is asked too often", retryable=True, not_executed=True)


class Model:
    """A model at the border: gives what it is told to, an answer of so many tokens or an error."""

    def __init__(self, *answers: int | OutsideError | UserError, name: str = "mine") -> None:
        self.answers = list(answers)
        self.name = name
        self.asked = 0
        self.was_asked = asyncio.Event()
        self.may_answer: Callable[[], Awaitable[object]] | None = None

    async def reply(self, request: ChatRequest) -> ChatReply:
        self.asked += 1
        self.was_asked.set()
        if self.may_answer:
            await self.may_answer()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not isinstance(answer, int):
            raise answer
        return ChatReply(
            text="x", model=self.name, usage=Usage(input_tokens=min(answer, 1), output_tokens=answer)
        )

    async def close(self) -> None:
        pass


@dataclass
class World:
    """A state, a meter over it, and what was done."""

    database: Database
    meter: Meter
    clock: StandingClock = field(default_factory=StandingClock)

    def model(self, model: ChatModel, tariff: Tariff = OWN, run: str = "r1", **billing: Any) -> MeteredModel:
        async def connected() -> ChatModel:
            return model

        payer = Payer(bot="b", runner="b", run=run, conversation=1, user="console:u")
        return self.meter.model(connected, tariff, payer, BillingSection(**billing))

    async def booked(self) -> tuple[float, float]:
        """(spent, reserved) of the bot in cents, when all that was booked is written."""
        await self.database.write(lambda connection: None)
        found = self.database.read(lambda connection: usage.total_of(connection, "bot", "b", ""))
        return found.spent / CENT, found.reserved / CENT


def live(tmp_path: Path, act: Callable[[World], Awaitable[T]]) -> T:
    async def story() -> T:
        database = await open_database(tmp_path / "state.db")
        try:
            clock = StandingClock()
            return await act(World(database, Meter(database, clock), clock))
        finally:
            await database.close()

    return asyncio.run(story())


def ask(**fields: Any) -> ChatRequest:
    return ChatRequest(turns=(Turn(role="user", text="hello"),), **fields)


def test_a_call_is_held_at_its_most_and_booked_at_what_it_cost(tmp_path: Path) -> None:
    async def act(world: World) -> object:
        model = Model(300)
        during: list[tuple[float, float]] = []

        async def look() -> None:
            during.append(await world.booked())

        model.may_answer = look
        reply = await world.model(model, per_run_cents=1000).reply(ask())
        return during, reply.micro_cents, await world.booked()

    assert live(tmp_path, act) == ([(0, 1000)], 300 * CENT, (300, 0))


def test_at_the_cap_the_model_is_not_asked_and_the_user_hears_the_sentence(tmp_path: Path) -> None:
    async def act(world: World) -> tuple[OverBudgetError, int]:
        model = Model(300)
        metered = world.model(model, per_run_cents=1200, cap_message="No more today.")
        await metered.reply(ask())
        with pytest.raises(OverBudgetError) as caught:
            await metered.reply(ask())
        return caught.value, model.asked

    error, asked = live(tmp_path, act)

    assert (error.cap_message, asked) == ("No more today.", 1)
    assert error.message == (
        "over budget: a call of `mine` may cost $10.00, and this run has $9.00 left of $12.00"
    )
    assert error.help == "raise `billing.per_run_cents` in bot.yaml, or lower `max_tokens`"


def test_parallel_calls_cannot_overshoot_a_cap(tmp_path: Path) -> None:
    async def act(world: World) -> object:
        model = Model(1000)
        calls = [world.model(model, run=f"r{n}", spending_cap_cents=3500).reply(ask()) for n in range(20)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        refused = sum(isinstance(result, OverBudgetError) for result in results)
        return model.asked, refused, await world.booked()

    assert live(tmp_path, act) == (3, 17, (3000, 0))


def test_a_wallet_is_drawn_on_and_an_empty_one_stops_the_bot(tmp_path: Path) -> None:
    async def act(world: World) -> object:
        await world.database.write(lambda connection: wallets.deposit(connection, "b", 1200 * CENT, "", 0))
        metered = world.model(Model(300), mode="wallet")
        await metered.reply(ask())
        with pytest.raises(OverBudgetError, match=r"wallet of bot `b` has \$9\.00 left"):
            await metered.reply(ask())
        return world.database.read(lambda connection: wallets.of_bot(connection, "b"))

    assert live(tmp_path, act) == wallets.Wallet("b", 900 * CENT, 0)


@pytest.mark.parametrize(
    ("error", "spent"),
    [(DOWN, 1000), (REFUSED, 0), (UserError("the key is wrong"), 0)],
    ids=["doubtful", "surely not executed", "refused"],
)
def test_an_error_costs_the_most_unless_the_call_surely_was_not_made(
    tmp_path: Path, error: OutsideError | UserError, spent: float
) -> None:
    async def act(world: World) -> object:
        with pytest.raises(type(error)):
            await world.model(Model(error), per_run_cents=5000).reply(ask())
        return await world.booked()

    assert live(tmp_path, act) == (spent, 0)


def test_each_try_of_a_call_is_held_and_booked_for_itself(tmp_path: Path) -> None:
    async def act(world: World) -> object:
        model = Model(REFUSED, DOWN, 200)
        retrying = RetryingModel(model, world.clock)
        reply = await world.model(retrying, per_run_cents=2000).reply(ask())
        return reply.micro_cents, reply.notes[0], await world.booked()

    assert live(tmp_path, act) == (
        1200 * CENT,
        "no answer came: booked at the most it can have cost, $10.00",
        (1200, 0),
    )


def test_the_second_try_is_not_made_when_only_the_first_fits(tmp_path: Path) -> None:
    async def act(world: World) -> object:
        model = Model(DOWN, 200)
        with pytest.raises(OverBudgetError):
            await world.model(RetryingModel(model, world.clock), per_run_cents=1999).reply(ask())
        return model.asked, await world.booked()

    assert live(tmp_path, act) == (1, (1000, 0))


def test_a_call_that_is_cancelled_is_booked_as_it_was_held(tmp_path: Path) -> None:
    async def act(world: World) -> object:
        model = Model(1)
        model.may_answer = asyncio.Event().wait
        task = asyncio.create_task(world.model(model, per_run_cents=1000).reply(ask()))
        await model.was_asked.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return await world.booked()

    assert live(tmp_path, act) == (1000, 0)


def test_a_call_that_is_cancelled_while_it_is_being_held_leaves_nothing_held(tmp_path: Path) -> None:
    async def act(world: World) -> object:
        model = Model(1)
        await world.meter.ready()
        outcomes = []
        for turns in range(8):
            task = asyncio.create_task(world.model(model, spending_cap_cents=1000).reply(ask()))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            outcomes.append((await world.booked())[1])
        return set(outcomes)

    assert live(tmp_path, act) == {0.0}


def test_an_answer_without_counted_tokens_costs_the_most_under_a_cap_and_is_unknown_without(
    tmp_path: Path,
) -> None:
    async def act(world: World) -> object:
        capped = await world.model(Model(0), per_run_cents=1000).reply(ask())
        free = await world.model(Model(0), run="r2").reply(ask())
        return capped.micro_cents, free.micro_cents, await world.booked()

    assert live(tmp_path, act) == (1000 * CENT, None, (1000, 0))


def test_a_provider_that_counts_more_than_was_foreseen_is_booked_truly_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def act(world: World) -> object:
        reply = await world.model(Model(1500), per_run_cents=1000).reply(ask())
        return reply.notes, await world.booked()

    assert live(tmp_path, act) == (("`mine` cost $15.00, more than the $10.00 held for it",), (1500, 0))
    assert "bot `b`" in caplog.text


@pytest.mark.parametrize("billing", [{"per_month_cents": 1}, {"mode": "wallet"}])
def test_without_a_price_a_bot_with_a_limit_does_not_ask(tmp_path: Path, billing: dict[str, Any]) -> None:
    async def act(world: World) -> int:
        model = Model(1)
        tariff = Tariff(provider="openai", model="unheard-of")
        with pytest.raises(UserError, match="price of model `unheard-of` of openai is not known") as caught:
            await world.model(model, tariff, **billing).reply(ask())
        assert not isinstance(caught.value, OverBudgetError)
        assert caught.value.help is not None and "llm.price" in caught.value.help
        return model.asked

    assert live(tmp_path, act) == 0


def test_without_a_price_and_a_limit_the_cost_is_unknown_with_one_warning_per_model(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def act(world: World) -> object:
        for name in ("unheard-of", "unheard-of", "never-seen"):
            tariff = Tariff(provider="openai", model=name)
            reply = await world.model(Model(1, name=name), tariff).reply(ask())
            assert reply.micro_cents is None
        await world.booked()
        return world.database.read(lambda connection: usage.cost_of_run(connection, "r1"))

    with caplog.at_level(logging.WARNING):
        assert live(tmp_path, act) is None
    assert [record.args[0] for record in caplog.records if record.args] == ["unheard-of", "never-seen"]  # type: ignore[index]


def test_without_a_limit_each_call_is_one_line_of_the_ledger(tmp_path: Path) -> None:
    async def act(world: World) -> object:
        metered = world.model(Model(7))
        await asyncio.gather(metered.reply(ask()), metered.reply(ask()))
        await world.booked()
        return world.database.read(
            lambda connection: usage_report.summed(connection, "model", bot="b", since_ms=0)
        )

    assert live(tmp_path, act) == [
        usage_report.UsageLine(
            key="custom/mine",
            calls=2,
            tokens_input=2,
            tokens_output=14,
            micro_cents=14 * CENT,
            unpriced=0,
            in_doubt=0,
        )
    ]


def test_a_section_of_bot_yaml_gives_the_tariff_and_the_caps() -> None:
    section = ModelSection(provider="openai", max_tokens=5, price={"input": 1, "output": 2})
    billing = BillingSection(mode="wallet", per_run_cents=0.5, spending_cap_cents=300)

    assert tariff_of(section, OPENAI, "") == Tariff(
        provider="openai", model=OPENAI.default_model, max_tokens=5, price={"input": 1, "output": 2}
    )
    assert caps_of(billing) == usage.Caps(per_run=500_000, spending_cap=from_cents(300), from_wallet=True)


@dataclass(frozen=True)
class Plan:
    """A call: when it begins and how long it takes, in turns of the loop; what it asks for and comes to."""

    begins: int
    takes: int
    max_tokens: int
    share: float
    end: str
    run: int


PLANS = st.builds(
    Plan,
    begins=st.integers(0, 20),
    takes=st.integers(0, 20),
    max_tokens=st.integers(1, 1000),
    share=st.floats(0, 1),
    end=st.sampled_from(["answer", "answer", "answer", "silence", "refusal", "cancel"]),
    run=st.integers(0, 2),
)


class Provider:
    """A provider that bills: also what is never answered."""

    def __init__(self, price: float) -> None:
        self.price = price
        self.billed = 0

    def model(self, plan: Plan) -> Model:
        tokens = max(1, round(plan.max_tokens * plan.share))
        model = Model({"silence": DOWN, "refusal": REFUSED}.get(plan.end, tokens))

        async def work() -> None:
            if plan.end != "refusal":
                self.billed += round(tokens * self.price * 100)
            for _ in range(plan.takes):
                await asyncio.sleep(0)
            if plan.end == "cancel":
                await asyncio.Event().wait()

        model.may_answer = work
        return model


async def _begin(world: World, provider: Provider, plan: Plan, tariff: Tariff, caps: dict[str, Any]) -> None:
    for _ in range(plan.begins):
        await asyncio.sleep(0)
    model = provider.model(plan)
    metered = world.model(model, tariff, run=f"r{plan.run}", **caps)
    call = asyncio.ensure_future(metered.reply(ask(max_tokens=plan.max_tokens)))
    if plan.end == "cancel":
        was_asked = asyncio.ensure_future(model.was_asked.wait())
        await asyncio.wait((call, was_asked), return_when=asyncio.FIRST_COMPLETED)
        was_asked.cancel()
        call.cancel()
    await asyncio.gather(call, return_exceptions=True)


@settings(deadline=None, max_examples=60)
@given(
    plans=st.lists(PLANS, min_size=1, max_size=12),
    price=st.floats(0.01, 5_000),
    run_share=st.floats(0.1, 2),
    bot_share=st.floats(0.1, 3),
    crash_after=st.none() | st.integers(1, 8),
)
def test_whatever_runs_at_once_or_crashes_the_bill_is_within_what_was_held_and_that_within_the_caps(
    plans: list[Plan], price: float, run_share: float, bot_share: float, crash_after: int | None
) -> None:
    one = max(0.01, price * 1000 / 10_000)  # what the dearest call comes to, in cents
    caps = {"per_run_cents": one * run_share, "spending_cap_cents": one * bot_share}
    tariff = Tariff(provider="custom", model="mine", price={"input": 0, "output": price})
    provider = Provider(price)

    async def story(folder: Path) -> None:
        database = await open_database(folder / "state.db")
        world = World(database, Meter(database, StandingClock()))
        await world.meter.ready()
        commits, crashed = 0, asyncio.Event()

        def look() -> None:
            nonlocal commits
            commits += 1
            _check(database, caps)
            if commits == crash_after:
                crashed.set()

        database.after_commit = look
        begun = asyncio.gather(*[_begin(world, provider, plan, tariff, caps) for plan in plans])
        waiting = asyncio.ensure_future(crashed.wait())
        await asyncio.wait((begun, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if crashed.is_set() and not begun.done():
            await database.abandon()
            begun.cancel()
            await asyncio.gather(begun, return_exceptions=True)
        else:
            await database.close()
        after = await open_database(folder / "state.db")
        await Meter(after, StandingClock()).recover("b")
        _check(after, caps)
        found = after.read(lambda connection: usage.total_of(connection, "bot", "b", ""))
        await after.close()
        assert found.reserved == 0
        assert provider.billed <= found.spent + len(plans)  # prices are rounded up, bills to the nearest

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(story(Path(folder)))


def _check(database: Database, caps: dict[str, float]) -> None:
    limits = {"run": from_cents(caps["per_run_cents"]), "bot": from_cents(caps["spending_cap_cents"])}
    for scope, key in (("run", "r0"), ("run", "r1"), ("run", "r2"), ("bot", "")):
        found = database.read(
            lambda connection, scope=scope, key=key: usage.total_of(connection, scope, "b", key)  # type: ignore[misc]
        )
        assert found.spent + found.reserved <= limits[scope]
