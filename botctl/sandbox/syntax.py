"""The syntax of JavaScript, checked by a child without running the code: what the linter asks."""

from __future__ import annotations

import json
from collections.abc import Sequence

from botctl.errors import UserError
from botctl.sandbox.command import REINSTALL, split_message, syntax_message, worker_command

# Seconds for all codes together, with the start of the child.
DEADLINE = 5.0

Fault = tuple[str, int, int]


class SyntaxCheck:
    """A check that runs while the caller does something else: make it early, ask for `faults` late.

    UserError when the child cannot be started.
    """

    def __init__(self, codes: Sequence[str], *, deadline: float = DEADLINE) -> None:
        import subprocess

        self._codes = list(codes)
        self._deadline = deadline
        self._child: subprocess.Popen[bytes] | None = None
        if not self._codes:
            return
        try:
            self._child = subprocess.Popen(
                worker_command(deadline),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise UserError(f"the JavaScript process cannot start: {error}", help=REINSTALL) from error

    def faults(self) -> list[Fault | None]:
        """Per code None, or what is wrong: message, line and column in the code, both from 1. Ask once.

        A code that cannot even be read in time gets that as its fault.
        """
        if self._child is None:
            return []
        answer = self._answer()
        if answer is not None:
            return answer
        if len(self._codes) == 1:
            return [("the code takes too much time or memory to read", 1, 1)]
        # One of them is too much: each on its own then, so that it alone is blamed.
        alone = min(self._deadline, 1.0)
        return [SyntaxCheck([code], deadline=alone).faults()[0] for code in self._codes]

    def _answer(self) -> list[Fault | None] | None:
        """The worker's verdicts; None if it did not come to any."""
        import subprocess

        assert self._child is not None
        try:
            received, _ = self._child.communicate(syntax_message(self._codes), timeout=self._deadline)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.communicate()
            return None
        first = split_message(received)
        if first is None or first[0] != "y":
            told = "" if first is None else ": " + first[1].decode("utf-8", "replace")
            raise UserError(f"the JavaScript process cannot start{told}", help=REINSTALL)
        second = split_message(received[5:])
        if second is None or second[0].lower() != "o":
            return None
        verdicts = json.loads(json.loads(second[1]))
        return [None if verdict is None else (verdict[0], verdict[1], verdict[2]) for verdict in verdicts]


def syntax_errors(codes: Sequence[str]) -> list[Fault | None]:
    """Per code None, or message, line and column of its first error, both from 1. One child for all."""
    return SyntaxCheck(codes).faults()


def syntax_error(code: str) -> Fault | None:
    """Message, line and column of the first syntax error, both from 1, or None."""
    return syntax_errors([code])[0]
