"""The runner's lock: one process runs a bot; the operating system lets go of it however the process dies."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from botctl.errors import UserError


class RunnerLock:
    """An exclusive lock on `<state>/<bot>.lock`. The file tells the number of the process that holds it."""

    def __init__(self, state_folder: Path, bot: str) -> None:
        self.bot = bot
        self._path = state_folder / f"{bot}.lock"
        self._file = -1

    def __enter__(self) -> RunnerLock:
        """Take the lock; a UserError that says who holds it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        if not _lock(file):
            holder = os.read(file, 32).decode(errors="replace").strip() or "another process"
            os.close(file)
            raise UserError(
                f"bot `{self.bot}` is already running (process {holder})",
                help="stop that one first, or ask it with `botctl status`",
            )
        os.truncate(file, 0)
        os.write(file, str(os.getpid()).encode())
        self._file = file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)


def holder_of(state_folder: Path, bot: str) -> str:
    """The process that runs a bot, "" if nobody does."""
    path = state_folder / f"{bot}.lock"
    if not path.exists():
        return ""
    file = os.open(path, os.O_RDWR)
    try:
        return "" if _lock(file) else os.read(file, 32).decode(errors="replace").strip()
    finally:
        os.close(file)


def holders(state_folder: Path) -> dict[str, str]:
    """The bots that run on this state, each with its process."""
    bots = sorted(path.stem for path in state_folder.glob("*.lock"))
    held = ((bot, holder_of(state_folder, bot)) for bot in bots)
    return {bot: process for bot, process in held if process}


def _lock(file: int) -> bool:
    if os.name == "nt":
        import msvcrt

        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
