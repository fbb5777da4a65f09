"""`botctl explain`: the manual page of a code or a node type; what became of a run or a message."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from botctl.cli.options import ProjectOption
from botctl.cli.place import open_project
from botctl.cli.terminal import plain_lines
from botctl.engine.trace import story_of, story_text
from botctl.errors import UserError
from botctl.lint.codes import page_of
from botctl.nodes import NODE_TYPES
from botctl.project.load import Project
from botctl.store import inbox, runs
from botctl.store.database import connect

app = typer.Typer(rich_markup_mode=None)


@app.command()
def explain(
    what: Annotated[
        str, typer.Argument(help="A code such as WF203, a node type, a run's id or a message's number.")
    ],
    project: ProjectOption = None,
) -> None:
    """Explain a diagnostic code, a node type, a run or a message."""
    print(_page(what) or _of_the_state(what, open_project(project)[0]))


def _page(what: str) -> str:
    """A manual page, "" if there is none of that name."""
    for node_type in NODE_TYPES:
        if what == node_type.name:
            return (node_type.doc or "").strip()
    return page_of(what.upper()) or ""


def _of_the_state(what: str, project: Project) -> str:
    path = project.state_folder / "state.db"
    if path.exists():
        with closing(connect(path)) as connection:
            if what.isdecimal() and (fate := inbox.fate_of(connection, int(what))) is not None:
                return _message(int(what), *fate)
            try:
                return plain_lines(story_text(story_of(connection, runs.find(connection, what))))
            except UserError as error:
                if "several" in error.message:
                    raise
    types = ", ".join(node_type.name for node_type in NODE_TYPES)
    raise UserError(
        f"nothing is called `{what}`",
        help=f"give a code from `botctl validate`, a run from `botctl runs list`, or a node type: {types}",
    )


def _message(seq: int, status: str, reason: str, run: str) -> str:
    if status == "ignored":
        return f"message {seq} was not answered: {reason}"
    if status == "done":
        return f"message {seq} was dealt with by run {run}; `botctl runs show {run}` tells it"
    return f"message {seq} is stored and waits for its turn"
