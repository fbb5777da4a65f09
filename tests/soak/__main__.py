"""The soak: 500 messages in 50 conversations while the process is killed 20 times. `make soak`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.world import soak


def main() -> int:
    """Soak once, with a seed that is told so that it can be repeated; 1 if anything was lost or doubled."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else time.time_ns() % 1_000_000
    print(f"500 messages, 50 conversations, 20 kills, seed {seed}", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(soak(Path(folder), conversations=50, each=10, kills=20, seed=seed))
    print(f"{time.monotonic() - started:.0f} s")
    print(f"unanswered: {outcome.unanswered or 'none'}")
    print(f"replies repeated: {outcome.repeated_replies} (at most {outcome.kills})")
    print(f"tool called twice for: {outcome.paid_twice or 'none'}")
    print(f"finished tool steps made again: {outcome.paid_again_after_the_step or 'none'}")
    print(f"runs: {dict(outcome.statuses)}, {outcome.in_doubt} in doubt")
    return 0 if outcome.is_good and not outcome.paid_again_after_the_step else 1


if __name__ == "__main__":
    sys.exit(main())
