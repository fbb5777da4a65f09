"""Console: this terminal, or a pipe.

On a terminal a prompt waits for lines; ^D ends. On a pipe every line is a message, answered before the next
is read, nothing but answers is printed, and the bot ends with the input. Buttons are numbered; a number
presses one.
"""

from __future__ import annotations

import os
import stat
from typing import Literal, TextIO

from botctl.platforms.platform import (
    Connection,
    ConnectionContext,
    Platform,
    PlatformLimits,
    PlatformSettings,
)

ConsoleKind = Literal["terminal", "pipe", "closed"]


class ConsoleSettings(PlatformSettings):
    """`platforms: console:`; there is nothing to set."""


def console_kind(stdin: TextIO | None) -> ConsoleKind:
    """What standard input is: a terminal, something with lines to read, or nothing (as the null device)."""
    if stdin is None:
        return "closed"
    try:
        if stdin.isatty():
            return "terminal"
        status = os.fstat(stdin.fileno())
        null = os.stat(os.devnull)
    except (OSError, ValueError):  # ValueError: the stream is closed, or is none of the operating system's
        return "closed"
    if stat.S_ISCHR(status.st_mode) and status.st_rdev == null.st_rdev:
        return "closed"
    return "pipe"


def connect(settings: ConsoleSettings, context: ConnectionContext) -> Connection:
    """This process's own terminal."""
    from botctl.platforms.console_connection import ConsoleConnection

    return ConsoleConnection(context)


CONSOLE = Platform(
    name="console",
    doc=__doc__,
    settings=ConsoleSettings,
    limits=PlatformLimits(buttons=99),
    connect=connect,
    has_webhook=False,
)
