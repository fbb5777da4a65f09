"""The ledger: what is held and what is booked never pass a cap, whatever happens in between."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botctl.store import usage, usage_report, wallets
from botctl.store.database import connect
from botctl.store.usage import Call, Caps, Counted, Passed, Payer, Total
from tests.store.filled import Filled
from tests.store.plans import plans_of

NEW_YEAR = 1_767_225_600_000  # 2026-01-01T00:00:00Z
DAY = 86_400_000


def call(at: int = NEW_YEAR, model: str = "m", **payer: Any) -> Call:
    fields: dict[str, Any] = {"bot": "b", "runner": "b", "run": "r1", "conversation": 1, "user": "console:u"}
    return Call(payer=Payer(**(fields | payer)), provider="p", model=model, at=at)


def cost(micro_cents: int | None, **more: Any) -> Counted:
    return Counted(model="m", tokens_input=10, tokens_output=2, micro_cents=micro_cents, **more)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / "state.db")) as connection:
        yield connection


def spend(state: sqlite3.Connection, one: Call, amount: int, caps: Caps = Caps()) -> int | Passed:
    """Reserve and, if that is granted, spend all of it."""
    held = usage.reserve(state, one, caps, amount)
    if isinstance(held, int):
        usage.settle(state, held, cost(amount))
    return held


def total(state: sqlite3.Connection, scope: str = "bot", key: str = "") -> tuple[int, int]:
    found = usage.total_of(state, scope, "b", key)
    return found.spent, found.reserved


def test_what_is_held_counts_against_a_cap_until_it_is_settled_or_released(state: sqlite3.Connection) -> None:
    caps = Caps(spending_cap=100)
    first = usage.reserve(state, call(), caps, 60)
    refused = usage.reserve(state, call(), caps, 41)
    fits = usage.reserve(state, call(), caps, 40)
    assert isinstance(first, int) and isinstance(fits, int)
    usage.settle(state, first, cost(25))
    usage.release(state, fits)

    assert refused == Passed("bot", 100, 0, 60)
    assert total(state) == (25, 0)
    assert usage.reserve(state, call(), caps, 76) == Passed("bot", 100, 25, 0)


@pytest.mark.parametrize(
    ("caps", "scope", "same", "other"),
    [
        (Caps(per_run=10), "run", {}, {"run": "r2"}),
        (Caps(per_conversation=10), "conversation", {"run": "r2"}, {"conversation": 2}),
        (
            Caps(per_user_day=10),
            "user_day",
            {"at": NEW_YEAR + DAY - 1, "conversation": 2},
            {"user": "telegram:u"},
        ),
        (Caps(per_user_day=10), "user_day", {}, {"at": NEW_YEAR + DAY}),
        (Caps(per_month=10), "month", {"at": NEW_YEAR + 31 * DAY - 1}, {"at": NEW_YEAR + 31 * DAY}),
        (Caps(per_month=10), "month", {"user": "telegram:u"}, {"at": NEW_YEAR - 1}),
        (Caps(spending_cap=10), "bot", {"at": NEW_YEAR + 4000 * DAY, "run": "r2"}, {"bot": "b2"}),
    ],
)
def test_a_cap_binds_its_own_scope_and_no_other(
    state: sqlite3.Connection, caps: Caps, scope: str, same: dict[str, Any], other: dict[str, Any]
) -> None:
    spend(state, call(), 7, caps)

    assert spend(state, call(**same), 4, caps) == Passed(scope, 10, 7, 0)
    assert isinstance(spend(state, call(**other), 10, caps), int)
    assert isinstance(spend(state, call(**same), 3, caps), int)


def test_the_narrowest_cap_that_would_be_passed_is_told(state: sqlite3.Connection) -> None:
    caps = Caps(per_run=5, per_month=3, from_wallet=True)

    assert [spend(state, call(), amount, caps) for amount in (6, 4, 1)] == [
        Passed("run", 5, 0, 0),
        Passed("month", 3, 0, 0),
        Passed("wallet", 0, 0, 0),
    ]


def test_a_cap_of_nothing_lets_only_what_is_free_pass(state: sqlite3.Connection) -> None:
    caps = Caps(spending_cap=0, from_wallet=True)

    assert (spend(state, call(), 1, caps), type(spend(state, call(), 0, caps))) == (
        Passed("bot", 0, 0, 0),
        int,
    )


def test_a_wallet_holds_pays_and_gives_back(state: sqlite3.Connection) -> None:
    caps = Caps(from_wallet=True)
    wallets.deposit(state, "b", 100, "first", NEW_YEAR)
    paid, held, given_back = (usage.reserve(state, call(), caps, amount) for amount in (30, 40, 20))
    refused = usage.reserve(state, call(), caps, 11)
    usage.settle(state, int(str(paid)), cost(25))
    usage.release(state, int(str(given_back)))

    assert (refused, isinstance(held, int)) == (Passed("wallet", 100, 0, 90), True)
    assert wallets.of_bot(state, "b") == wallets.Wallet("b", 75, 40)


def test_the_truth_is_booked_also_when_it_is_more_than_was_held(state: sqlite3.Connection) -> None:
    wallets.deposit(state, "b", 10, "", NEW_YEAR)
    held = usage.reserve(state, call(), Caps(from_wallet=True, spending_cap=10), 10)
    assert isinstance(held, int)

    usage.settle(state, held, cost(15))

    assert (total(state), wallets.of_bot(state, "b").balance) == ((15, 0), -5)


def test_what_was_not_counted_or_not_answered_is_booked_as_it_was_held(state: sqlite3.Connection) -> None:
    for counted in (cost(None), Counted(model="", in_doubt=True)):
        held = usage.reserve(state, call(), Caps(spending_cap=100), 40)
        assert isinstance(held, int)
        usage.settle(state, held, counted)

    assert total(state) == (80, 0)
    assert [line.in_doubt for line in usage_report.summed(state, "bot", bot=None, since_ms=0)] == [2]


def test_settling_twice_books_once(state: sqlite3.Connection) -> None:
    held = usage.reserve(state, call(), Caps(), 40)
    assert isinstance(held, int)

    for _ in range(2):
        usage.settle(state, held, cost(30))
    usage.release(state, held)

    assert total(state) == (30, 0)


def test_a_runner_that_starts_books_what_a_dead_process_of_its_own_held(state: sqlite3.Connection) -> None:
    caps = Caps(spending_cap=100)
    for runner in ("b", "b", "other"):
        usage.reserve(state, call(runner=runner), caps, 20)

    recovered = [usage.recover(state, "b"), usage.recover(state, "b")]

    assert (recovered, total(state)) == ([2, 0], (40, 20))


def test_what_is_booked_counts_where_and_when_it_was_held(state: sqlite3.Connection) -> None:
    held = usage.reserve(state, call(at=NEW_YEAR - 1), Caps(), 5)
    assert isinstance(held, int)

    usage.settle(state, held, cost(5))

    keys = [("month", "2025-12"), ("user_day", "2025-12-31 console:u"), ("run", "r1"), ("conversation", "1")]
    assert [total(state, *key) for key in keys] == [(5, 0)] * 4
    assert total(state, "month", "2026-01") == (0, 0)


def test_the_cost_of_a_run_is_not_known_when_one_call_has_no_price(state: sqlite3.Connection) -> None:
    for run, amounts in (("known", (3, 4)), ("partly", (3, None)), ("free", ())):
        for amount in amounts:
            usage.record(state, call(run=run), cost(amount))

    assert [usage.cost_of_run(state, run) for run in ("known", "partly", "free")] == [7, None, 0]


def test_reports_sum_by_bot_day_model_and_conversation(state: sqlite3.Connection) -> None:
    usage.record(state, call(), cost(5))
    usage.record(state, call(at=NEW_YEAR + DAY, bot="c", conversation=2), cost(9))
    usage.record(state, call(at=NEW_YEAR + DAY), cost(None))
    usage.record(state, call(at=NEW_YEAR - 1), cost(1000))

    told = {
        by: [
            (line.key, line.calls, line.tokens_input, line.micro_cents, line.unpriced)
            for line in usage_report.summed(state, by, bot=None, since_ms=NEW_YEAR)
        ]
        for by in ("bot", "day", "model", "conversation")
    }

    assert told == {
        "bot": [("c", 1, 10, 9, 0), ("b", 2, 20, 5, 1)],
        "day": [("2026-01-01", 1, 10, 5, 0), ("2026-01-02", 2, 20, 9, 1)],
        "model": [("p/m", 3, 30, 14, 1)],
        "conversation": [("2", 1, 10, 9, 0), ("1", 2, 20, 5, 1)],
    }
    assert [line.key for line in usage_report.summed(state, "bot", bot="c", since_ms=0)] == ["c"]


def test_a_person_is_forgotten_and_the_money_is_not(state: sqlite3.Connection) -> None:
    spend(state, call(), 5)
    spend(state, call(conversation=2, user="telegram:v"), 3)
    usage.reserve(state, call(), Caps(), 2)

    changed = usage.forget(state, "b", 1, "console:u")

    texts = [
        str(row)
        for table in ("usage", "totals", "reservations")
        for row in state.execute(f"SELECT * FROM {table}")
    ]
    assert (changed, total(state), total(state, "conversation", "1")) == (2, (10, 0), (0, 0))
    assert not any("console:u" in text for text in texts)
    assert any("telegram:v" in text for text in texts)


def test_sums_nobody_asks_for_go_and_caps_stay_as_they_are(state: sqlite3.Connection) -> None:
    filled = Filled(state)
    filled.run(filled.message("hello"))
    now = NEW_YEAR + 10 * DAY
    for one in (call(), call(at=now, run="begun"), call(run="run1")):
        spend(state, one, 5)

    gone = usage.drop_totals(state, now)
    pruned = usage.prune(state, now, 1), usage.prune(state, now, 10), usage.prune(state, now, 10)

    left = {(row[0], row[1]) for row in state.execute("SELECT scope, key FROM totals")}
    assert (gone, pruned) == (2, (1, 1, 0))
    assert left == {
        ("run", "begun"), ("run", "run1"), ("conversation", "1"), ("user_day", "2026-01-11 console:u"),
        ("month", "2026-01"), ("bot", ""),
    }  # fmt: skip


def test_no_statement_of_a_call_reads_a_whole_table(state: sqlite3.Connection) -> None:
    def work(connection: sqlite3.Connection) -> None:
        held = usage.reserve(connection, call(), Caps(per_run=10, spending_cap=10, from_wallet=True), 0)
        usage.settle(connection, int(str(held)), cost(0))
        usage.cost_of_run(connection, "r1")
        usage.recover(connection, "b")
        usage.prune(connection, 0, 10)

    plans = plans_of(state, work)

    assert [
        plan for plan in plans if plan.startswith("SCAN") and "CONSTANT" not in plan and "INDEX" not in plan
    ] == []


AMOUNTS = st.integers(0, 60)
CAPS = st.sampled_from([None, None, None, 0, 50, 90, 150])
ACTIONS = st.one_of(
    st.tuples(st.just("reserve"), AMOUNTS, st.integers(0, 7)),
    st.tuples(st.just("reserve"), AMOUNTS, st.integers(0, 7)),
    st.tuples(st.just("settle"), st.floats(0, 1), st.integers(0, 9)),
    st.tuples(st.just("doubt"), st.none(), st.integers(0, 9)),
    st.tuples(st.just("release"), st.none(), st.integers(0, 9)),
    st.tuples(st.just("crash"), st.none(), st.just(0)),
    st.tuples(st.just("deposit"), AMOUNTS, st.just(0)),
)
WHO = [
    call(at=NEW_YEAR + at, run=run, conversation=conversation)
    for at in (0, DAY)
    for run, conversation in (("r1", 1), ("r2", 1), ("r3", 2), ("r4", 2))
]


@settings(deadline=None, max_examples=300)
@given(
    caps=st.builds(
        Caps,
        per_run=CAPS,
        per_conversation=CAPS,
        per_user_day=CAPS,
        per_month=CAPS,
        spending_cap=CAPS,
        from_wallet=st.booleans(),
    ),
    actions=st.lists(ACTIONS, min_size=5, max_size=40),
)
def test_spent_and_held_never_pass_a_cap_in_whatever_order_calls_begin_end_and_crash(
    caps: Caps, actions: list[tuple[str, Any, int]]
) -> None:
    with closing(connect(Path(":memory:"))) as state:
        held: list[tuple[int, int]] = []
        billed = paid_in = 0
        for action, value, which in actions:
            place = which % len(held) if held else 0
            if action == "reserve":
                found = usage.reserve(state, WHO[which], caps, value)
                held += [(found, value)] if isinstance(found, int) else []
            elif action == "deposit":
                wallets.deposit(state, "b", value, "", NEW_YEAR)
                paid_in += value
            elif action == "crash":
                billed += sum(amount for _, amount in held)  # the worst: all of them were answered
                usage.recover(state, "b")
                held = []
            elif held:
                number, amount = held.pop(place)
                if action == "release":
                    usage.release(state, number)
                elif action == "settle":
                    billed += round(amount * value)
                    usage.settle(state, number, cost(round(amount * value)))
                else:
                    billed += amount
                    usage.settle(state, number, Counted(model="", in_doubt=True))
            _check(state, caps, sum(amount for _, amount in held), billed, paid_in)


def _check(state: sqlite3.Connection, caps: Caps, held: int, billed: int, paid_in: int) -> None:
    spent, reserved = total(state)
    assert (reserved, spent) == (held, billed)
    for scope, cap in caps.by_scope().items():
        rows = state.execute("SELECT spent, reserved FROM totals WHERE scope = ?", (scope,))
        sums = [Total(*row) for row in rows]
        assert sum(one.spent for one in sums) == spent
        assert all(cap is None or one.spent + one.reserved <= cap for one in sums)
        assert all(one.reserved >= 0 for one in sums)
    if caps.from_wallet:
        wallet = wallets.of_bot(state, "b")
        assert (wallet.balance, wallet.reserved) == (paid_in - spent, held)
        assert wallet.reserved <= wallet.balance
