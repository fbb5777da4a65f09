"""The address: where the dashboard of this project is served now, told to other processes by a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FILE_NAME = "dashboard.address"


@contextmanager
def told_address(state_folder: Path, url: str) -> Iterator[None]:
    """Tell it as long as this lasts. A process that dies leaves the file behind: whoever reads it asks the
    server whether it is there."""
    path = state_folder / FILE_NAME
    beside = path.with_name(f"{FILE_NAME}.{os.getpid()}")
    beside.write_text(url)
    os.replace(beside, path)
    try:
        yield
    finally:
        with suppress(OSError):
            if path.read_text() == url:
                path.unlink()


def address_of(state_folder: Path) -> str:
    """Where it was served last; "" if nowhere."""
    try:
        return (state_folder / FILE_NAME).read_text().strip()
    except (OSError, ValueError):
        return ""
