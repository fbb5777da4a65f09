"""`botctl wallet`: what was paid in for bots, and what is left of it."""

from __future__ import annotations

import re
from contextlib import closing
from decimal import Decimal
from typing import Annotated, Any

import typer

from botctl.cli.options import JsonOption, ProjectOption
from botctl.cli.place import open_project, refuse_unknown, state_file
from botctl.cli.terminal import print_json, print_table
from botctl.clock import SystemClock, to_iso
from botctl.errors import UsageError
from botctl.llm.pricing import MICRO_CENTS_PER_CENT, format_money, to_cents
from botctl.project.load import Project, load_bot
from botctl.secrets import Environment
from botctl.store import wallets
from botctl.store.database import connect, transaction
from botctl.store.wallets import Deposit, Wallet

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Show what bots have left to spend; pay in for one."
)

_AMOUNT = re.compile(r"\$?(?P<dollars>\d+(?:\.\d{1,8})?)|(?P<cents>\d+(?:\.\d{1,6})?)c", re.ASCII)
_MOST_DOLLARS = 1_000_000


@app.command("show")
def show(
    bot: Annotated[str | None, typer.Argument(help="Only this bot's, with what was paid in.")] = None,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """What is left in the wallets of bots, and what is held of it for calls under way."""
    found, environment = open_project(project)
    if bot is not None:
        refuse_unknown(found, bot, ())
    with closing(connect(state_file(found))) as connection:
        shown = [wallets.of_bot(connection, bot)] if bot else wallets.every(connection)
        paid = {one.bot: wallets.deposits(connection, one.bot, 20) for one in shown}
    if json:
        print_json([_wallet_json(one, paid[one.bot]) for one in shown])
        return
    print_table(
        ("bot", "left", "held", "billing"),
        [
            (
                one.bot,
                format_money(one.balance),
                format_money(one.reserved) if one.reserved else "",
                _billing(found, environment, one.bot),
            )
            for one in shown
        ],
        empty="nothing was paid in yet; `botctl wallet deposit <bot> <amount>` does",
    )
    if bot:
        for deposit in paid[bot]:
            line = f"  {to_iso(deposit.at)}  paid in {format_money(deposit.micro_cents)}  {deposit.note}"
            print(line.rstrip())


@app.command("deposit")
def deposit(
    bot: Annotated[str, typer.Argument(help="The bot that may spend it.")],
    amount: Annotated[str, typer.Argument(help="In dollars, or in cents: 5, 2.50, 500c.")],
    note: Annotated[str, typer.Option(help="What to remember about it.")] = "",
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Pay in for a bot with `billing: {mode: wallet}`; it takes effect at once, also while the bot runs."""
    micro_cents = _read_amount(amount)
    found, environment = open_project(project)
    refuse_unknown(found, bot, ())
    found.state_folder.mkdir(parents=True, exist_ok=True)
    now_ms = SystemClock().now_ms()
    with closing(connect(found.state_folder / "state.db")) as connection:
        with transaction(connection):
            wallet = wallets.deposit(connection, bot, micro_cents, note, now_ms)
        paid = wallets.deposits(connection, bot, 1)
    if json:
        print_json(_wallet_json(wallet, paid))
        return
    print(f"paid in {format_money(micro_cents)} for {bot}: {format_money(wallet.balance)} are there now")
    if _billing(found, environment, bot) == "byok":
        print("  its bot.yaml does not say `billing: {mode: wallet}`, so nothing draws on it")


def _read_amount(written: str) -> int:
    match = _AMOUNT.fullmatch(written.strip().replace(",", ""))
    cents = Decimal(0)
    if match is not None:
        cents = Decimal(match["dollars"]) * 100 if match["dollars"] else Decimal(match["cents"])
    if not 0 < cents <= _MOST_DOLLARS * 100:
        raise UsageError(
            f"`{written}` is not an amount", help="write dollars, such as 5 or 2.50, or cents, such as 500c"
        )
    return int(cents * MICRO_CENTS_PER_CENT)


def _billing(project: Project, environment: Environment, name: str) -> str:
    """How a bot is billed; "" if that is not known: it is gone, or its file has errors."""
    bot = load_bot(project, name, environment)[0] if name in project.bot_names() else None
    return bot.spec.billing.mode if bot is not None else ""


def _wallet_json(wallet: Wallet, deposits: list[Deposit]) -> dict[str, Any]:
    return {
        "bot": wallet.bot,
        "balance_cents": to_cents(wallet.balance),
        "reserved_cents": to_cents(wallet.reserved),
        "deposits": [
            {"cents": to_cents(one.micro_cents), "note": one.note, "at": to_iso(one.at)} for one in deposits
        ],
    }
