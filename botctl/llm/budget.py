"""The end of a budget: the error of a call that was not made, because too little is left for it."""

from __future__ import annotations

from botctl.errors import UserError


class OverBudgetError(UserError):
    """A model was not asked: the call could have cost more than is left. cap_message: what the user hears."""

    def __init__(self, message: str, *, help: str | None = None, cap_message: str = "") -> None:
        super().__init__(message, help=help)
        self.cap_message = cap_message
