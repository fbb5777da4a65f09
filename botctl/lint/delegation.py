"""Delegations: which bots of a project let which others answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from os.path import isfile
from typing import Any

from botctl.project.load import Project
from botctl.project.workflow_file import load_workflow

_LONG_ENOUGH = 5
"""Bots in a chain that is too long."""


class Delegations:
    """Whom each bot may delegate to, by name. Bots are read when it is first asked for, and only then."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._of: dict[str, tuple[str, ...]] = {}

    @cached_property
    def _names(self) -> dict[str, str]:
        """The name of each bot by the id and the name that stand in its bot.yaml."""
        names: dict[str, str] = {}
        for name, path in self._project.bot_files.items():
            document, _ = self._project.read(path)
            id = document.get(("id",)) if document is not None else None
            if isinstance(id, str) and id:
                names[id] = name
        return {**{name: name for name in self._project.bot_files}, **names}

    def name_of(self, target: str) -> str | None:
        """The name of the bot that `target` means: an `id`, else a name."""
        return self._names.get(target)

    def of(self, bot: str) -> tuple[str, ...]:
        """The names of the bots that a bot may call by itself."""
        if bot not in self._of:
            found = (self.name_of(target) for target in self._targets(bot))
            self._of[bot] = tuple(dict.fromkeys(name for name in found if name is not None))
        return self._of[bot]

    def circle_over(self, bot: str, target: str) -> tuple[str, ...]:
        """See `Surroundings.circle_over`."""
        name = self.name_of(target)
        return self.circle(bot, name) if name is not None else ()

    def chain_over(self, bot: str, target: str) -> tuple[str, ...]:
        """See `Surroundings.chain_over`; () where there is a circle, which is told by itself."""
        name = self.name_of(target)
        chain = self.longest(bot, name, _LONG_ENOUGH) if name is not None else ()
        return () if any(self.circle(one, other) for one, other in pairwise(chain)) else chain

    def circle(self, bot: str, target: str) -> tuple[str, ...]:
        """The bots on a shortest way from `bot` over `target` back to it; () if there is none."""
        before = {target: bot}
        waiting = deque([target])
        while waiting:
            here = waiting.popleft()
            if here == bot:
                way = [before[bot]]
                while way[-1] != bot:
                    way.append(before[way[-1]])
                return tuple(reversed(way))
            for name in self.of(here):
                if name not in before:
                    before[name] = here
                    waiting.append(name)
        return ()

    def longest(self, bot: str, target: str, most: int) -> tuple[str, ...]:
        """A longest chain of different bots that begins with these two, of `most` at most."""
        best: tuple[str, ...] = ()
        waiting: list[tuple[str, ...]] = [(bot, target)] if bot != target else []
        while waiting and len(best) < most:
            chain = waiting.pop()
            best = max(best, chain, key=len)
            waiting += [(*chain, name) for name in self.of(chain[-1]) if name not in chain]
        return best

    def _targets(self, bot: str) -> Iterator[str]:
        path = self._project.bot_files.get(bot)
        document = self._project.read(path)[0] if path is not None else None
        value: Any = document.value if document is not None else None
        if path is None or not isinstance(value, dict):
            return
        file = value.get("workflow")
        if not isinstance(file, str) or not file or value.get("workflow_enabled") is False:
            delegate = value.get("delegate")
            yield from (one for one in delegate if isinstance(one, str)) if isinstance(delegate, list) else ()
            return
        if not isfile(path.parent / file):
            return
        graph = load_workflow(path.parent / file).graph
        for node in graph.nodes.values() if graph is not None else ():
            if node.type.name == "delegate_to_bot" and "{{" not in node.data.target_bot_id:
                yield node.data.target_bot_id
