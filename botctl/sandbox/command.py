"""The command line of a worker, and the messages that it understands. No asyncio: the linter uses it too."""

from __future__ import annotations

import importlib.machinery
import json
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from botctl.errors import UserError

HEADER = 5
# No true answer is larger: 1 MB of JSON, escaped once more.
LARGEST_ANSWER = 16 << 20
REINSTALL = "install botctl again: JavaScript needs the package `dukpy` 0.6"


@cache
def quickjs_path() -> str:
    """The file of dukpy's extension module, found without importing it. UserError if there is none."""
    package = importlib.machinery.PathFinder.find_spec("dukpy")
    if package is not None and package.submodule_search_locations is not None:
        module = importlib.machinery.PathFinder.find_spec("_dukpy", list(package.submodule_search_locations))
        if module is not None and module.origin is not None:
            return module.origin
    raise UserError("JavaScript cannot run here: the package `dukpy` is missing", help=REINSTALL)


def worker_command(deadline: float) -> list[str]:
    """Start it with an empty environment. deadline: seconds; a job that lasts 1 s more ends by itself."""
    if not sys.executable:
        raise UserError("JavaScript cannot run here: it is not known which Python runs botctl")
    here = Path(__file__).parent
    files = [str(here / name) for name in ("worker.py", "script.js", "syntax.js")]
    # -I and -S: no PYTHON* variables, no user directory, no site-packages, no .pth files.
    return [sys.executable, "-I", "-S", files[0], quickjs_path(), *files[1:], str(deadline + 1)]


def run_message(fields: Mapping[str, Any]) -> bytes:
    """Run a code block. ValueError, TypeError or RecursionError if a field cannot be told in JSON."""
    return _message(b"r", fields)


def syntax_message(codes: Sequence[str]) -> bytes:
    """Parse these codes."""
    return _message(b"s", {"codes": codes})


def _message(letter: bytes, fields: Mapping[str, Any]) -> bytes:
    payload = json.dumps(fields, allow_nan=False, separators=(",", ":")).encode("ascii")
    return letter + len(payload).to_bytes(4, "big") + payload


def split_message(received: bytes | bytearray) -> tuple[str, bytes] | None:
    """The letter and payload of the one message received, or None while it is not complete."""
    if len(received) < HEADER:
        return None
    end = HEADER + int.from_bytes(received[1:HEADER], "big")
    if len(received) < end:
        return None
    return chr(received[0]), bytes(received[HEADER:end])
