"""Exporting a run: as a story that `botctl test` plays."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from botctl.errors import UserError
from botctl.project.load import Bot, Project, load_bot
from botctl.runtime.masking import masked
from botctl.secrets import Environment, references
from botctl.store.runs import RunRow
from botctl.stories.recording import story_of_run
from botctl.stories.writing import yaml_text

_MASKED = "masked"


def exported(connection: sqlite3.Connection, row: RunRow, project: Project, environment: Environment) -> str:
    """A run as the text of a file of stories, without secrets."""
    bot, _ = load_bot(project, row.runner, environment)
    if bot is None:
        raise UserError(
            f"bot `{row.runner}` cannot be read", help=f"`botctl validate {row.runner}` tells why"
        )
    needed = _reveal(project, bot, environment)
    story = story_of_run(connection, row, bot)
    file = {"env": dict.fromkeys(needed, _MASKED), **story} if needed else story
    head = f"# Run {row.id} of bot {row.bot}, recorded.\n"
    # Masked before it is written: in YAML a secret may stand in quotes, escaped, or over two lines.
    return head + yaml_text(masked(file, environment.mask))


def write_export(text: str, path: Path) -> None:
    """Write it, but not over another file."""
    if path.exists():
        raise UserError(f"there is a file {path} already", help="give another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"{path} cannot be written: {reason}", help="give another place with -o") from error


def _reveal(project: Project, bot: Bot, environment: Environment) -> list[str]:
    """Let the environment know every secret of the project's files, so that it masks them; the variables that
    a story must set because they have no default."""
    texts = [bot.document.text if bot.document else ""]
    for path in (project.folder / "botctl.yaml", project.workspace_files.get(bot.spec.workspace)):
        if path is not None and path.is_file():
            texts.append(path.read_text(encoding="utf-8", errors="replace"))
    names = dict.fromkeys(name for text in texts for name in references(text))
    for name in names:
        environment.resolve(f"${{{name}:-}}")
    bare = dict.fromkeys(name for text in texts[:2] for name in Environment({}).missing(text))
    return list(bare)
