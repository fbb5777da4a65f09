"""The fallback chain: the next model, when the one before it is down."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from botctl.errors import OutsideError
from botctl.llm.chat import ChatModel, ChatReply, ChatRequest


class Candidate(Struct, frozen=True, kw_only=True):
    """One model of a chain, which tries again by itself. name: as notes and errors call it, as `groq`."""

    name: str
    model: ChatModel


class FallbackModel:
    """Models that stand in for one another, asked in order until one answers.

    The next is asked when one is down: an OutsideError that is retryable, or that surely came before anything
    was done, after all tries of its own. A UserError or any other OutsideError ends the chain, and a refusal
    is an answer. A request's own model is a name that the first one knows; the others are asked for theirs.
    The reply's notes tell who was down and who answered.
    """

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        if not candidates:
            raise ValueError("a chain of no models")
        self._candidates = tuple(candidates)

    async def reply(self, request: ChatRequest) -> ChatReply:
        """Ask until one answers. OutsideError when all are down; it tells of each."""
        troubles: list[tuple[str, OutsideError]] = []
        for candidate in self._candidates:
            asked = replace(request, model="") if troubles else request
            try:
                reply = await candidate.model.reply(asked)
            except OutsideError as error:
                if not (error.retryable or error.not_executed):
                    raise
                troubles.append((candidate.name, error))
            else:
                notes = tuple(_note(name, error, candidate.name) for name, error in troubles)
                return replace(reply, notes=(*notes, *reply.notes)) if notes else reply
        raise _all_down(troubles)

    async def close(self) -> None:
        """Let go of all connections."""
        for candidate in self._candidates:
            await candidate.model.close()


def _note(name: str, error: OutsideError, answered: str) -> str:
    charged = "" if error.not_executed else " (which may have charged for it)"
    return f"{answered} answered instead of {name}{charged}: {error.message}"


def _all_down(troubles: list[tuple[str, OutsideError]]) -> OutsideError:
    if len(troubles) == 1:
        return troubles[0][1]
    errors = [error for _, error in troubles]
    waits = [error.retry_after for error in errors if error.retry_after is not None]
    told = OutsideError(
        "no model answered: " + "; ".join(error.message for error in errors),
        help=next((error.help for error in errors if error.help), None),
        retryable=any(error.retryable for error in errors),
        not_executed=all(error.not_executed for error in errors),
        retry_after=min(waits, default=None),
    )
    told.tried_again = any(error.tried_again for error in errors)
    return told
