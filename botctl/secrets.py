"""`${NAME}` in files, resolved as late as possible, and the masking of what came out of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from botctl.errors import UserError

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_SHORTEST_MASKED = 6


class Environment:
    """The environment a project sees: the process's variables over those of its `.env`.

    Every value that was put in for a `${NAME}` is remembered, so that `mask` can take it out of any text
    that is about to be stored, logged or shown. Defaults (`${NAME:-default}`) are not secrets.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = dict(variables)
        self._revealed: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def missing(self, text: str) -> list[str]:
        """The names in `text` that are neither set nor have a default."""
        return [m[1] for m in _REFERENCE.finditer(text) if m[2] is None and not self._variables.get(m[1])]

    def resolve(self, text: str) -> str:
        """`text` with every reference replaced; a UserError that names the first variable that is not set."""
        if "${" not in text:
            return text
        for name in self.missing(text):
            raise UserError(
                f"environment variable `{name}` is not set",
                help=f"set {name}, or write it in .env beside bots/",
            )
        return _REFERENCE.sub(self._value, text)

    def _value(self, match: re.Match[str]) -> str:
        value = self._variables.get(match[1]) or ""
        if not value:
            return match[2] or ""
        if len(value) >= _SHORTEST_MASKED and value not in self._revealed:
            self._revealed.add(value)
            forms = {form for secret in self._revealed for form in _forms(secret)}
            longest_first = sorted(forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        return value

    def mask(self, text: str) -> str:
        """`text` with every secret that was resolved so far replaced by `***`."""
        return self._pattern.sub("***", text) if self._pattern else text


def _forms(secret: str) -> tuple[str, ...]:
    """A secret as it is, and as it stands in a JSON text."""
    return secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]


def references(text: str) -> list[str]:
    """The variable names that `text` refers to."""
    return [m[1] for m in _REFERENCE.finditer(text)]


def read_environment(project_folder: Path, process: Mapping[str, str]) -> Environment:
    """The process's variables, and below them those of `.env` in the project folder if there is one."""
    file = project_folder / ".env"
    if not file.is_file():
        return Environment(process)
    from dotenv import dotenv_values

    values = {
        name: value for name, value in dotenv_values(file, interpolate=False).items() if value is not None
    }
    return Environment({**values, **process})
