"""Ten real SIGKILLs of the real process, while people write to it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.soak.world import soak


def test_ten_kills_lose_no_message_and_pay_nothing_twice(tmp_path: Path) -> None:
    outcome = asyncio.run(soak(tmp_path, conversations=12, each=8, kills=10, seed=7))

    assert outcome.unanswered == []
    assert (outcome.paid_twice, outcome.paid_again_after_the_step) == ([], [])
    assert outcome.repeated_replies <= 10
    assert sum(outcome.statuses.values()) == 96
