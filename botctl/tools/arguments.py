"""A tool's arguments, checked against its JSON Schema before it is called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from botctl.tools.tool import Tool


def check_arguments(tool: Tool, arguments: Mapping[str, Any]) -> str | None:
    """What is wrong with the arguments, as a sentence that names the first one; None if they fit."""
    if not tool.input_schema:
        return None
    validator = _validator(json.dumps(tool.input_schema, sort_keys=True))
    if validator is None:
        return None
    error = next(
        iter(sorted(validator.iter_errors(dict(arguments)), key=lambda error: list(error.path))), None
    )
    if error is None:
        return None
    place = ".".join(str(part) for part in error.absolute_path)
    return f"argument `{place}`: {error.message}" if place else str(error.message)


@lru_cache(maxsize=512)
def _validator(schema: str) -> Any:
    """A validator for a schema; None for what is not JSON Schema: the server knows what it means."""
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.validators import validator_for

    parsed = json.loads(schema)
    kind = validator_for(parsed, default=Draft202012Validator)
    try:
        kind.check_schema(parsed)
    except SchemaError:
        return None
    return kind(parsed)
