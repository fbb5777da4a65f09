"""The start: what the `botctl` command runs first, and the one place that catches everything.

`botctl validate` runs at every save in editors and at every commit in hooks. For plain workflow files it
needs neither a project nor what reads command lines, and goes past both; all else takes the common way.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from types import ModuleType

from botctl.errors import BotctlError, UsageError


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 fine, 1 findings or an expected error, 2 usage, 3 a bug, 130 ^C."""
    arguments = sys.argv[1:] if arguments is None else arguments
    code = run(arguments)
    if _only_looks(arguments):
        # Nothing is open and nobody waits: taking Python apart would cost a tenth of the time.
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run the command line; its exit code."""
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`). Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except BotctlError as error:
        _say(error)
        return 2 if isinstance(error, UsageError) else 1
    except Exception as error:  # a bug: one line for the user, the rest in a file for whoever mends it
        print(f"botctl: internal error: {type(error).__name__}: {error}", file=sys.stderr)
        print(f"  = help: this is a bug; what happened is in {_write_report()}", file=sys.stderr)
        return 3
    return code


def _dispatch(arguments: list[str]) -> int:
    if _only_looks(arguments):
        gc.disable()  # a short life, in which almost nothing becomes garbage
        _without_pydantic_plugins()
        code = importlib.import_module("botctl.cli.findings").validate_files(arguments[1:])
        if code is not None:
            return int(code)
    return int(importlib.import_module("botctl.cli.main").run(arguments))


def _only_looks(arguments: list[str]) -> bool:
    """Whether this is `validate` with nothing but paths."""
    return len(arguments) > 1 and arguments[0] == "validate" and not any(a.startswith("-") for a in arguments)


def _without_pydantic_plugins() -> None:
    """Keep pydantic from looking through every installed distribution for plugins, and from importing what
    it would look with (a fifth of the time that is ours). PYDANTIC_DISABLE_PLUGINS saves only the looking.
    The module is private to pydantic 2: under another name only the time would be lost."""
    loader = ModuleType("pydantic.plugin._loader")
    loader.get_plugins = lambda: ()  # type: ignore[attr-defined]
    sys.modules[loader.__name__] = loader


def _say(error: BotctlError) -> None:
    print(f"error: {error.message}", file=sys.stderr)
    if error.help:
        print(f"  = help: {error.help}", file=sys.stderr)


def _write_report() -> str:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="botctl-", suffix=".log", delete=False) as report:
        report.write(traceback.format_exc())
    return report.name
