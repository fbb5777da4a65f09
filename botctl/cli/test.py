"""`botctl test`: play the conversations that are written down for bots."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os.path import abspath
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import Struct

from botctl.cli.options import JsonOption, ProjectOption
from botctl.cli.place import open_project
from botctl.cli.terminal import paint, print_json
from botctl.errors import UsageError, UserError
from botctl.project.load import Project, load_project_file
from botctl.project.stories import LoadedStories, load_stories, story_files
from botctl.source.diagnostic import Diagnostic
from botctl.source.document import shown
from botctl.source.render import render
from botctl.spec.fields import close_word
from botctl.stories.company import Performance, Plan, nothing_to_play, parts_of, perform
from botctl.stories.coverage import Coverage, coverage_of
from botctl.stories.junit import junit
from botctl.stories.play import Played, cast_of
from botctl.stories.transcript import diagnostic, told

app = typer.Typer(rich_markup_mode=None)

_YAML = (".yaml", ".yml")

ProcessesOption = Annotated[
    int, typer.Option("-p", "--processes", min=0, help="How many processes; 0: as many as there are cores.")
]


class _Wish(Struct, frozen=True, kw_only=True):
    """What was asked for on the command line."""

    names: Sequence[str]
    pattern: str
    is_live: bool
    processes: int
    tells_coverage: bool
    least_coverage: float
    report: Path | None
    as_json: bool


@app.command()
def test(
    bots: Annotated[
        list[str] | None,
        typer.Argument(help="Bots by name, or files or folders of stories; all if left out."),
    ] = None,
    pattern: Annotated[
        str, typer.Option("-k", metavar="WORDS", help="Only stories with these words in bot, file or name.")
    ] = "",
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Tell which nodes and ways out of workflows no story takes.")
    ] = False,
    min_coverage: Annotated[
        float, typer.Option(min=0, max=100, metavar="PERCENT", help="Fail if a workflow is covered less.")
    ] = 0.0,
    report: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit report, for CI servers.")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Ask the real models and tools.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Play again whenever a file changes.")] = False,
    processes: ProcessesOption = 0,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Play the stories in bots/*/tests/*.yaml. Exit code 1 if one fails."""
    if watch and json:
        raise UsageError("`--watch` and `--json` exclude each other")
    found, _ = open_project(project)
    logging.getLogger("botctl").setLevel(logging.ERROR)  # of what goes wrong the stories tell
    wish = _Wish(
        names=bots or [],
        pattern=pattern,
        is_live=live,
        processes=processes,
        tells_coverage=coverage or min_coverage > 0,
        least_coverage=min_coverage,
        report=report,
        as_json=json,
    )
    if report is not None:
        _refuse_unwritable(report)
    if watch:
        _watch(found, wish)
    raise typer.Exit(_play(found, wish))


def read_stories(project: Project, names: Sequence[str]) -> list[LoadedStories]:
    """The files of stories of these bots, or these files. A UserError after telling what is wrong."""
    files = dict.fromkeys(_files(project, names))
    loaded: list[LoadedStories] = []
    wrong: list[Diagnostic] = []
    for path, bot in files:
        stories, diagnostics = load_stories(project, path, bot)
        wrong += diagnostics
        loaded += [stories] if stories is not None else []
    if wrong:
        print(render(wrong, paint=paint))
        raise UserError("nothing was played", help="mend the errors above")
    return loaded


def _play(project: Project, wish: _Wish) -> int:
    """Play once, tell, and give the exit code."""
    files = read_stories(project, wish.names)
    parts = parts_of(files, wish.pattern)
    if not parts:
        raise nothing_to_play(wish.pattern)
    plan = Plan(
        folder=project.folder,
        is_live=wish.is_live,
        variables=dict(os.environ) if wish.is_live else {},
        processes=wish.processes,
    )
    performance = perform(parts, plan)
    by_path = {one.path: one for one in files}
    covered: list[Coverage] = []
    if wish.tells_coverage:
        names = {*_asked_for(project, wish), *(one.bot for one in performance.played)}
        covered = coverage_of(cast_of(project.folder, {}).bots, performance.played, sorted(names))
    if wish.report is not None:
        _write_report(wish.report, junit(performance, by_path))
    if wish.as_json:
        print_json(_json(performance, by_path, covered, wish))
    else:
        _print(performance, by_path, covered)
    too_little = any(one.percent < wish.least_coverage for one in covered)
    return int(too_little or any(one.failure for one in performance.played))


def _watch(project: Project, wish: _Wish) -> None:
    """Play, and again after each change of a file, until ^C."""
    from watchfiles import watch

    folders = [folder for name in ("bots", "workspaces") if (folder := project.folder / name).is_dir()]
    _play_and_go_on(project.folder, wish)
    for _ in watch(*folders, raise_interrupt=True):
        print()
        _play_and_go_on(project.folder, wish)


def _play_and_go_on(folder: Path, wish: _Wish) -> None:
    try:
        _play(load_project_file(folder), wish)
    except UserError as error:  # a file that is half written: the next change mends it
        print(paint(f"error: {error.message}", "error"))


def _asked_for(project: Project, wish: _Wish) -> Iterable[str]:
    """The bots that were asked for as a whole: a workflow of theirs without stories is covered by nothing."""
    if wish.pattern:
        return ()
    if not wish.names:
        return project.bot_names()
    folders = {Path(abspath(name)) for name in wish.names if name not in project.bot_files}
    return [
        bot
        for bot, file in project.bot_files.items()
        if bot in wish.names or not folders.isdisjoint(file.parents)
    ]


