"""The observer: whoever is told what the engine does while it does it, for spans, counts and logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from botctl.engine.journal import Visit
from botctl.engine.life import Life
from botctl.engine.run import Token


class Observer(Protocol):
    """Told by the interpreter, in the task that does the work, so that it may set context variables.

    It must be quick, must not raise, and changes nothing. Calls of one run come in this order: `began`; for
    each execution of a node `entered` and `visited`, those of a wave side by side; `left`. An execution that
    is cut off, as when the process stops, is not visited; `left` comes always.
    """

    def began(self, life: Life) -> None:
        """A run begins, or goes on: woken, retried, or taken up after a crash."""

    def entered(self, life: Life, token: Token, seq: int) -> None:
        """The node of a token is about to be executed. seq: the number of the step, unique in its wave."""

    def visited(self, life: Life, visit: Visit) -> None:
        """A node was executed; the wave is not on disk yet. `visit.result.outcome` tells what came of it."""

    def left(self, life: Life) -> None:
        """A run is over, waits (`life.status`), or is cut off (it is still running then)."""


class Nobody:
    """Looks at nothing."""

    def began(self, life: Life) -> None:
        """Nothing."""

    def entered(self, life: Life, token: Token, seq: int) -> None:
        """Nothing."""

    def visited(self, life: Life, visit: Visit) -> None:
        """Nothing."""

    def left(self, life: Life) -> None:
        """Nothing."""


NOBODY = Nobody()


class Observers:
    """Several observers as one; they are told of a beginning in order, of an end in reverse."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)
        self._reversed = tuple(reversed(self._observers))

    def began(self, life: Life) -> None:
        """See `Observer.began`."""
        for observer in self._observers:
            observer.began(life)

    def entered(self, life: Life, token: Token, seq: int) -> None:
        """See `Observer.entered`."""
        for observer in self._observers:
            observer.entered(life, token, seq)

    def visited(self, life: Life, visit: Visit) -> None:
        """See `Observer.visited`."""
        for observer in self._reversed:
            observer.visited(life, visit)

    def left(self, life: Life) -> None:
        """See `Observer.left`."""
        for observer in self._reversed:
            observer.left(life)
