"""Rules about the bots that an agent may call: the same as those about delegate_to_bot nodes."""

from __future__ import annotations

from collections.abc import Iterator

from botctl.lint.bot_site import BotSite
from botctl.lint.rules.delegation import CIRCLE, DEPTH, circle_to, depth_to, first_of
from botctl.source.rule import Finding, Rule
from botctl.source.span import Path


def check_circle(site: BotSite) -> Iterator[Finding]:
    """See the rule of the same code about nodes."""
    yield from first_of(circle_to(site.around, name, at) for name, at in _targets(site))


def check_depth(site: BotSite) -> Iterator[Finding]:
    """See the rule of the same code about nodes."""
    yield from first_of(depth_to(site.around, name, at) for name, at in _targets(site))


def _targets(site: BotSite) -> Iterator[tuple[str, Path]]:
    if site.is_agent:
        yield from ((name, ("delegate", index)) for index, name in enumerate(site.spec.delegate))


LIST_CIRCLE = Rule(code=CIRCLE.code, severity=CIRCLE.severity, check=check_circle, doc=CIRCLE.doc)
LIST_DEPTH = Rule(code=DEPTH.code, severity=DEPTH.severity, check=check_depth, doc=DEPTH.doc)