def _refuse_unwritable(report: Path) -> None:
    """A UserError if a report cannot be written there, before anybody waits for what would stand in it."""
    if report.exists() and not report.is_file():
        if report.is_dir():
            raise UserError(f"{report} cannot be written: it is a folder", help="name a file")
        return  # a pipe or a terminal
    is_new = not report.exists()
    try:
        report.open("a").close()
    except OSError as error:
        raise _unwritable(report, error) from None
    if is_new:
        report.unlink(missing_ok=True)


def _write_report(report: Path, text: str) -> None:
    try:
        report.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unwritable(report, error) from None


def _unwritable(report: Path, error: OSError) -> UserError:
    reason = (error.strerror or str(error)).lower()
    return UserError(
        f"{report} cannot be written: {reason}",
        help="name a file in a folder that is there and may be written",
    )


def _files(project: Project, names: Sequence[str]) -> Iterator[tuple[Path, str]]:
    """Each file with the bot in whose folder it is."""
    for name in names or project.bot_names():
        path = Path(abspath(name))
        if path.suffix in _YAML and path.is_file():
            yield path, _owner(project, path)
        elif name in project.bot_files:
            for file in story_files(project.bot_files[name].parent):
                yield file, name
        elif path.is_dir():
            yield from _files_in(project, path)
        else:
            raise _nothing_named(project, name)


def _owner(project: Project, path: Path) -> str:
    owners = [bot for bot, file in project.bot_files.items() if file.parent in path.parents]
    return owners[0] if owners else ""


def _files_in(project: Project, folder: Path) -> Iterator[tuple[Path, str]]:
    """The files of stories below a folder; in one without bots and their tests, all that are YAML."""
    found = [
        (file, bot)
        for bot, bot_file in project.bot_files.items()
        for file in story_files(bot_file.parent)
        if folder in file.parents
    ]
    if not found and not any(folder in file.parents for file in project.bot_files.values()):
        paths = [path for path in sorted(folder.iterdir()) if path.suffix in _YAML and path.is_file()]
        found = [(path, _owner(project, path)) for path in paths]
    if not found:
        raise UserError(
            f"there is no file of stories in {shown(folder)}", help="stories stand in bots/<bot>/tests/*.yaml"
        )
    yield from found


def _nothing_named(project: Project, name: str) -> UserError:
    if Path(name).exists():
        return UserError(f"{name} is no file of stories", help="their names end in .yaml or .yml")
    close = close_word(name, project.bot_names())
    return UserError(
        f"there is no bot and no file `{name}`",
        help=f"did you mean `{close}`?" if close else "give a bot of bots/, or a file of stories",
    )


def _print(
    performance: Performance, files: Mapping[Path, LoadedStories], covered: Sequence[Coverage]
) -> None:
    failed = [one for one in performance.played if one.failure]
    for one in failed:
        print(told(one, files[one.file], paint))
        print()
    missed = [diagnostic for one in covered for diagnostic in one.missed]
    if missed:
        print(render(missed, paint=paint))
        print()
    for bot in covered:
        counts = f"{bot.nodes_run} of {bot.nodes} nodes, {bot.handles_taken} of {bot.handles} ways out"
        print(f"{bot.bot}: {bot.percent:.0f} % covered ({counts})")
    print(_summary(performance, failed))


def _summary(performance: Performance, failed: Sequence[Played]) -> str:
    passed = len(performance.played) - len(failed)
    bots = len({one.bot for one in performance.played})
    counts = f"{passed} passed" + (f", {len(failed)} failed" if failed else "")
    of = f"of {bots} bot{'s' if bots > 1 else ''} in {performance.seconds:.2f} s"
    return paint(counts, "error" if failed else "good") + f" {of}"


def _json(
    performance: Performance,
    files: Mapping[Path, LoadedStories],
    covered: Sequence[Coverage],
    wish: _Wish,
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "stories": [_story_json(one, files[one.file]) for one in performance.played],
        "seconds": round(performance.seconds, 3),
    }
    if wish.tells_coverage:
        found["coverage"] = [_coverage_json(one) for one in covered]
    return found


def _coverage_json(coverage: Coverage) -> dict[str, Any]:
    return {
        "bot": coverage.bot,
        "percent": round(coverage.percent, 1),
        "nodes": [coverage.nodes_run, coverage.nodes],
        "handles": [coverage.handles_taken, coverage.handles],
        "missed": [
            {
                "code": one.code,
                "message": one.message,
                "file": one.file,
                "line": one.span.line if one.span else None,
            }
            for one in coverage.missed
        ],
    }


def _story_json(played: Played, loaded: LoadedStories) -> dict[str, Any]:
    found: dict[str, Any] = {
        "bot": played.bot,
        "file": loaded.document.file,
        "name": played.name,
        "passed": played.failure is None,
        "work_ms": round(played.work * 1000, 1),
    }
    if played.failure is not None:
        said = diagnostic(played, loaded)
        found["failure"] = {
            "message": said.message,
            "line": said.span.line if said.span else None,
            "step": played.failure.step + 1,
            "node": played.failure.difference.node if played.failure.difference else "",
            "told": told(played, loaded),
        }
    return found
