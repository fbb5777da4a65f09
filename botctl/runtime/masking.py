"""Masking: secrets taken out of whole values, for what goes out of the process as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Mask = Callable[[str], str]


def masked(value: Any, mask: Mask) -> Any:
    """The value with every text in it masked, keys too; what is no JSON value becomes masked text.

    Before a value is written as JSON, not after: there a secret with a quote in it looks different.
    """
    if isinstance(value, str):
        return mask(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {mask(str(key)): masked(part, mask) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [masked(part, mask) for part in value]
    return mask(str(value))
