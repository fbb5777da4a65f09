"""`botctl init`: a first bot that runs at once, or an exported workflow made into one."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from botctl.cli.findings import print_findings
from botctl.cli.first_story import FILE, first_story
from botctl.cli.imported import attention, imported_files
from botctl.cli.options import ProjectOption
from botctl.cli.place import open_new_project, open_project
from botctl.cli.starter import (
    IGNORED,
    SCRIPTED,
    chosen,
    model_variables,
    needs_model,
    platform_names,
    provider_names,
    refuse_unfit,
    starter_files,
    use_cases,
    variables_of,
)
from botctl.errors import UsageError, UserError
from botctl.lint.check import check_paths
from botctl.project.load import Project
from botctl.project.schema import KINDS, schema_for
from botctl.source.document import read_document, shown

app = typer.Typer(rich_markup_mode=None)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_LONGEST_NAME = 64
_SWITCHES = ("yes", "no", "on", "off")
"""Words that are text in YAML 1.2 and true or false in YAML 1.1, which many other programs read."""
_FIRST_NAME = "my-bot"
_TERMINAL = "terminal"


@app.command()
def init(
    name: Annotated[str | None, typer.Argument(help="The bot's name.")] = None,
    use_case: Annotated[
        str | None, typer.Option("--use-case", metavar="WORD", help=f"What for: {', '.join(use_cases())}.")
    ] = None,
    platform: Annotated[
        list[str] | None,
        typer.Option("--platform", metavar="NAME", help="Where it talks beside this terminal; repeatable."),
    ] = None,
    provider: Annotated[
        str | None, typer.Option("--provider", metavar="NAME", help="Whose model answers.")
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--from", help="An exported workflow (JSON or YAML) to make into a bot.")
    ] = None,
    named: Annotated[str | None, typer.Option("--name", help="The bot's name, as the argument.")] = None,
    project: ProjectOption = None,
) -> None:
    """Write a bot, its workspace and its tests. Asks for what is not given, if a person is at the keyboard.

    With --from: import an exported workflow, and tell what it still needs.
    """
    if name and named:
        raise UsageError("the name is given twice", help="give it as the argument or by `--name`")
    if source is not None and (use_case or platform):
        raise UsageError(
            "`--from` excludes `--use-case` and `--platform`", help="the workflow says what it needs"
        )
    found = open_new_project(project)
    if source is not None:
        _import(found, source, name or named or _name_of(source), provider)
        return
    given = name or named
    bot = (
        _fresh(found, given)
        if given
        else _asked("What is the bot called?", _FIRST_NAME, (), lambda answer: _fresh(found, answer))
    )
    case = _choice("use case", use_case, "What is it for?", use_cases())
    places = (
        platform if platform is not None else [_choice("platform", None, "Where does it talk?", _places())]
    )
    model = SCRIPTED
    if provider is not None or needs_model(case):
        fitting = dict.fromkeys(provider_names(), "")
        model = _choice(
            "provider", provider, "Whose model answers?", fitting, lambda answer: refuse_unfit(case, answer)
        )
    talks = [chosen("platform", place, platform_names()) for place in places if place != _TERMINAL]
    files = starter_files(case, bot, talks, model)
    _write(found, files, model_variables(model) if needs_model(case) else [])
    print(f"Now try: botctl test {bot}; botctl run {bot}")


def _places() -> dict[str, str]:
    return {_TERMINAL: "here only, for now", **dict.fromkeys(platform_names(), "")}


def _choice(
    what: str,
    given: str | None,
    question: str,
    known: Mapping[str, str],
    refuse: Callable[[str], None] = lambda _: None,
) -> str:
    """What is given, or what is answered; the first where nobody can be asked. refuse: what does not fit."""

    def checked(answer: str) -> str:
        refuse(chosen(what, answer, known))
        return answer

    if given is not None:
        return checked(given)
    lines = [f"{one}: {about}" if about else one for one, about in known.items()]
    return _asked(question, next(iter(known)), lines, checked)


def _asked(question: str, first: str, lines: Iterable[str], checked: Callable[[str], str]) -> str:
    """A person's answer, asked for until it is a right one; the first where nobody can be asked."""
    if not sys.stdin.isatty():
        return checked(first)
    for line in lines:
        print(f"  {line}", file=sys.stderr)
    while True:
        answer: str = typer.prompt(question, default=first, err=True)
        try:
            return checked(answer.strip())
        except UserError as error:
            print(f"error: {error.message}" + (f": {error.help}" if error.help else ""), file=sys.stderr)


