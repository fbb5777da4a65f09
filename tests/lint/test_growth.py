"""The linter's work grows as a workflow does, and not much faster."""

from __future__ import annotations

from tests.bench.lint import work


def test_twice_the_nodes_are_about_twice_the_work() -> None:
    per_node = [calls / nodes for nodes, calls in (work(size) for size in (50, 100, 200, 400))]

    assert max(per_node) < 1.5 * min(per_node)
