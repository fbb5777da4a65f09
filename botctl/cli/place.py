"""The place a command works in: the project around the current folder, or the one that `--project` names."""

from __future__ import annotations

import os
from collections.abc import Sized
from pathlib import Path

from botctl.errors import UserError
from botctl.project.load import Project, find_project, load_project_file
from botctl.secrets import Environment, read_environment
from botctl.spec.fields import close_word


def open_project(folder: Path | None) -> tuple[Project, Environment]:
    """The project and its environment. Without a project around, the current folder is taken for one."""
    if folder is not None:
        _refuse_missing(folder)
    root = find_project(folder or Path.cwd()) or (folder or Path.cwd())
    environment = read_environment(root, os.environ)
    return load_project_file(root), environment


def open_new_project(folder: Path | None) -> Project:
    """The project that a bot is written into: a folder that was given is one, whatever is above it."""
    if folder is None:
        return open_project(None)[0]
    _refuse_missing(folder)
    return load_project_file(folder.absolute())


def _refuse_missing(folder: Path) -> None:
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}", help="give `--project` the folder that holds bots/")


def state_file(project: Project) -> Path:
    """The state of a project, for commands that only look; a UserError if there is none yet."""
    path = project.state_folder / "state.db"
    if not path.exists():
        raise UserError(
            f"there is no state in {project.state_folder} yet", help="`botctl run <bot>` makes it"
        )
    return path


def refuse_unknown(project: Project, name: str | None, found: Sized) -> None:
    """Refuse the name of a bot of which nothing was found, and which the project does not have either."""
    if name is None or len(found) or name in project.bot_names():
        return
    close = close_word(name, project.bot_names())
    raise UserError(
        f"there is no bot `{name}` in {project.folder}",
        help=f"did you mean `{close}`?" if close else f"one of {', '.join(project.bot_names())}",
    )