def _name_of(source: Path) -> str:
    """A name for what is in a file, from the file's own."""
    return re.sub(r"[^A-Za-z0-9-]+", "-", source.stem).strip("-") or _FIRST_NAME


def _fresh(project: Project, name: str) -> str:
    """The name, if a bot can have it and nothing of that name is there."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"`{name}` is no name for a bot", help="use letters, digits, - and _")
    if len(name) > _LONGEST_NAME:
        raise UsageError(
            f"a name of {len(name)} characters is too long for a bot",
            help=f"use {_LONGEST_NAME} at most; `--name` gives an import another one",
        )
    if not _is_text(name):
        raise UsageError(
            f"`{name}` is no name for a bot: YAML does not read it as text",
            help=f"use another, such as bot-{name.lower()}",
        )
    folder = project.folder / "bots" / name
    if folder.exists():
        raise UserError(f"{shown(folder)} is there already", help="give another name, or remove it")
    if name in project.bot_files or name in project.workspace_files:
        raise UserError(f"a bot or a workspace `{name}` is there already", help="give another name")
    return name


def _is_text(name: str) -> bool:
    """Whether a name can stand in YAML without quotes, as it does in many places."""
    document, _ = read_document(f"name: {name}", "")
    is_text = document is not None and document.get(("name",)) == name
    return is_text and name.lower() not in _SWITCHES


def _import(project: Project, source: Path, name: str, provider: str | None) -> None:
    """Make a bot around a workflow, and tell what is left to do."""
    model = chosen("provider", provider, provider_names()) if provider else SCRIPTED
    files, needs, workflow = imported_files(source, _fresh(project, name), model)
    _write(project, files, model_variables(model) if needs.has_model else [])
    text, trouble = first_story(project.folder, name, workflow, needs)
    test = project.folder / "bots" / name / "tests" / FILE
    test.write_text(text, encoding="utf-8")
    print(shown(test))
    found, environment = open_project(project.folder)
    to_do = list(attention(name, needs, found.bot_names()))
    if trouble:
        to_do.append(f"its first story cannot be played yet: {trouble}")
    if to_do:
        print("\nWhat needs your attention:")
        print("\n".join(f"  - {one}" for one in to_do))
    checked = check_paths([project.folder / "bots" / name], found, environment)
    if checked.diagnostics:
        print()
        print_findings(checked)
    print(f"\nNow try: botctl test {name}; botctl graph {name}; botctl run {name}")


def _write(project: Project, files: Mapping[str, str], variables: Sequence[str]) -> None:
    """Write all of these files or none; no file that is there is written over, but some get a line more."""
    paths = {project.folder / place: text for place, text in files.items()}
    there = next((path for path in paths if path.exists()), None)
    if there is not None:
        raise UserError(f"{shown(there)} is there already", help="give another name, or remove it")
    for path, text in paths.items():
        _put(path, text)
        print(shown(path))
    for kind in KINDS:
        path = project.state_folder / "schema" / f"{kind}.json"
        _put(path, json.dumps(schema_for(kind), ensure_ascii=False))
    _append(project.folder / ".gitignore", IGNORED)
    wanted = [*variables_of(files.values()), *variables]
    _append(project.folder / ".env.example", [f"{name}=" for name in dict.fromkeys(wanted)])


def _append(path: Path, wanted: Sequence[str]) -> None:
    """Add the lines that a file does not have yet."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    known = {line.split("=")[0].strip() for line in text.splitlines()}
    missing = [line for line in wanted if line.split("=")[0] not in known]
    if not missing:
        return
    ended = text if not text or text.endswith("\n") else text + "\n"
    _put(path, ended + "\n".join(missing) + "\n")
    print(shown(path))


def _put(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"{shown(path)} cannot be written: {(error.strerror or str(error)).lower()}"
        ) from None
