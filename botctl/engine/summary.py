"""Summaries: values as the trace keeps them, cut and masked; the whole of them is in the run or nowhere."""

from __future__ import annotations

from typing import Any

from botctl.engine.run import encode

_LONGEST = 2_000


def summary(value: Any, mask: Any) -> str | None:
    """A JSON text of about 2,000 characters at most; what is longer is cut, part by part."""
    if value is None:
        return None
    text: str = mask(encode(value))
    if len(text) <= _LONGEST:
        return text
    if isinstance(value, dict) and len(value) > 1:
        each = _LONGEST // len(value)
        parts = {key: _cut(part, each) for key, part in value.items()}
        return str(mask(encode(parts)))
    return encode(text[:_LONGEST] + "…")


def _cut(value: Any, length: int) -> Any:
    text = value if isinstance(value, str) else encode(value)
    return value if len(text) <= length else text[:length] + "…"
