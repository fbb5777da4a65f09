"""The gate of the API: who asks, and whether he may; guessed tokens are slowed down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from starlette.requests import Request

from botctl.clock import Clock
from botctl.web.api_operation import Operation, Refusal, Reviewer

TRIES = 10
"""Wrong tokens that one address may send at once."""
SECONDS_PER_TRY = 6
"""After that it may send one more in so many seconds."""
_MOST_ADDRESSES = 10_000
_CHALLENGE = 'Bearer realm="botctl"'


class Doorman(Protocol):
    """Who knows the reviewers by what they send."""

    def by_token(self, token: str) -> Reviewer | None:
        """Whose token this is."""


class Tries:
    """Wrong tokens, counted by address."""

    def __init__(self, clock: Clock, most: int = TRIES) -> None:
        self._clock = clock
        self._most = most
        self._left: dict[str, tuple[float, int]] = {}

    def wait(self, address: str) -> int:
        """How many seconds an address must wait before its next token is looked at; 0: none."""
        left = self._now(address)
        return 0 if left >= 1 else max(1, round((1 - left) * SECONDS_PER_TRY))

    def failed(self, address: str) -> None:
        """A wrong token came from an address."""
        if address not in self._left and len(self._left) >= _MOST_ADDRESSES:
            self._left = {one: kept for one, kept in self._left.items() if self._now(one) < self._most}
        if address not in self._left and len(self._left) >= _MOST_ADDRESSES:
            self._left.clear()
        self._left[address] = (self._now(address) - 1, self._clock.now_ms())

    def _now(self, address: str) -> float:
        left, at_ms = self._left.get(address, (float(self._most), 0))
        return min(float(self._most), left + (self._clock.now_ms() - at_ms) / 1000 / SECONDS_PER_TRY)


class Gate:
    """Lets in who has a token with the right to what he asks, and sessions to what changes nothing."""

    def __init__(self, doorman: Doorman, session: Callable[[Request], Reviewer | None], tries: Tries) -> None:
        """session: whose session a request belongs to."""
        self._doorman = doorman
        self._session = session
        self._tries = tries

    def let_in(self, request: Request, operation: Operation) -> Reviewer:
        """Who asks; a Refusal if nobody knows him, or he may not."""
        reviewer = self._by_token(request)
        if reviewer is None and operation.method == "GET":
            reviewer = self._session(request)
        if reviewer is None:
            raise Refusal(
                401,
                "this needs the token of a reviewer",
                help="send it as `Authorization: Bearer <token>`; botctl.yaml has it under `dashboard`",
                headers={"www-authenticate": _CHALLENGE},
            )
        if operation.right not in reviewer.rights:
            raise Refusal(
                403,
                f"reviewer `{reviewer.name}` has no right to `{operation.right}`",
                help="rights stand in botctl.yaml under `dashboard`",
            )
        return reviewer

    def _by_token(self, request: Request) -> Reviewer | None:
        """Whose token was sent; None if none was."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = token.strip()
        reviewer = self._doorman.by_token(token) if token and token.isascii() else None
        if reviewer is not None:
            return reviewer  # also while its address has to wait: no stranger behind a proxy shuts others out
        address = request.client.host if request.client else ""
        wait = self._tries.wait(address)
        if wait:
            raise Refusal(
                429,
                "too many wrong tokens came from this address",
                help=f"try again in {wait} seconds",
                headers={"retry-after": str(wait)},
            )
        self._tries.failed(address)
        raise Refusal(
            401,
            "no reviewer has this token",
            help="tokens stand in botctl.yaml under `dashboard`",
            headers={"www-authenticate": f'{_CHALLENGE}, error="invalid_token"'},
        )
