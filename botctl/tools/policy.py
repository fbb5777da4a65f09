"""The policy of a workspace: which of its tools are called, which only after a person said yes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

Ruling = Literal["allow", "ask", "deny"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolPolicy:
    """Patterns such as `orders__*`; `*` and `?` as in file names."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()


def ruling_on(name: str, policy: ToolPolicy) -> Ruling:
    """The first list that fits decides: deny, ask, allow. With an `allow` list, the rest is denied."""
    if _fits(name, policy.deny):
        return "deny"
    if _fits(name, policy.ask):
        return "ask"
    return "allow" if not policy.allow or _fits(name, policy.allow) else "deny"


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
