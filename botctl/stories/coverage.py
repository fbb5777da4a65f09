"""Coverage: which nodes of a workflow run in no story, and which ways out are taken in none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from botctl.project.graph import ERROR, LOOP_BODY, LOOP_DONE, Graph
from botctl.project.load import Bot
from botctl.source.diagnostic import Diagnostic
from botctl.source.rule import Finding
from botctl.stories.happening import Visit
from botctl.stories.play import Played

NODE, HANDLE = "ST401", "ST402"


class Coverage(Struct, frozen=True, kw_only=True):
    """What of a bot's workflow its stories, and those of others that delegate to it, have seen."""

    bot: str
    nodes: int
    nodes_run: int
    handles: int
    handles_taken: int
    missed: Sequence[Diagnostic]

    @property
    def percent(self) -> float:
        """Of nodes and handles together."""
        whole = self.nodes + self.handles
        return 100.0 * (self.nodes_run + self.handles_taken) / whole if whole else 100.0


def coverage_of(bots: Mapping[str, Bot], played: Iterable[Played], names: Iterable[str]) -> list[Coverage]:
    """The coverage of these bots; those without a workflow are left out."""
    runs: dict[str, dict[str, list[Visit]]] = {}
    for number, one in enumerate(played):
        for now in one.happened:
            for visit in now.visits:
                key = f"{number}/{visit.spot.run}"
                runs.setdefault(visit.spot.bot, {}).setdefault(key, []).append(visit)
    return [
        _coverage(bots[name], list(runs.get(name, {}).values()))
        for name in names
        if name in bots and bots[name].graph is not None
    ]


def _coverage(bot: Bot, runs: Sequence[Sequence[Visit]]) -> Coverage:
    graph = bot.graph
    assert graph is not None
    run = {visit.spot.node for visits in runs for visit in visits}
    wired = [(edge.source, edge.handle) for edge in graph.edges]
    handles = list(dict.fromkeys(wired))
    taken = {way for visits in runs for way in _taken(graph, visits)}
    return Coverage(
        bot=bot.spec.name,
        nodes=len(graph.nodes),
        nodes_run=len(run & graph.nodes.keys()),
        handles=len(handles),
        handles_taken=len(taken & set(handles)),
        missed=list(_missed(bot, graph, run, taken)),
    )


def _taken(graph: Graph, visits: Sequence[Visit]) -> Iterator[tuple[str, str]]:
    """The ways out that one run took."""
    for visit in visits:
        node = visit.spot.node
        if visit.handle:
            yield node, visit.handle
        if visit.error:
            yield node, ERROR
        if visit.iteration:
            yield visit.iteration[-1][0], LOOP_BODY
    for loop in graph.loops:
        after = set(graph.targets(loop, LOOP_DONE))
        turned = False
        for visit, following in pairwise(visits):
            turned |= visit.spot.node == loop and not visit.error
            if turned and following.spot.node in after:
                yield loop, LOOP_DONE


def _missed(bot: Bot, graph: Graph, run: set[str], taken: set[tuple[str, str]]) -> Iterator[Diagnostic]:
    document = bot.workflow_document
    if document is None:
        return
    if not run:
        finding = Finding(
            f"no story leads into the workflow of bot `{bot.spec.name}`",
            at=("nodes",),
            key=True,
            label="none of these nodes runs",
            help="write stories into the folder `tests` of the bot",
        )
        yield document.diagnose(NODE, "warning", finding)
        return
    for node in graph.nodes.values():
        if node.id not in run:
            finding = Finding(
                f"node `{node.id}` runs in no story",
                at=(*node.path, "id"),
                label="never reached",
                help="write a story that leads here",
            )
            yield document.diagnose(NODE, "warning", finding)
    told: set[tuple[str, str]] = set()
    for edge in graph.edges:
        way = (edge.source, edge.handle)
        if edge.source not in run or way in taken or way in told:
            continue  # of a node that never runs it goes without saying
        told.add(way)
        finding = Finding(
            f"`{edge.source}` is left by `{edge.handle}` in no story",
            at=edge.path,
            label=f"never followed to `{edge.target}`",
            help=f"write a story in which `{edge.source}` goes this way",
        )
        yield document.diagnose(HANDLE, "warning", finding)
