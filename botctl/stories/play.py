"""Playing: a story from its first step to its last, or to the first that came otherwise."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from botctl.errors import BotctlError
from botctl.project.load import Bot, Project, load_bot
from botctl.project.stories import BEGINNING, LoadedStories, ModelStub
from botctl.project.workflow_file import refusal
from botctl.sandbox.javascript import JavaScriptPool
from botctl.secrets import Environment
from botctl.source.diagnostic import Diagnostic
from botctl.source.span import Path as Place
from botctl.spec.story import Given, Story, StoryUser, ToolStub
from botctl.store import handoffs, schedules
from botctl.stories.acts import Actors
from botctl.stories.differences import Difference, differences
from botctl.stories.happening import Gap, Happening
from botctl.stories.stage import Person, person
from botctl.stories.world import Setting, World

_FAILED = ("error", "budget")
_NOBODY: Mapping[str, StoryUser | None] = {"user": None}


class Failure(Struct, frozen=True, kw_only=True):
    """Why a story failed: something came otherwise, no stub covers something, or a step could not be done.

    at: the place in the file. others: further differences of the same step.
    """

    at: Place
    step: int
    fact: str
    help: str = ""
    difference: Difference | None = None
    gaps: Sequence[Gap] = ()
    others: Sequence[Difference] = ()


class Played(Struct, frozen=True, kw_only=True):
    """A story that was played. happened: what happened, step by step; work: seconds of processor time."""

    bot: str
    file: Path
    number: int
    name: str
    happened: Sequence[Happening]
    people: Sequence[Person]
    work: float
    failure: Failure | None = None


class Cast(Struct, frozen=True, kw_only=True):
    """The bots of a project, loaded once for all stories that have the same environment. broken: what is
    wrong with those that cannot be loaded."""

    project: Project
    environment: Environment
    bots: Mapping[str, Bot]
    broken: Mapping[str, Sequence[Diagnostic]]


def cast_of(folder: Path, variables: Mapping[str, str]) -> Cast:
    """The bots of the project in a folder."""
    environment = Environment(variables)
    project = Project(folder=folder, environment=environment)
    bots: dict[str, Bot] = {}
    broken: dict[str, Sequence[Diagnostic]] = {}
    for name in project.bot_names():
        bot, diagnostics = load_bot(project, name, environment)
        errors = [one for one in diagnostics if one.severity == "error"]
        if bot is None or errors:
            broken[name] = errors
        else:
            bots[name] = bot
    return Cast(project=project, environment=environment, bots=bots, broken=broken)


async def play(
    loaded: LoadedStories,
    number: int,
    cast: Cast,
    pool: JavaScriptPool,
    folder: Path,
    *,
    is_live: bool = False,
) -> Played:
    """Play one story of a file."""
    started = time.process_time()
    happened: list[Happening] = []
    people = _people(loaded, number)
    try:
        setting = _setting(loaded, number, cast, people, is_live=is_live)
        async with World(setting, pool, folder) as world:
            failure = await _play_steps(world, loaded.spec.stories[number], number, happened)
    except BotctlError as error:
        failure = Failure(
            at=("stories", number, "name"),
            step=0,
            fact=f"the story cannot begin: {error.message}",
            help=error.help or "",
        )
    return Played(
        bot=loaded.bot,
        file=loaded.path,
        number=number,
        name=loaded.spec.stories[number].name,
        happened=happened,
        people=people,
        work=time.process_time() - started,
        failure=failure,
    )


async def _play_steps(world: World, story: Story, number: int, happened: list[Happening]) -> Failure | None:
    """Play step after step, as far as all comes as expected."""
    actors = Actors(world)
    known: set[str] = set()
    for index, step in enumerate(story.steps):
        now = world.new_step()
        happened.append(now)
        try:
            await actors.act(step)
        except BotctlError as error:
            now.refused = error.message
        _gather(world, now, known)
        failure = _judge(story, number, index, now, actors.who(step).name)
        if failure is not None:
            return failure
    return None


def _people(loaded: LoadedStories, number: int) -> tuple[Person, ...]:
    """The users of a story; its own first."""
    file, story = loaded.spec, loaded.spec.stories[number]
    platform = story.platform or file.platform or "console"
    users = {**story.users, **{name: one for name, one in file.users.items() if name not in story.users}}
    return tuple(
        person(name, written or StoryUser(), loaded.bot, platform)
        for name, written in (users or _NOBODY).items()
    )


def _setting(
    loaded: LoadedStories, number: int, cast: Cast, people: tuple[Person, ...], *, is_live: bool
) -> Setting:
    file, story = loaded.spec, loaded.spec.stories[number]
    speaking = tuple(dict.fromkeys([loaded.bot, *(one.bot for one in people)]))
    for name in speaking:
        if name not in cast.bots:
            raise refusal(f"bot `{name}` cannot be tested", cast.broken.get(name, ()))
    tools, real = _tools(file, story)
    given = story if story.codes is not None else file
    return Setting(
        project=cast.project,
        bots=cast.bots,
        speaking=speaking,
        people=people,
        begin=story.now or file.now or BEGINNING,
        environment=cast.environment,
        models=_models(loaded, number),
        tools=tools,
        real=real,
        given=given,
        is_live=is_live,
    )


def _models(loaded: LoadedStories, number: int) -> list[ModelStub] | None:
    """The stubs of a story, its own first; None to use the bots' own scripts."""
    story, file = loaded.spec.stories[number], loaded.spec
    own = _stubs(loaded, ("stories", number), story)
    if story.models == "script" or (story.models is None and file.models == "script"):
        return None
    return own + _stubs(loaded, (), file)


