"""`botctl validate`: which files a path means, and everything that is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from botctl.errors import UserError
from botctl.lint.bare import SUFFIXES, Checked, is_workflow_value, linted
from botctl.lint.locks import check_lock, is_lock
from botctl.lint.project import lint_bot, lint_project, lint_project_file, lint_workspace, surroundings
from botctl.lint.scripts import bot_with_script, check_script
from botctl.project.load import (
    Bot,
    Project,
    find_project,
    load_bot,
    load_project_file,
    read_bot,
    read_workspace,
)
from botctl.project.stories import load_stories, story_files
from botctl.project.workflow_file import BOT_FILE, PROJECT_FILE, load_workflow
from botctl.secrets import Environment
from botctl.source.diagnostic import Diagnostic
from botctl.source.document import shown
from botctl.source.render import in_order, read_source
from botctl.spec.fields import close_word

_OF_A_WORKSPACE = {"servers", "functions", "skills"}
_OF_A_BOT = {"workflow", "llm", "platforms", "system_prompt", "workspace"}


def check_paths(paths: Sequence[Path], project: Project, environment: Environment | None = None) -> Checked:
    """Check bots, workspaces, workflow files or folders; the whole project if none is given.

    A path may also be the name of a bot or workspace. A UserError if there is no such thing at all.
    """
    found: list[Diagnostic] = []
    if not paths:
        found += _check_project(project, environment)
    for path in paths:
        found += _check_path(path, project, environment)
    return Checked(diagnostics=in_order(found), sources=read_source)


def check_bot(project: Project, bot: Bot) -> list[Diagnostic]:
    """What the rules find in a loaded bot, beside what loading it told."""
    return lint_bot(project, bot)


def _check_path(path: Path, project: Project, environment: Environment | None) -> list[Diagnostic]:
    if not os.path.exists(path):
        return _check_name(path, project, environment)
    absolute = Path(os.path.abspath(path))
    around = _project_around(absolute, project, environment)
    if absolute.is_dir():
        return _check_folder(absolute, around, environment)
    return _check_file(absolute, around, environment)


def _check_name(path: Path, project: Project, environment: Environment | None) -> list[Diagnostic]:
    name = str(path)
    if name in project.bot_files:
        bot, found = load_bot(project, name, environment)
        found += _check_stories(project, [name])
        return found + (_lint_with_workspace(project, bot) if bot is not None else [])
    if name in project.workspace_files:
        return _check_workspace_file(project.workspace_files[name], project)
    beside = [str(path.parent / entry) for entry in _entries(path.parent)]
    close = close_word(name, [*project.bot_files, *beside])
    raise UserError(
        f"there is no file or folder {name}",
        help=f"did you mean `{close}`?" if close else "give a file, a folder, or the name of a bot",
    )


def _entries(folder: Path) -> list[str]:
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def _project_around(path: Path, project: Project, environment: Environment | None) -> Project:
    """The project that a path belongs to, which need not be the one the command was called in."""
    root = find_project(path if path.is_dir() else path.parent)
    if root is None or root == Path(os.path.abspath(project.folder)):
        return project
    return load_project_file(root, environment)


def _check_project(project: Project, environment: Environment | None) -> list[Diagnostic]:
    is_empty = not project.bot_files and not project.workspace_files
    if is_empty and not (project.folder / PROJECT_FILE).exists():
        raise UserError(
            f"there is nothing to check in {shown(project.folder)}",
            help="call it in a project, which has bots/, or give a file; `botctl init` writes a first bot",
        )
    return lint_project(project, environment) + _check_stories(project, project.bot_names())


def _check_folder(path: Path, project: Project, environment: Environment | None) -> list[Diagnostic]:
    if (path / BOT_FILE).exists():
        found = _check_bot_file(path / BOT_FILE, project, environment)
        return [
            *found,
            *(one for file in story_files(path) for one in _check_file(file, project, environment)),
        ]
    if path == Path(os.path.abspath(project.folder)):
        return _check_project(project, environment)
    if path.name == "bots":
        files: Iterable[Path] = sorted(path.glob(f"*/{BOT_FILE}"))
    else:
        files = sorted(entry for entry in path.iterdir() if _is_read(entry))
    found = [diagnostic for file in files for diagnostic in _check_file(file, project, environment)]
    if not files:
        raise UserError(
            f"there is nothing to check in {shown(path)}",
            help="give a bot's folder, a project, or a folder of workflow files",
        )
    return found


def _check_file(path: Path, project: Project, environment: Environment | None) -> list[Diagnostic]:
    if path.name == PROJECT_FILE:
        around = load_project_file(path.parent, environment)
        return [*around.diagnostics, *lint_project_file(around)]
    if is_lock(path):
        return check_lock(project, path)
    answering = bot_with_script(project, path, environment)
    if answering is not None:
        return check_script(project, answering)
    kind = _kind(path, project)
    if kind == "bot":
        return _check_bot_file(path, project, environment)
    if kind == "workspace":
        return _check_workspace_file(path, project)
    if kind == "test":
        return load_stories(project, path, _bot_around(path, project))[1]
    return _check_workflow_file(path, project, environment)


def _bot_around(path: Path, project: Project) -> str:
    """The bot in whose folder a file is; "" if none."""
    folder = path.parent.parent.absolute()
    return next((bot for bot, file in project.bot_files.items() if file.parent.absolute() == folder), "")


def _check_stories(project: Project, bots: Iterable[str]) -> list[Diagnostic]:
    """What is wrong with the stories of these bots."""
    return [
        found
        for bot in bots
        for path in story_files(project.bot_files[bot].parent)
        for found in load_stories(project, path, bot)[1]
    ]


def _is_read(entry: Path) -> bool:
    return entry.suffix in SUFFIXES and entry.is_file() and not is_lock(entry)


def _check_workspace_file(path: Path, project: Project) -> list[Diagnostic]:
    workspace, found = read_workspace(project, path)
    return [*found, *lint_workspace(project, workspace)]


def _kind(path: Path, project: Project) -> str:
    """bot, workspace, test or workflow: by its name, else by its place, else by what stands in it."""
    if path.name == BOT_FILE:
        return "bot"
    if path.suffix == ".json":
        return "workflow"
    if path.suffix not in SUFFIXES:
        raise UserError(
            f"{shown(path)} is no file that botctl reads",
            help="give a bot, a workspace or a workflow: a .yaml or .json file",
        )
    if path.parent.name == "workspaces":
        return "workspace"
    if path.parent.name == "tests" and (path.parent.parent / BOT_FILE).exists():
        return "test"
    document, _ = project.read(path)
    if document is None or not isinstance(document.value, dict) or is_workflow_value(document.value):
        return "workflow"
    keys = set(document.value)
    if keys & _OF_A_WORKSPACE:
        return "workspace"
    return "bot" if keys & _OF_A_BOT else "workflow"


def _check_bot_file(path: Path, project: Project, environment: Environment | None) -> list[Diagnostic]:
    bot, found = read_bot(project, path, environment)
    if bot is None:
        return found
    if bot.spec.workspace in project.workspace_files:
        found += project.load_workspace(bot.spec.workspace)[1]
    return found + _lint_with_workspace(project, bot)


def _lint_with_workspace(project: Project, bot: Bot) -> list[Diagnostic]:
    if bot.spec.workspace not in project.workspace_files:
        return lint_bot(project, bot)
    workspace, _ = project.load_workspace(bot.spec.workspace)
    return [*lint_bot(project, bot), *lint_workspace(project, workspace)]


def _check_workflow_file(path: Path, project: Project, environment: Environment | None) -> list[Diagnostic]:
    """A workflow with its bot's platforms, if it is the workflow of the bot beside it."""
    beside = path.parent / BOT_FILE
    if beside.is_file():
        document, _ = project.read(beside)
        if document is not None and document.get(("workflow",)) == path.name:
            bot, _ = read_bot(project, beside, environment)
            if bot is not None:
                return linted(load_workflow(path), surroundings(project, bot))
    return linted(load_workflow(path))
