"""The policy of a workspace: which tools may be called, and which only after a person said yes."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from msgspec import Struct

Decision = Literal["allow", "deny", "ask"]


class ToolPolicy(Struct, frozen=True, kw_only=True):
    """Patterns over full tool names, such as `payments__delete_*`. Case matters."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()


def decide(name: str, policy: ToolPolicy) -> Decision:
    """What the policy says of a tool. The first list with a fitting pattern decides: deny, ask, allow.

    What fits none of them is allowed, unless there is a list of what is allowed.
    """
    if _fits(name, policy.deny):
        return "deny"
    if _fits(name, policy.ask):
        return "ask"
    if policy.allow and not _fits(name, policy.allow):
        return "deny"
    return "allow"


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
