"""The company: plays many stories, side by side in as many processes as there are processors."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from msgspec import Struct

from botctl.errors import UserError
from botctl.project.stories import LoadedStories
from botctl.sandbox.javascript import JavaScriptPool
from botctl.stories.loop import StoryLoop
from botctl.stories.play import Cast, Played, cast_of, play

_FEW = 8
"""Stories that are played sooner in one process than a second one is begun."""


class Part(Struct, frozen=True, kw_only=True):
    """One story to be played."""

    loaded: LoadedStories
    number: int


class Plan(Struct, frozen=True, kw_only=True):
    """How stories are played. variables: the environment of live ones."""

    folder: Path
    is_live: bool = False
    variables: Mapping[str, str] = {}
    processes: int = 0


class Performance(Struct, frozen=True, kw_only=True):
    """All that was played, in the order of the plan. seconds: of the wall clock."""

    played: Sequence[Played]
    seconds: float


def perform(parts: Sequence[Part], plan: Plan) -> Performance:
    """Play these stories. A bug of botctl itself is raised; what is wrong with a bot is in the result."""
    started = perf_counter()
    processes = min(plan.processes or os.cpu_count() or 1, len(parts))
    # Only where a process can be copied: starting Python and importing everything anew takes longer than most
    # stories do.
    if processes < 2 or sys.platform != "linux" or (not plan.processes and len(parts) < _FEW):
        played = _play_all(parts, plan)
    else:
        global _sharing
        _sharing = (parts, plan)
        shares = [range(first, len(parts), processes) for first in range(processes)]
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(processes, mp_context=context) as pool:
            found = dict(chain.from_iterable(pool.map(_play_share, shares)))
        played = [found[number] for number in range(len(parts))]
    return Performance(played=played, seconds=perf_counter() - started)


_sharing: tuple[Sequence[Part], Plan] = ((), Plan(folder=Path()))
"""What the copies of this process play; a copy has it without being told."""


def _play_share(share: Iterable[int]) -> list[tuple[int, Played]]:
    parts, plan = _sharing
    numbers = list(share)
    return list(zip(numbers, _play_all([parts[number] for number in numbers], plan), strict=True))


def _play_all(parts: Sequence[Part], plan: Plan) -> list[Played]:
    with asyncio.Runner(loop_factory=StoryLoop) as runner, TemporaryDirectory(prefix="botctl-") as folder:
        return runner.run(_play_in_turn(parts, plan, Path(folder)))


async def _play_in_turn(parts: Sequence[Part], plan: Plan, folder: Path) -> list[Played]:
    casts = _Casts(plan)
    pool = JavaScriptPool()
    try:
        return [
            await play(
                part.loaded,
                part.number,
                casts.cast_for(part, folder),
                pool,
                folder / "state",
                is_live=plan.is_live,
            )
            for part in parts
        ]
    finally:
        await pool.close()


@dataclass
class _Casts:
    """The bots by their environments; loading them takes longer than most stories do."""

    plan: Plan
    _loaded: dict[frozenset[tuple[str, str]], Cast] = field(default_factory=dict)
    _folders: int = 0

    def cast_for(self, part: Part, folder: Path) -> Cast:
        """The bots for one story. A story that asks for a folder gets an empty one."""
        story = part.loaded.spec.stories[part.number]
        written = {**part.loaded.spec.env, **story.env}
        if any("<folder>" in value for value in written.values()):
            self._folders += 1
            own = folder / f"story-{self._folders}"
            own.mkdir()
            written = {name: value.replace("<folder>", str(own)) for name, value in written.items()}
        variables = {**self.plan.variables, **written}
        key = frozenset(variables.items())
        if key not in self._loaded:
            self._loaded[key] = cast_of(self.plan.folder, variables)
        return self._loaded[key]


def parts_of(files: Iterable[LoadedStories], pattern: str = "") -> list[Part]:
    """The stories of these files whose bot, file or name has all words of a pattern."""
    words = pattern.casefold().split()
    found = []
    for loaded in files:
        for number, story in enumerate(loaded.spec.stories):
            text = f"{loaded.bot} {loaded.path.name} {story.name}".casefold()
            if all(word in text for word in words):
                found.append(Part(loaded=loaded, number=number))
    return found


def nothing_to_play(pattern: str) -> UserError:
    """Why nothing is played."""
    if pattern:
        return UserError(f"no story has `{pattern}` in its name, file or bot", help="take `-k` away")
    return UserError("there are no stories", help="write some into bots/<bot>/tests/*.yaml")
