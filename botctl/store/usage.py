"""The usage ledger: what every model call cost, and what is held for calls under way, never past a cap."""

from __future__ import annotations

import sqlite3

from msgspec import Struct
from msgspec.structs import astuple

from botctl.clock import to_datetime
from botctl.store import wallets

_DAY_MS = 86_400_000


class Payer(Struct, frozen=True, kw_only=True):
    """For whom a call is made. run: the run's id; conversation: its number; user: `platform:user_id`."""

    bot: str
    runner: str
    run: str
    conversation: int
    user: str


class Caps(Struct, frozen=True, kw_only=True):
    """The most that may be spent, in micro-cents; None: no cap. from_wallet: nor more than the wallet holds.

    Days and months are those of UTC.
    """

    per_run: int | None = None
    per_conversation: int | None = None
    per_user_day: int | None = None
    per_month: int | None = None
    spending_cap: int | None = None
    from_wallet: bool = False

    @property
    def bind(self) -> bool:
        """Whether a call may be refused at all."""
        return self.from_wallet or any(cap is not None for cap in self.by_scope().values())

    def by_scope(self) -> dict[str, int | None]:
        """The caps by the scope they bind, from the narrowest to the widest."""
        return {
            "run": self.per_run,
            "conversation": self.per_conversation,
            "user_day": self.per_user_day,
            "month": self.per_month,
            "bot": self.spending_cap,
        }


class Call(Struct, frozen=True, kw_only=True):
    """A call that is about to be made: to whom, and when (milliseconds since 1970, UTC)."""

    payer: Payer
    provider: str
    model: str
    at: int


class Passed(Struct, frozen=True):
    """A cap that a call would have passed. scope: run, conversation, user_day, month, bot or wallet.

    cap: of a wallet its balance; spent and reserved are without the call; all in micro-cents.
    """

    scope: str
    cap: int
    spent: int
    reserved: int


class Counted(Struct, frozen=True, kw_only=True):
    """What a call came to. model: as the provider names it. micro_cents None: no price is known."""

    model: str
    tokens_input: int = 0
    tokens_output: int = 0
    micro_cents: int | None = None
    in_doubt: bool = False


class Total(Struct, frozen=True):
    """The running sums of one scope, in micro-cents."""

    spent: int
    reserved: int


_ADD = (
    "INSERT INTO totals (scope, bot, key, spent, reserved) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (scope, bot, key) DO UPDATE SET spent = spent + excluded.spent,"
    " reserved = reserved + excluded.reserved"
)
_RESERVATION = "bot, runner, run, conversation, user, provider, model, micro_cents, from_wallet, at"


def reserve(connection: sqlite3.Connection, call: Call, caps: Caps, micro_cents: int) -> int | Passed:
    """Hold the most that a call can cost; the reservation's number, or the first cap that it would pass.

    Checked and held in the caller's transaction, against what is spent and held in every scope; so whatever
    runs at the same time, in this process or another, no cap is passed.
    """
    payer = call.payer
    for scope, cap in caps.by_scope().items():
        if cap is None:
            continue
        total = total_of(connection, scope, payer.bot, _keys(payer, call.at)[scope])
        if total.spent + total.reserved + micro_cents > cap:
            return Passed(scope, cap, total.spent, total.reserved)
    if caps.from_wallet and micro_cents:
        wallet = wallets.of_bot(connection, payer.bot)
        if wallet.reserved + micro_cents > wallet.balance:
            return Passed("wallet", wallet.balance, 0, wallet.reserved)
        wallets.move(connection, payer.bot, reserved=micro_cents)
    row = (*astuple(payer), call.provider, call.model, micro_cents, int(caps.from_wallet), call.at)
    number = connection.execute(
        f"INSERT INTO reservations ({_RESERVATION}) VALUES ({', '.join('?' * len(row))}) RETURNING id", row
    ).fetchone()[0]
    _add(connection, payer, call.at, reserved=micro_cents)
    return int(number)


def settle(connection: sqlite3.Connection, reservation: int, counted: Counted) -> None:
    """Book what a call came to in place of what was held for it.

    The truth is booked, also when it is more than was held. With no price (the provider did not count, or
    answered with an unknown model), or in doubt, what was held is booked. A reservation that is gone was
    booked already, by a runner that started meanwhile: nothing is booked twice.
    """
    held = _take(connection, reservation)
    if held is None:
        return
    call, micro_cents, from_wallet = held
    cost = micro_cents if counted.micro_cents is None or counted.in_doubt else counted.micro_cents
    booked = Counted(
        model=counted.model or call.model,
        tokens_input=counted.tokens_input,
        tokens_output=counted.tokens_output,
        micro_cents=cost,
        in_doubt=counted.in_doubt or counted.micro_cents is None,
    )
    if from_wallet:
        wallets.move(connection, call.payer.bot, balance=-cost)
    record(connection, call, booked)


def release(connection: sqlite3.Connection, reservation: int) -> None:
    """Give back what was held for a call that surely was not made."""
    _take(connection, reservation)


def record(connection: sqlite3.Connection, call: Call, counted: Counted) -> None:
    """Book a call for which nothing was held."""
    connection.execute(
        "INSERT INTO usage (bot, runner, run, conversation, user, provider, model, tokens_input,"
        " tokens_output, micro_cents, in_doubt, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *astuple(call.payer),
            call.provider,
            counted.model,
            counted.tokens_input,
            counted.tokens_output,
            counted.micro_cents,
            int(counted.in_doubt),
            call.at,
        ),
    )
    if counted.micro_cents:
        _add(connection, call.payer, call.at, spent=counted.micro_cents)


