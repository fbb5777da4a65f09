"""A tool's arguments, checked against its JSON Schema before it is called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from botctl.tools.tool import Tool

_LONGEST_REASON = 300


def check_arguments(tool: Tool, arguments: Mapping[str, Any]) -> str | None:
    """What is wrong with the arguments, as a sentence that names the first one; None if they fit."""
    if not tool.input_schema:
        return None
    validator = _validator(json.dumps(tool.input_schema, sort_keys=True))
    if validator is None:
        return None
    from referencing.exceptions import Unresolvable

    try:
        errors = list(validator.iter_errors(dict(arguments)))
    except Unresolvable:
        return None
    if not errors:
        return None
    error = min(errors, key=lambda error: [str(part) for part in error.absolute_path])
    place = ".".join(str(part) for part in error.absolute_path)
    reason = error.message if len(error.message) <= _LONGEST_REASON else error.message[:_LONGEST_REASON] + "…"
    return f"argument `{place}`: {reason}" if place else reason


@lru_cache(maxsize=512)
def _validator(schema: str) -> Any:
    """A validator for a schema; None for one that is not JSON Schema itself: the server knows what it means.

    The registry is empty, so that a `$ref` in a server's schema never makes us fetch an address.
    """
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.validators import validator_for
    from referencing import Registry

    parsed = json.loads(schema)
    kind: Any = validator_for(parsed, default=Draft202012Validator)
    try:
        kind.check_schema(parsed)
    except SchemaError:
        return None
    return kind(parsed, registry=Registry())
