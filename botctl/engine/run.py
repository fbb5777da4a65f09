"""The run: where its tokens stand, which loops turn, what is set. Plain values; transitions move them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.json import Encoder
from msgspec.structs import asdict

from botctl.execution.outcome import Decision, Event, Link, Reply, Return, Until, WaitFor
from botctl.messages import Attachment, Button, Said

Frame = tuple[tuple[str, int], ...]
"""The loop iterations around a token, outermost first: () at the top, (("l", 2),) in the third of loop l."""

TOP: Frame = ()

_encoder = Encoder()


def encode(value: Any) -> str:
    """A JSON value as compact text. Not `json.dumps`: it is a sixth of all that the engine does."""
    return _encoder.encode(value).decode()


class RunStatus(StrEnum):
    """The states of a run, each with its sentence."""

    RUNNING = "running"
    """Some node can be executed now."""
    WAITING = "waiting"
    """Every token waits for something outside, or is held up by one that does."""
    COMPLETED = "completed"
    """No token and no loop is left, or the conversation was ended."""
    ERROR = "error"
    """A node failed and nothing caught it, or a limit would have been passed."""
    BUDGET = "budget"
    """A model call could have cost more than a cap or the wallet allows; there may be more later."""
    CANCELLED = "cancelled"
    """A person or a reset ended it."""


FAILED = (RunStatus.ERROR, RunStatus.BUDGET)
"""Over, and not as the workflow meant: the user hears so, and a person may retry it."""


class Waiting(Struct, frozen=True):
    """A token whose node was begun and waits. seq and wave are those of the step that began."""

    seq: int
    wave: int
    started_at: int
    for_: tuple[WaitFor, ...]
    state: Any = None
    event: Event | None = None


class Token(Struct, frozen=True):
    """A place where a run stands. caught: an error handler that was entered by an error."""

    node: str
    frame: Frame = TOP
    caught: bool = False
    waiting: Waiting | None = None


class Turning(Struct, frozen=True):
    """A loop that iterates. frame: where the loop itself stands; index: its current iteration."""

    node: str
    frame: Frame
    index: int
    item_variable: str
    items: tuple[Any, ...] | None
    condition: str
    limit: int

    @property
    def iteration(self) -> Frame:
        """The frame of the current iteration."""
        return (*self.frame, (self.node, self.index))


@dataclass(slots=True)
class Run:
    """One execution, as far as it has come. tokens and loops keep their order of arrival.

    ran: for each frame the nodes that have run in it. said: messages not yet handed over. failure: the first
    uncaught error. ended: end_conversation was reached. stuck: of a run that failed, where it stood with the
    failed nodes still to be executed, so that it can be retried. asked: what the caller of a called run asks;
    its triggers take it for the message.
    """

    variables: dict[str, Any]
    tokens: list[Token] = field(default_factory=list)
    loops: list[Turning] = field(default_factory=list)
    ran: dict[Frame, frozenset[str]] = field(default_factory=dict)
    wave: int = 0
    steps: int = 0
    executed_top: int = 0
    executed_inside: int = 0
    said: list[Said] = field(default_factory=list)
    not_followed: list[tuple[str, str]] = field(default_factory=list)
    failure: str = ""
    ended: bool = False
    stuck: Run | None = None
    asked: str = ""

    def copy(self) -> Run:
        """A run that can be changed without changing this one."""
        return Run(
            self.variables.copy(),
            self.tokens.copy(),
            self.loops.copy(),
            self.ran.copy(),
            self.wave,
            self.steps,
            self.executed_top,
            self.executed_inside,
            self.said.copy(),
            self.not_followed.copy(),
            self.failure,
            self.ended,
            self.stuck,
            self.asked,
        )

    @property
    def waits(self) -> list[WaitFor]:
        """All that its tokens wait for, those that were woken left out."""
        return [
            wait
            for token in self.tokens
            if token.waiting is not None and token.waiting.event is None
            for wait in token.waiting.for_
        ]

    @property
    def executed(self) -> int:
        """All executions of nodes so far."""
        return self.executed_top + self.executed_inside

    @property
    def is_over(self) -> bool:
        """Nothing is left to do."""
        return bool(self.failure or self.ended or not (self.tokens or self.loops))

    def to_json(self) -> str:
        """The run as JSON text, for the store."""
        state: dict[str, Any] = {
            "variables": self.variables,
            "wave": self.wave,
            "steps": self.steps,
            "executed": [self.executed_top, self.executed_inside],
        }
        state.update(_places_to_json(self))
        if self.said:
            state["said"] = [said_to_json(said) for said in self.said]
        if self.not_followed:
            state["not_followed"] = self.not_followed
        if self.asked:
            state["asked"] = self.asked
        if self.stuck is not None:
            state["stuck"] = _places_to_json(self.stuck)
        return encode(state)


def run_from_json(text: str) -> Run:
    """The inverse of `Run.to_json`; failure and ended are not stored, as such a run is over."""
    state = json.loads(text)
    run = Run(
        variables=state["variables"],
        wave=state["wave"],
        steps=state["steps"],
        executed_top=state["executed"][0],
        executed_inside=state["executed"][1],
        said=[_said_from_json(said) for said in state.get("said", ())],
        not_followed=[(source, target) for source, target in state.get("not_followed", ())],
    )
    run.asked = state.get("asked", "")
    _take_places(run, state)
    if "stuck" in state:
        run.stuck = Run(run.variables)
        _take_places(run.stuck, state["stuck"])
    return run


def _places_to_json(run: Run) -> dict[str, Any]:
    """Where a run stands: its tokens, its loops, and what has run around them."""
    places: dict[str, Any] = {}
    if run.tokens:
        places["tokens"] = [_token_to_json(token) for token in run.tokens]
    if run.loops:
        places["loops"] = [
            [loop.node, loop.frame, loop.index, loop.item_variable, loop.items, loop.condition, loop.limit]
            for loop in run.loops
        ]
    if places:
        places["ran"] = [[frame, sorted(nodes)] for frame, nodes in run.ran.items()]
    return places


def _take_places(run: Run, places: dict[str, Any]) -> None:
    run.tokens = [_token_from_json(token) for token in places.get("tokens", ())]
    run.loops = [
        Turning(node, _frame(frame), index, item, None if items is None else tuple(items), condition, limit)
        for node, frame, index, item, items, condition, limit in places.get("loops", ())
    ]
    run.ran = {_frame(frame): frozenset(nodes) for frame, nodes in places.get("ran", ())}


def frame_text(frame: Frame) -> str:
    """A frame as the store keeps it: JSON, or "" at the top."""
    return encode(frame) if frame else ""


def said_to_json(said: Said) -> Any:
    """A message as JSON: its text alone where it has nothing else."""
    if not said.buttons and not said.attachments:
        return said.text
    return {
        "text": said.text,
        "buttons": [[button.label, button.value] for button in said.buttons],
        "attachments": [asdict(attachment) for attachment in said.attachments],
    }


def _said_from_json(value: Any) -> Said:
    if isinstance(value, str):
        return Said(text=value)
    return Said(
        text=value["text"],
        buttons=tuple(Button(label=label, value=button) for label, button in value["buttons"]),
        attachments=tuple(Attachment(**attachment) for attachment in value["attachments"]),
    )


def _frame(value: Any) -> Frame:
    return tuple((loop, index) for loop, index in value)


def _token_to_json(token: Token) -> list[Any]:
    waiting = token.waiting
    if waiting is None:
        return [token.node, token.frame, token.caught]
    event = [waiting.event.kind, waiting.event.value] if waiting.event else None
    for_ = [_wait_to_json(wait) for wait in waiting.for_]
    begun = [waiting.seq, waiting.wave, waiting.started_at, for_, waiting.state, event]
    return [token.node, token.frame, token.caught, begun]


def _token_from_json(value: list[Any]) -> Token:
    node, frame, caught, *begun = value
    if not begun:
        return Token(node, _frame(frame), caught)
    seq, wave, started_at, for_, state, event = begun[0]
    waiting = Waiting(
        seq,
        wave,
        started_at,
        tuple(_wait_from_json(wait) for wait in for_),
        state,
        Event(event[0], event[1]) if event else None,
    )
    return Token(node, _frame(frame), caught, waiting)


def _wait_to_json(wait: WaitFor) -> list[Any]:
    match wait:
        case Reply():
            return ["reply"]
        case Decision(handoff_id):
            return ["decision", handoff_id]
        case Link(token_hash):
            return ["link", token_hash]
        case Until(at_ms):
            return ["until", at_ms]
        case Return(call):
            return ["return", call]


def _wait_from_json(value: list[Any]) -> WaitFor:
    match value:
        case ["reply"]:
            return Reply()
        case ["decision", handoff_id]:
            return Decision(handoff_id)
        case ["link", token_hash]:
            return Link(token_hash)
        case ["until", at_ms]:
            return Until(at_ms)
        case ["return", call]:
            return Return(call)
    raise ValueError(f"a stored wait of an unknown kind: {value!r}")
