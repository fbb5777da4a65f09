"""What may be declared but cannot be executed yet: the node types that a later version builds."""

from __future__ import annotations

from botctl.errors import UserError


def unbuilt(name: str) -> UserError:
    """The error of a node whose execution is not built yet."""
    return UserError(
        f"`{name}` is not built yet in this version of botctl",
        help="take the node out of the workflow, or lead its `error` edge to what should happen meanwhile",
    )
