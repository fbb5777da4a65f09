"""The sandbox's price: milliseconds per execution of a small code block, through asyncio and the pipes.

Alone: `.venv/bin/python tests/bench/bench_sandbox.py`, with PYTHONDONTWRITEBYTECODE unset.
"""

from __future__ import annotations

import asyncio
import statistics
import time

from botctl.sandbox.javascript import JavaScriptPool

CODE = (
    "const items = ctx.variables.order_items || []; "
    "ctx.variables.total = items.reduce((sum, item) => sum + item.price, 0); "
    "ctx.variables.item_count = items.length;"
)
VARIABLES = {"order_items": [{"price": 12.5}, {"price": 30}], "name": "Ada", "tags": ["a", "b"]}


async def measure_sandbox(executions: int = 1000) -> tuple[float, float]:
    """Median and 99th percentile, in milliseconds, one execution after the other in a warm child."""
    pool = JavaScriptPool(size=1)
    sandbox = pool.for_bot("bench")
    took = []
    try:
        await sandbox.run(CODE, VARIABLES, "hello", "u1")
        for _ in range(executions):
            start = time.perf_counter()
            await sandbox.run(CODE, VARIABLES, "hello", "u1")
            took.append((time.perf_counter() - start) * 1000)
    finally:
        await pool.close()
    return statistics.median(took), statistics.quantiles(took, n=100)[98]


def main() -> None:
    executions = 1000
    median, slow = asyncio.run(measure_sandbox(executions))
    print(f"sandbox: {median:.2f} ms median, {slow:.2f} ms p99 over {executions} executions")


if __name__ == "__main__":
    main()
