"""Console: this terminal, or a pipe.

On a terminal a prompt waits for lines; ^D ends. On a pipe every line is a message, answered in order, and the
bot ends with the input. Buttons are numbered; a number presses one.
"""

from __future__ import annotations

import os
from typing import IO, Literal

from botctl.platforms.console_connection import ConsoleConnection
from botctl.platforms.platform import (
    Connection,
    ConnectionContext,
    Platform,
    PlatformLimits,
    PlatformSettings,
)


class ConsoleSettings(PlatformSettings):
    """`platforms: console:`. There is nothing to set."""


def connect(settings: ConsoleSettings, context: ConnectionContext) -> Connection:
    """A connection to standard input and output."""
    return ConsoleConnection(context)


def console_kind(stdin: IO[str] | None) -> Literal["terminal", "pipe", "closed"]:
    """What standard input is: a terminal, something with lines to read, or nothing."""
    if stdin is None or stdin.closed:
        return "closed"
    if stdin.isatty():
        return "terminal"
    try:
        same = os.path.samestat(os.fstat(stdin.fileno()), os.stat(os.devnull))
    except (OSError, ValueError):
        return "closed"
    return "closed" if same else "pipe"


CONSOLE = Platform(
    name="console",
    doc=__doc__,
    settings=ConsoleSettings,
    limits=PlatformLimits(),
    connect=connect,
    has_webhook=False,
)
