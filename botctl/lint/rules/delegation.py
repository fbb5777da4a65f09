"""Rules about bots that let others answer: chains that come back, and chains that are too long."""

from __future__ import annotations

from collections.abc import Iterator

from botctl.lint.workflow_site import Surroundings, WorkflowSite
from botctl.nodes.delegate_to_bot import DelegateToBotData
from botctl.source.rule import Finding, Rule
from botctl.source.span import Path

MOST_HOPS = 3
"""As the engine counts them: bots in a row that may delegate on (the product's documents)."""


def check_circle(site: WorkflowSite) -> Iterator[Finding]:
    """Bots that delegate to each other in a circle.

    Each lets the next one answer, and the last the first again, until the third hop is refused. Have one of
    them answer by itself.

    Bad:

    ```yaml
    - id: pass_on
      type: delegate_to_bot
      data: {target_bot_id: demo}
    ```

    Good:

    ```yaml
    - id: pass_on
      type: delegate_to_bot
      data: {target_bot_id: other}
    ```
    """
    yield from first_of(circle_to(site.around, name, at) for name, at in _targets(site))


def check_depth(site: WorkflowSite) -> Iterator[Finding]:
    """Bots that delegate on more often than is possible.

    From the bot that the user writes to, 3 hops are made at most; one more is refused, and that bot fails.

    Bad:

    ```yaml
    - id: pass_on
      type: delegate_to_bot
      data: {target_bot_id: first}
    ```

    Good:

    ```yaml
    - id: pass_on
      type: delegate_to_bot
      data: {target_bot_id: second}
    ```
    """
    yield from first_of(depth_to(site.around, name, at) for name, at in _targets(site))


def circle_to(around: Surroundings, target: str, at: Path) -> Finding | None:
    """What is to be said when a way over this bot comes back; the same words for every bot on it."""
    circle = around.circle_over(target)
    if len(circle) == 1:
        message, label = f"bot `{circle[0]}` delegates to itself", "this very bot"
        return Finding(message, at=at, label=label, help="name another bot, or let this one answer")
    if circle:
        first = circle.index(min(circle))
        names = " -> ".join((*circle[first:], *circle[: first + 1]))
        message = f"the bots `{names}` delegate to each other in a circle"
        return Finding(
            message, at=at, label="comes back to this bot", help="let one of them answer by itself"
        )
    return None


def depth_to(around: Surroundings, target: str, at: Path) -> Finding | None:
    """What is to be said when too many bots would answer in turn."""
    chain = around.chain_over(target)
    if len(chain) < MOST_HOPS + 2:
        return None
    return Finding(
        f"the bots `{' -> '.join(chain)}` delegate on more than {MOST_HOPS} times",
        at=at,
        label="begins here",
        help=f"let `{chain[0]}` or one of the others delegate to `{chain[-1]}` directly",
    )


def first_of(findings: Iterator[Finding | None]) -> Iterator[Finding]:
    """The first that there is: the others tell of the same bots."""
    found = next((finding for finding in findings if finding is not None), None)
    if found is not None:
        yield found


def _targets(site: WorkflowSite) -> Iterator[tuple[str, Path]]:
    for node in site.graph.nodes.values():
        if isinstance(node.data, DelegateToBotData) and "{{" not in node.data.target_bot_id:
            yield node.data.target_bot_id, (*node.path, "data", "target_bot_id")


CIRCLE = Rule(code="BT213", severity="error", check=check_circle, doc=check_circle.__doc__)
DEPTH = Rule(code="BT214", severity="warning", check=check_depth, doc=check_depth.__doc__)
