"""The place a command works in: the project around the current folder, or the one that `--project` names."""

from __future__ import annotations

import os
from pathlib import Path

from botctl.errors import UserError
from botctl.project.load import Project, find_project, load_project_file
from botctl.secrets import Environment, read_environment


def open_project(folder: Path | None) -> tuple[Project, Environment]:
    """The project and its environment. Without a project around, the current folder is taken for one."""
    if folder is not None and not folder.is_dir():
        raise UserError(f"there is no folder {folder}", help="give `--project` the folder that holds bots/")
    root = find_project(folder or Path.cwd()) or (folder or Path.cwd())
    environment = read_environment(root, os.environ)
    return load_project_file(root), environment


def state_file(project: Project) -> Path:
    """The state of a project, for commands that only look; a UserError if there is none yet."""
    path = project.state_folder / "state.db"
    if not path.exists():
        raise UserError(
            f"there is no state in {project.state_folder} yet", help="`botctl run <bot>` makes it"
        )
    return path
