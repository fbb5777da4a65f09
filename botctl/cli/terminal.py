"""The terminal: the only file that knows colours and tables."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO

_COLOURS = {
    "error": "1;31",
    "warning": "1;33",
    "good": "32",
    "bold": "1",
    "dim": "2",
    "place": "1;34",
    "help": "1;36",
}


def _takes_colours(stream: TextIO) -> bool:
    """Whether a stream is a terminal that takes colours, and NO_COLOR is not set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, style: str) -> str:
    """`text` in a named style where standard output takes colours."""
    return _painted(text, style) if _takes_colours(sys.stdout) else text


def paint_error(text: str, style: str) -> str:
    """The same for standard error."""
    return _painted(text, style) if _takes_colours(sys.stderr) else text


def _painted(text: str, style: str) -> str:
    code = _COLOURS.get(style)
    return f"\x1b[{code}m{text}\x1b[0m" if code else text


def print_json(value: Any) -> None:
    """JSON for other programs, indented for people."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """A table: drawn by rich on a terminal, lines of tab-separated fields elsewhere."""
    if not rows:
        print(empty, file=sys.stderr)
        return
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(_plain(cell) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*[Text(_plain(cell), style=_status_style(cell)) for cell in row])
    Console().print(table)


def _plain(text: str) -> str:
    """Without control characters: what users and models wrote must not steer the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def plain_lines(text: str) -> str:
    """The same for a text of several lines."""
    return "\n".join(_plain(line) for line in text.split("\n"))


def _status_style(cell: str) -> str:
    return {"error": "red", "completed": "green", "waiting": "yellow", "running": "cyan"}.get(cell, "")
