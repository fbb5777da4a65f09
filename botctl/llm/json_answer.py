"""A JSON answer asked for in words, for models that take no JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LEFT_OUT = "the schema was given to the model in words: it takes none of its own"
"""The note for the trace when `with_instruction` was used because the service refused the schema."""


def with_instruction(system: str, schema: Mapping[str, Any]) -> str:
    """The system prompt, and after it the wish for one JSON object of this schema."""
    written = json.dumps(schema, ensure_ascii=False)
    wish = f"Answer with one JSON object and nothing else. It must satisfy this JSON Schema:\n{written}"
    return f"{system}\n\n{wish}" if system else wish