def _stubs(loaded: LoadedStories, at: Place, given: Given) -> list[ModelStub]:
    written = given.models if isinstance(given.models, list) else []
    return [loaded.models[*at, "models", number] for number in range(len(written))]


def _tools(file: Given, story: Given) -> tuple[dict[str, list[ToolStub]], frozenset[str]]:
    stubs: dict[str, list[ToolStub]] = {}
    real: set[str] = set()
    for given in (story, file):
        if given.tools == "real":
            real.add("*")
            continue
        assert isinstance(given.tools, dict)
        for name, written in given.tools.items():
            if written == "real":
                real.add(name)
            else:
                stubs.setdefault(name, []).extend(written)
    return stubs, frozenset(real)


def _gather(world: World, now: Happening, known: set[str]) -> None:
    """What is in the store after a step."""
    read = world.app.database.read
    rows = read(lambda connection: handoffs.latest(connection, most=100))
    for row in reversed(rows):
        if row.id not in known:
            known.add(row.id)
            now.handoffs.append((row.reason, row.node, row.reviewers))
    pending = read(lambda connection: schedules.latest(connection, bot=None, status="pending", most=100))
    now.schedules = [
        (row.next_at, row.text, row.every, row.key, world.witness.said_by(row.text).node) for row in pending
    ]
    last = next(reversed(world.witness.roots.values()), None)
    if last is None:
        return
    now.variables = last.run.variables
    now.status = last.status.value
    now.error = last.error_message
    now.micro_cents = last.micro_cents or 0


def _judge(story: Story, number: int, index: int, now: Happening, actor: str) -> Failure | None:
    step = story.steps[index]
    at: Place = ("stories", number, "steps", index)
    if now.gaps:
        return Failure(at=at, step=index, fact=now.gaps[0].fact, gaps=tuple(now.gaps))
    if now.refused:
        return Failure(at=at, step=index, fact=now.refused)
    found = list(differences(step, actor, now))
    if found:
        first, *others = found
        return Failure(
            at=(*at, *first.at), step=index, fact=first.fact, difference=first, others=tuple(others)
        )
    if now.status in _FAILED and step.status is None and step.error is None:
        failed = next((visit for visit in reversed(now.visits) if visit.error), None)
        where = f" at `{failed.spot.node}`" if failed else ""
        return Failure(
            at=at,
            step=index,
            fact=f"the run failed{where}: {now.error}",
            help=f"if it should, write `status: {now.status}`",
        )
    return None