def recover(connection: sqlite3.Connection, runner: str) -> int:
    """Book as spent, in doubt, what a dead process of this runner had held; how many calls.

    For the start of a runner, which has the runner's lock. Those calls may have been billed: to give the
    money back would let a bot that crashes in a circle spend past its cap.
    """
    numbers = connection.execute("SELECT id FROM reservations WHERE runner = ?", (runner,)).fetchall()
    for (number,) in numbers:
        settle(connection, number, Counted(model="", in_doubt=True))
    return len(numbers)


def total_of(connection: sqlite3.Connection, scope: str, bot: str, key: str) -> Total:
    """The sums of one scope. key: a run's id, a conversation's number as text, `2026-11-21 platform:user`,
    `2026-11`, or "" for all that a bot ever spent."""
    row = connection.execute(
        "SELECT spent, reserved FROM totals WHERE scope = ? AND bot = ? AND key = ?", (scope, bot, key)
    ).fetchone()
    return Total(*row) if row else Total(0, 0)


def cost_of_run(connection: sqlite3.Connection, run: str) -> int | None:
    """What the calls of a run (an id) cost, in micro-cents; None when the price of one of them is not known.
    What runs that it called cost is told there."""
    calls, priced, cost = connection.execute(
        "SELECT count(*), count(micro_cents), coalesce(sum(micro_cents), 0) FROM usage WHERE run = ?", (run,)
    ).fetchone()
    return int(cost) if calls == priced else None


def forget(connection: sqlite3.Connection, bot: str, conversation: int, user: str) -> int:
    """Take a conversation and its user (`platform:user_id`) out of the ledger; how many rows lost them. What
    was spent stays: it is the bot's money. Not while a run of the conversation is under way."""
    left = connection.execute("SELECT id FROM reservations WHERE conversation = ?", (conversation,))
    for (number,) in left.fetchall():  # of a process that died
        settle(connection, number, Counted(model="", in_doubt=True))
    rows = connection.execute(
        "UPDATE usage SET conversation = NULL, user = '' WHERE conversation = ?", (conversation,)
    ).rowcount
    connection.execute("DELETE FROM totals WHERE scope = 'conversation' AND key = ?", (str(conversation),))
    connection.execute(
        "DELETE FROM totals WHERE scope = 'user_day' AND bot = ? AND substr(key, 12) = ?", (bot, user)
    )
    return rows


def drop_totals(connection: sqlite3.Connection, now_ms: int) -> int:
    """Take away sums that no cap asks for any more: of days before yesterday, and of what is gone."""
    yesterday = now_ms - _DAY_MS
    days = connection.execute(
        "DELETE FROM totals WHERE scope = 'user_day' AND substr(key, 1, 10) < ? AND reserved = 0",
        (_day(yesterday),),
    ).rowcount
    gone = connection.execute(  # a run that has just begun is not in `runs` before its first wave is over
        "DELETE FROM totals WHERE scope = 'run' AND reserved = 0"
        " AND NOT EXISTS (SELECT 1 FROM runs WHERE id = totals.key)"
        " AND NOT EXISTS (SELECT 1 FROM usage WHERE run = totals.key AND at >= ?)",
        (yesterday,),
    ).rowcount
    nobody = connection.execute(
        "DELETE FROM totals WHERE scope = 'conversation' AND reserved = 0"
        " AND NOT EXISTS (SELECT 1 FROM conversations WHERE seq = CAST(totals.key AS INTEGER))"
    ).rowcount
    return days + gone + nobody


def prune(connection: sqlite3.Connection, before_ms: int, most: int) -> int:
    """Take away the oldest `most` calls made before then; how many there were. The sums stay, so no cap
    forgets anything; reports do."""
    return connection.execute(
        "DELETE FROM usage WHERE seq IN (SELECT seq FROM usage WHERE at < ? ORDER BY at LIMIT ?)",
        (before_ms, most),
    ).rowcount


def _take(connection: sqlite3.Connection, reservation: int) -> tuple[Call, int, bool] | None:
    """Take a reservation away, with all that it held; None if it is gone already."""
    row = connection.execute(
        f"DELETE FROM reservations WHERE id = ? RETURNING {_RESERVATION}", (reservation,)
    ).fetchone()
    if row is None:
        return None
    bot, runner, run, conversation, user, provider, model, micro_cents, from_wallet, at = row
    payer = Payer(bot=bot, runner=runner, run=run, conversation=conversation, user=user)
    _add(connection, payer, at, reserved=-micro_cents)
    if from_wallet:
        wallets.move(connection, bot, reserved=-micro_cents)
    return Call(payer=payer, provider=provider, model=model, at=at), micro_cents, bool(from_wallet)


def _add(connection: sqlite3.Connection, payer: Payer, at: int, *, spent: int = 0, reserved: int = 0) -> None:
    for scope, key in _keys(payer, at).items():
        connection.execute(_ADD, (scope, payer.bot, key, spent, reserved))


def _keys(payer: Payer, at: int) -> dict[str, str]:
    """What a call counts in, by scope, from the narrowest to the widest."""
    day = _day(at)
    return {
        "run": payer.run,
        "conversation": str(payer.conversation),
        "user_day": f"{day} {payer.user}",
        "month": day[:7],
        "bot": "",
    }


def _day(at: int) -> str:
    return to_datetime(at).strftime("%Y-%m-%d")
