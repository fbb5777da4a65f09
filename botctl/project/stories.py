"""The stories of a project: the files bots/<bot>/tests/*.yaml, read, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from botctl.errors import UserError
from botctl.llm.providers.scripted import ScriptEntry, line_of
from botctl.platforms import PLATFORMS
from botctl.project.load import Project
from botctl.source.diagnostic import Diagnostic
from botctl.source.document import Document, read_file
from botctl.source.rule import Finding
from botctl.source.span import Path as Place
from botctl.spec.fields import close_word, one_of
from botctl.spec.parse import WORD, Subject, parse
from botctl.spec.story import Given, StoryFile

SUBJECT = Subject(family="ST", noun="the story file")
MAIL = "email"
"""Where messages go to, and nobody writes from."""
TESTS = "tests"
"""The folder of a bot's stories, beside its bot.yaml."""
BEGINNING = "2026-01-05T09:00Z"
"""When stories begin unless they say otherwise: a Monday."""


class ModelStub(ScriptEntry):
    """What a model answers in a story: an entry as the scripted provider has them, and who may be asked."""

    node: str = ""
    """Answers only this node."""
    bot: str = ""
    """Answers only this bot."""
    model: str = ""
    """Answers only for this model, or this provider, of a bot's `llm` and its fallbacks."""
    prompt: str | None = None
    """Answers only this prompt, word for word; another one fails the story, which shows the difference."""
    system: str | None = None
    """Answers only where the model is told this first (the bot's `system_prompt`, or a node's `system`)."""
    silent: bool = False
    """No answer comes before the timeout."""


class LoadedStories(Struct, frozen=True, kw_only=True):
    """A file of stories that was read. models: the stubs of the file by their places in it."""

    path: Path
    bot: str
    spec: StoryFile
    document: Document
    models: dict[Place, ModelStub]


def story_files(folder: Path) -> list[Path]:
    """The files of stories of the bot in a folder, in order."""
    return sorted(path for path in (folder / TESTS).glob("*.y*ml") if path.is_file())


def load_stories(project: Project, path: Path, bot: str) -> tuple[LoadedStories | None, list[Diagnostic]]:
    """The stories in a file, and what is wrong with it. bot: in whose folder it is; the file may
    name another.

    It is read anew each time: files of tests change while somebody looks at them.
    """
    document, diagnostics = read_file(path)
    if document is None:
        return None, list(diagnostics)
    spec, diagnostics = parse(document, StoryFile, subject=SUBJECT)
    if spec is None:
        return None, diagnostics
    models: dict[Place, ModelStub] = {}
    for at, given in _givens(spec):
        diagnostics += _read_models(document, at, given, models)
        diagnostics += _check_moment(document, (*at, "now"), given.now)
    for at, moment in _moments(spec):
        diagnostics += _check_moment(document, at, moment)
    diagnostics += _check_users(document, spec)
    diagnostics += _check_platforms(document, spec)
    names = [story.name for story in spec.stories]
    for number, name in enumerate(names):
        if name in names[:number]:
            finding = Finding(f"two stories have the name `{name}`", at=("stories", number, "name"))
            diagnostics.append(document.diagnose("ST202", "error", finding))
    name = spec.bot or bot
    if name not in project.bot_files:
        close = close_word(name, project.bot_names())
        help = f"did you mean `{close}`?" if close else "name a bot of bots/"
        finding = Finding(f"there is no bot `{name}`", at=("bot",), help=help)
        diagnostics.append(document.diagnose("ST204", "error", finding))
    if diagnostics:
        return None, diagnostics
    return LoadedStories(path=path, bot=name, spec=spec, document=document, models=models), []


def moment_ms(text: str) -> int:
    """A moment as ISO 8601, without a zone in UTC, in milliseconds since 1970; a ValueError if it is none."""
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _givens(spec: StoryFile) -> list[tuple[Place, Given]]:
    stories = [(("stories", number), story) for number, story in enumerate(spec.stories)]
    return [((), spec), *stories]


def _read_models(
    document: Document, at: Place, given: Given, models: dict[Place, ModelStub]
) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    if not isinstance(given.models, list):
        return found
    for number in range(len(given.models)):
        place = (*at, "models", number)
        subject = Subject(family=SUBJECT.family, noun=f"entry {number + 1} of `models`")
        stub, diagnostics = parse(document, ModelStub, place, subject=subject)
        found += diagnostics
        if stub is None:
            continue
        try:
            if not stub.silent:
                line_of(stub, subject.noun)
        except UserError as error:
            finding = Finding(error.message, at=place, help=error.help or "")
            found.append(document.diagnose("ST201", "error", finding))
        else:
            models[place] = stub
    return found


def _moments(spec: StoryFile) -> list[tuple[Place, str]]:
    found: list[tuple[Place, str]] = []
    for number, story in enumerate(spec.stories):
        for index, step in enumerate(story.steps):
            at: Place = ("stories", number, "steps", index)
            found.append(((*at, "until"), step.until or ""))
            for entry, schedule in enumerate(step.schedules or ()):
                found.append(((*at, "schedules", entry, "at"), schedule.at))
    return found


def _check_moment(document: Document, at: Place, text: str) -> list[Diagnostic]:
    try:
        moment_ms(text or BEGINNING)
    except ValueError:
        finding = Finding(
            f"`{text}` is not a moment", at=at, label="cannot be read", help="write it like 2026-01-05T09:00Z"
        )
        return [document.diagnose("ST203", "error", finding)]
    return []


def _check_users(document: Document, spec: StoryFile) -> list[Diagnostic]:
    """Users that act or are spoken to and that nobody introduced."""
    found: list[Diagnostic] = []
    for number, story in enumerate(spec.stories):
        known = [*story.users, *spec.users] or ["user"]
        for index, step in enumerate(story.steps):
            at: Place = ("stories", number, "steps", index)
            named = [((*at, "as"), step.by)]
            named += [((*at, "expect", n, "to"), one.to) for n, one in enumerate(step.expect or ())]
            for place, name in named:
                if name and name not in known:
                    finding = Finding(
                        f"there is no user `{name}` in this story",
                        at=place,
                        help=f"add them to `users`, which has {', '.join(known)}",
                    )
                    found.append(document.diagnose("ST205", "error", finding))
    return found


def _check_platforms(document: Document, spec: StoryFile) -> list[Diagnostic]:
    """Platforms that nobody can write from, and that no message can go to."""
    found: list[Diagnostic] = []
    talking = [platform.name for platform in PLATFORMS]
    for place, name, known in _platforms(spec, talking):
        if not name or name in known:
            continue
        close = close_word(name, known)
        finding = Finding(
            f"there is no platform `{name}`",
            at=place,
            label="not one of the platforms",
            help=f"did you mean `{close}`?" if close else f"use {one_of(known)}",
        )
        found.append(document.diagnose(SUBJECT.family + WORD, "error", finding))
    return found


def _platforms(spec: StoryFile, talking: list[str]) -> Iterator[tuple[Place, str, list[str]]]:
    """Each platform that is named, its place, and what may stand there. talking: where people write from."""
    for at, given in _givens(spec):
        yield (*at, "platform"), given.platform, talking
        for name, user in given.users.items():
            yield (*at, "users", name, "platform"), user.platform if user else "", talking
    for number, story in enumerate(spec.stories):
        for index, step in enumerate(story.steps):
            for entry, message in enumerate(step.elsewhere or ()):
                at = ("stories", number, "steps", index, "elsewhere", entry, "platform")
                yield at, message.platform, [*talking, MAIL]
