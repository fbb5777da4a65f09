"""A chat with a sample in a terminal: lines in, lines out, by a real process."""

from __future__ import annotations

import re
import subprocess
import threading
from pathlib import Path
from types import TracebackType

from tests.cli.test_commands import BOTCTL, ROOT

_PATIENCE = 40.0  # seconds until a chat that hangs is ended


class Chat:
    """Somebody who talks to a bot through pipes. Use it as a context manager: it ends with the input."""

    def __init__(self, project: Path, bot: str) -> None:
        self.heard: list[str] = []
        self._process = subprocess.Popen(
            [*BOTCTL, "run", bot],
            cwd=project,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )
        self._watchdog = threading.Timer(_PATIENCE, self._process.kill)

    def __enter__(self) -> Chat:
        self._watchdog.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._watchdog.cancel()

    def say(self, text: str) -> None:
        """Type a line."""
        assert self._process.stdin
        self._process.stdin.write(text + "\n")

    def hear(self, pattern: str) -> str:
        """Read until a line has this; what its first group, or the whole pattern, found."""
        assert self._process.stdout
        for line in self._process.stdout:
            self.heard.append(line.rstrip("\n"))
            found = re.search(pattern, line)
            if found:
                return found[found.re.groups and 1]
        raise AssertionError(f"never heard {pattern!r}, but: {self.heard}")

    def verify(self, email: str) -> None:
        """Give an email address and type the code that is printed for it."""
        self.hear("(Which email|your email) address")
        self.say(email)
        code = self.hear(r"the code for \S+ is (\d{6})")
        self.hear("six-digit code")
        self.say(code)


def sample_project(folder: Path) -> Path:
    """The samples, with a state of their own."""
    for name in ("bots", "workspaces"):
        (folder / name).symlink_to(ROOT / name)
    return folder
