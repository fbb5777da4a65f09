"""Budgets through the whole app: a call that could cost too much is not made, and the user hears why."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from botctl.runtime.app import App
from tests.agent.test_many import slow_model
from tests.runtime.test_waits import say, stories
from tests.runtime.world import Mailbag, app_of


@pytest.mark.parametrize(
    ("billing", "texts", "status", "cost"),
    [
        ("{}", ["done"], "completed", 0.0005),
        ("{per_run_cents: 50}", ["done"], "completed", 0.0005),
        ("{per_run_cents: 0.01, cap_message: Enough.}", ["Enough."], "budget", 0.0),
        ("{mode: wallet, cap_message: Empty.}", ["Empty."], "budget", 0.0),
    ],
)
def test_a_call_is_paid_for_or_not_made(
    tmp_path: Path, billing: str, texts: list[str], status: str, cost: float
) -> None:
    mailbag = Mailbag()

    async def story() -> tuple[dict[str, Any], float | None]:
        async with slow_model(0) as url:
            bot = tmp_path / "bots" / "b"
            bot.mkdir(parents=True)
            price = "price: {input: 1, output: 2}"
            llm = f"{{provider: custom, model: m, api_key: k, base_url: '{url}', {price}}}"
            (bot / "bot.yaml").write_text(f"name: b\nllm: {llm}\nbilling: {billing}\n")
            async with app_of(tmp_path, mailbag) as app:
                await say(app, "hi")
                await app.settle()
                return dict(stories(app)[0]), await _cost(app)

    run, cents = asyncio.run(story())

    assert (mailbag.texts, run["status"]) == (texts, status)
    assert cents == cost


async def _cost(app: App) -> float | None:
    spent = app.database.read(
        lambda connection: connection.execute("SELECT coalesce(sum(micro_cents), 0) FROM usage").fetchone()
    )
    return float(spent[0]) / 1_000_000
