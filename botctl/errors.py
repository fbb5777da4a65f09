"""Errors, sorted by who has to act: the reader of the YAML, an outside service, or (anything else) us."""

from __future__ import annotations


class BotctlError(Exception):
    """An expected error: one sentence of fact and, where there is one, a way out."""

    def __init__(self, message: str, *, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class UserError(BotctlError):
    """Something written or configured by the user must change before this can work."""


class UsageError(UserError):
    """The command line itself cannot be understood (exit code 2)."""


class OutsideError(BotctlError):
    """A service outside this process did not do what was asked.

    retryable: trying the same again later may well succeed.
    not_executed: the service surely did not act on the request (connection refused, 429), so that even a
        call with an effect may be repeated.
    retry_after: seconds the service asked us to wait, if it said so.
    tried_again: whoever raises it has tried again already, as often as makes sense.
    """

    tried_again = False

    def __init__(
        self,
        message: str,
        *,
        help: str | None = None,
        retryable: bool = False,
        not_executed: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, help=help)
        self.retryable = retryable
        self.not_executed = not_executed
        self.retry_after = retry_after


class InDoubtError(OutsideError):
    """A call with an effect was interrupted; whether it happened is unknown, so it is not repeated."""
