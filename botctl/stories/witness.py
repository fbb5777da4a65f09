"""The witness: sees what the engine does in a story, and kills the process where a step wants it dead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from botctl.engine.journal import Visit as EngineVisit
from botctl.engine.life import Life
from botctl.engine.run import Token
from botctl.engine.transition import Failure
from botctl.execution.outcome import Call, Done, End, Iterate, Proactive, Schedule, Ticket, Wait
from botctl.spec.story import Crash
from botctl.stories.happening import SPOT, TURNS, Scene, Spot, Visit

_NOWHERE = Spot()


class Witness:
    """See `Observer`. crash: where the process dies next; kill: how. roots: the runs that users talk to, by
    id, as they were left last in this step."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._sayers: dict[str, Spot] = {}
        self.crash: Crash | None = None
        self.kill: Callable[[], None] = lambda: None
        self.roots: dict[str, Life] = {}
        self._dies_with_next_commit = False

    def began(self, life: Life) -> None:
        """See `Observer.began`."""

    def entered(self, life: Life, token: Token, seq: int) -> None:
        """See `Observer.entered`."""
        spot = Spot(life.program.bot.name, token.node, life.id)
        SPOT.set(spot)
        if self.crash is not None and _is_at(self.crash.before, spot):
            self._die(spot, life.run.wave)

    def visited(self, life: Life, visit: EngineVisit) -> None:
        """See `Observer.visited`."""
        token, outcome = visit.result.token, visit.result.outcome
        spot = Spot(life.program.bot.name, token.node, life.id)
        said = outcome.say if isinstance(outcome, Done | Wait) else ()
        for one in said:
            self._sayers[one.text] = spot
        type = life.program.graph.nodes[token.node].type.name
        if token.caught and type == "error_handler" and not said:
            self._sayers.setdefault(
                getattr(life.program.graph.nodes[token.node].data, "fallback_message", ""), spot
            )
        if isinstance(outcome, Done):
            self._scene.now.writers |= dict.fromkeys(outcome.writes, token.node)
        orders = outcome.orders if isinstance(outcome, Done | Wait) else ()
        for order in orders:
            if isinstance(order, Schedule | Proactive):
                self._sayers[order.text] = spot
        self._scene.now.visits.append(
            Visit(
                spot=spot,
                type=type,
                handle=outcome.handle if isinstance(outcome, Done) else "",
                what=_what(outcome),
                error=outcome.message if isinstance(outcome, Failure) else "",
                notes=tuple(visit.log.notes),
                depth=life.depth,
                iteration=token.frame,
                wave=visit.wave if token.waiting is None else life.run.wave,
                tickets=tuple(order.subject for order in orders if isinstance(order, Ticket)),
            )
        )
        if self.crash is None:
            return
        if _is_at(self.crash.during, spot):
            self._die(spot, self._scene.now.visits[-1].wave)
        self._dies_with_next_commit |= _is_at(self.crash.after, spot)

    def left(self, life: Life) -> None:
        """See `Observer.left`."""
        if life.depth == 0:
            self.roots.pop(life.id, None)
            self.roots[life.id] = life

    def committed(self) -> None:
        """A group of writes is on disk."""
        if self._dies_with_next_commit:
            self._dies_with_next_commit = False
            self._die(_NOWHERE, -1)

    def said_by(self, text: str) -> Spot:
        """The node that said a text; none if it was the bot itself."""
        return self._sayers.get(text, _NOWHERE)

    def _die(self, spot: Spot, wave: int) -> None:
        """Nothing that was under way goes on; the wave that is not on disk never happened."""
        now = self._scene.now
        now.visits = [visit for visit in now.visits if (visit.spot.run, visit.wave) != (spot.run, wave)]
        now.died = True
        self.crash = None
        self.kill()
        raise asyncio.CancelledError


def _is_at(place: str, spot: Spot) -> bool:
    return bool(place) and place in (spot.node, f"{spot.bot}/{spot.node}")


def _what(outcome: object) -> str:
    match outcome:
        case Wait():
            return "waits"
        case Iterate():
            return TURNS
        case Call(bot):
            return f"calls {bot}"
        case End():
            return "ends"
        case Failure():
            return "failed"
    return ""
