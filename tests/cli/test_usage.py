"""`botctl usage` and `botctl wallet`: what was spent, and what there is to spend."""

from __future__ import annotations

import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer

from botctl.cli import usage as usage_command
from botctl.cli import wallet as wallet_command
from botctl.cli.plot import column_plot
from botctl.clock import SystemClock, to_datetime
from botctl.errors import UsageError, UserError
from botctl.store import usage, wallets
from botctl.store.database import connect
from botctl.store.usage import Call, Counted, Payer
from tests.store.filled import Filled

CENT = 1_000_000
HOUR = 3_600_000
ROOT = Path(__file__).resolve().parent.parent.parent


class Spender:
    """A project with two bots, `b` on a wallet, whose models were asked today."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        for name, more in (("b", "billing: {mode: wallet}\n"), ("c", "")):
            (folder / "bots" / name).mkdir(parents=True)
            (folder / "bots" / name / "bot.yaml").write_text(f"name: {name}\n{more}")
        (folder / ".botctl").mkdir()
        now = self.now = SystemClock().now_ms()
        with self.opened() as connection:
            filled = Filled(connection)
            filled.message("hello", user="zoe")
            self.spend(connection, now, 250 * CENT)
            self.spend(connection, now, None, model="new")
            self.spend(connection, now, 1200, bot="c", conversation=77, in_doubt=True)
            self.spend(connection, now - 50 * 24 * HOUR, 990 * CENT)

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        with closing(connect(self.folder / ".botctl" / "state.db")) as connection:
            yield connection

    @staticmethod
    def spend(
        connection: sqlite3.Connection,
        at: int,
        micro_cents: int | None,
        *,
        bot: str = "b",
        conversation: int = 1,
        model: str = "m",
        in_doubt: bool = False,
    ) -> None:
        payer = Payer(bot=bot, runner=bot, run="r", conversation=conversation, user="console:zoe")
        counted = Counted(
            model=model, tokens_input=1000, tokens_output=50, micro_cents=micro_cents, in_doubt=in_doubt
        )
        usage.record(connection, Call(payer=payer, provider="p", model=model, at=at), counted)

    def botctl(self, app: typer.Typer, *arguments: str) -> str:
        """What a command prints in this project."""
        app([*arguments, "--project", str(self.folder)], standalone_mode=False)
        return self._capsys.readouterr().out

    def usage(self, *arguments: str) -> str:
        return self.botctl(usage_command.app, *arguments)

    def wallet(self, *arguments: str) -> str:
        return self.botctl(wallet_command.app, *arguments)


@pytest.fixture
def spender(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Spender:
    return Spender(tmp_path, capsys)


def test_usage_tells_calls_tokens_and_cost_of_the_last_thirty_days_the_dearest_bot_first(
    spender: Spender,
) -> None:
    assert spender.usage() == "b\t2\t2,000\t100\t$2.50\t1\t\nc\t1\t1,000\t50\t<$0.0001\t\t1\n"


def test_usage_is_summed_by_what_is_asked_for(spender: Spender) -> None:
    today = to_datetime(spender.now).strftime("%Y-%m-%d")

    keys = {
        by: [line.split("\t")[0] for line in spender.usage("--by", by).splitlines()]
        for by in ("bot", "day", "model", "conversation")
    }

    assert keys == {
        "bot": ["b", "c"],
        "day": [today],
        "model": ["p/m", "p/new"],
        "conversation": ["b/custom/zoe/zoe", "77"],
    }
    assert spender.usage("b", "--since", "60d").split("\t")[4] == "$12.40"
    assert len(spender.usage("--by", "model", "--limit", "1").splitlines()) == 1


def test_json_tells_cents_and_null_where_no_price_is_known(spender: Spender) -> None:
    told = json.loads(spender.usage("b", "--by", "model", "--json"))
    conversations = json.loads(spender.usage("--by", "conversation", "--json"))

    assert told[1] == {
        "model": "p/new",
        "calls": 1,
        "tokens_input": 1000,
        "tokens_output": 50,
        "cost_cents": None,
        "calls_without_price": 1,
        "calls_in_doubt": 0,
    }
    assert [(one["conversation"], one["name"], one["cost_cents"]) for one in conversations] == [
        (1, "b/custom/zoe/zoe", 250.0),
        (77, None, 0.0012),
    ]


@pytest.mark.parametrize("arguments", [("--by", "week"), ("--since", "long")])
def test_what_cannot_be_asked_for_is_a_usage_error(spender: Spender, arguments: tuple[str, str]) -> None:
    with pytest.raises(UsageError):
        spender.usage(*arguments)


def test_a_bot_of_which_nothing_is_known_is_named(spender: Spender) -> None:
    with pytest.raises(UserError, match="no bot `d`"):
        spender.usage("d")


def test_on_a_terminal_there_is_a_table_and_a_plot(spender: Spender) -> None:
    program = "import sys; from botctl.cli.usage import app; app(sys.argv[1:], standalone_mode=False)"
    screen, terminal = pty.openpty()
    environment = os.environ | {"NO_COLOR": "1", "COLUMNS": "100", "TERM": "xterm"}
    done = subprocess.run(
        [sys.executable, "-c", program, "--project", str(spender.folder)],
        stdout=terminal,
        cwd=ROOT,
        env=environment,
        check=True,
        timeout=60,
    )
    os.close(terminal)
    shown = b""
    while True:
        try:
            part = os.read(screen, 10_000)
        except OSError:  # the other end is closed
            break
        shown += part
    os.close(screen)
    lines = re.sub(r"\x1b\[\d*m", "", shown.decode()).splitlines()

    assert done.returncode == 0
    assert re.match(r"bot +calls +tokens in +tokens out +cost", lines[0])
    assert "cost per day" in lines
    assert any(re.match(r"\$2\.50 ┤ +██$", line) for line in lines)


def test_a_plot_shows_small_values_and_the_ends_of_its_days() -> None:
    days = [f"2026-01-{day:02}" for day in range(1, 31)]
    values = [0.0] * 28 + [0.01, 48.0]

    assert column_plot(days, values, "$48")[:1] + column_plot(days, values, "$48")[5:] == [
        "$48 ┤" + " " * 58 + "██",
        "    ┤" + " " * 56 + "▁▁██",
        "  0 └" + "─" * 60,
        "     2026-01-01" + " " * 40 + "2026-01-30",
    ]
    assert column_plot(days, [0.0] * 30, "$0") == []


def test_money_is_paid_in_in_dollars_or_cents_and_is_there_at_once(spender: Spender) -> None:
    said = [spender.wallet("deposit", "b", amount) for amount in ("5", "$2.50", "500c", "1,000")]
    shown = json.loads(spender.wallet("show", "b", "--json"))

    assert said[:2] == [
        "paid in $5.00 for b: $5.00 are there now\n",
        "paid in $2.50 for b: $7.50 are there now\n",
    ]
    assert (shown[0]["balance_cents"], [one["cents"] for one in shown[0]["deposits"]]) == (
        101_250.0,
        [100_000.0, 500.0, 250.0, 500.0],
    )


def test_what_is_held_is_shown_and_a_bot_that_draws_on_nothing_is_told(spender: Spender) -> None:
    spender.wallet("deposit", "b", "10", "--note", "invoice 7")
    told = spender.wallet("deposit", "c", "1")
    with spender.opened() as connection:
        wallets.move(connection, "b", balance=-3 * CENT, reserved=100 * CENT)

    assert "`billing: {mode: wallet}`" in told
    assert spender.wallet("show") == "b\t$9.97\t$1.00\twallet\nc\t$1.00\t\tbyok\n"
    assert spender.wallet("show", "b").splitlines()[1].endswith("paid in $10.00  invoice 7")


@pytest.mark.parametrize("amount", ["0", "five", "1e9", "5 c", "0.000000001", "9999999", "٣"])
def test_what_is_no_amount_is_a_usage_error(spender: Spender, amount: str) -> None:
    with pytest.raises(UsageError, match="is not an amount"):
        spender.wallet("deposit", "b", amount)


def test_nothing_is_paid_in_for_a_bot_that_does_not_exist(spender: Spender) -> None:
    with pytest.raises(UserError, match="no bot `d`"):
        spender.wallet("deposit", "d", "5")


def test_the_first_deposit_makes_the_state(tmp_path: Path, capsys: Any) -> None:
    spender = Spender(tmp_path / "shop", capsys)
    (spender.folder / ".botctl" / "state.db").unlink()

    spender.wallet("deposit", "b", "1")

    assert json.loads(spender.wallet("show", "--json"))[0]["balance_cents"] == 100.0
