"""`botctl explain`: the manual page of a code or a node type; what became of a run or a message."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from botctl.cli.manual import close_name, contents, manual_page
from botctl.cli.options import ProjectOption
from botctl.cli.place import open_project
from botctl.cli.terminal import plain_lines
from botctl.engine.trace import story_of, story_text
from botctl.errors import UserError
from botctl.project.load import Project
from botctl.store import inbox, runs
from botctl.store.database import connect

app = typer.Typer(rich_markup_mode=None)


@app.command()
def explain(
    what: Annotated[
        str | None,
        typer.Argument(
            help="A code such as WF203, a family such as WF, a node type, a platform, a run's id or a"
            " message's number; the list of all codes if left out."
        ),
    ] = None,
    project: ProjectOption = None,
) -> None:
    """Explain a diagnostic code, a node type, a run or a message."""
    if what is None:
        print(contents(""))
        return
    page = manual_page(what) or (contents(what.upper()) if len(what) == 2 else "")
    print(page or _of_the_state(what, open_project(project)[0]))


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
    close = close_name(what)
    help = "`botctl explain` lists the codes, `botctl runs list` the runs"
    raise UserError(f"nothing is called `{what}`", help=f"did you mean `{close}`?" if close else help)


def _message(seq: int, status: str, reason: str, run: str) -> str:
    if status == "ignored":
        return f"message {seq} was not answered: {reason}"
    if status == "done":
        return f"message {seq} was dealt with by run {run}; `botctl runs show {run}` tells it"
    return f"message {seq} is stored and waits for its turn"
