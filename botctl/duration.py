"""Durations as people write them: 500ms, 30s, 15m, 24h, 7d, and 1h30m."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")


def parse_duration(text: str) -> float:
    """Seconds in `text`; a ValueError that says what is legal otherwise."""
    compact = text.replace(" ", "")
    seconds, end = 0.0, 0
    for part in _PART.finditer(compact):
        if part.start() != end:
            break
        seconds += float(part[1]) * _UNITS[part[2]]
        end = part.end()
    if not compact or end != len(compact):
        raise ValueError("should be a duration such as 30s, 15m, 24h or 1h30m")
    return seconds


def format_duration(seconds: float) -> str:
    """The shortest form a person would write: 0.25 -> 250ms, 5400 -> 1h30m."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    whole, parts = round(seconds), []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if whole >= size:
            parts.append(f"{whole // size}{unit}")
            whole %= size
    return "".join(parts)


def _seconds(value: Any) -> Any:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError("should be a duration such as 30s, 15m, 24h or 1h30m")


_Written = Annotated[str, Field(pattern=r"^ *([0-9]+(\.[0-9]+)? *(ms|s|m|h|d|w) *)+$")]
"""What an editor is told of a duration: the form in which people write it."""

Duration = Annotated[float, BeforeValidator(_seconds, json_schema_input_type=_Written | float)]
"""Seconds; in YAML a text such as 30s or a number of seconds."""
