"""`botctl graph`: a workflow drawn, with what the linter finds in it, or with the path that a run took."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from botctl.cli.options import ProjectOption
from botctl.cli.place import open_project, state_file
from botctl.cli.terminal import paint, paint_error
from botctl.drawing.marked import NO_RUN, Taken, marks_of, path_of
from botctl.drawing.mermaid import mermaid
from botctl.drawing.svg import standalone, svg
from botctl.drawing.text import outline
from botctl.engine.run import RunStatus, run_from_json
from botctl.errors import UsageError, UserError
from botctl.lint.bare import linted
from botctl.lint.check import check_bot
from botctl.project.agent_graph import AGENT_DEFINITION, agent_graph
from botctl.project.graph import Graph
from botctl.project.load import Bot, Project, load_bot
from botctl.project.workflow_file import load_workflow, pinned_graph
from botctl.secrets import Environment
from botctl.source.diagnostic import Diagnostic, Severity
from botctl.source.document import Document
from botctl.source.render import render, summary
from botctl.store import runs, steps
from botctl.store.database import connect

app = typer.Typer(rich_markup_mode=None)

FORMATS = ("text", "mermaid", "svg")


class _Drawn(Struct, frozen=True, kw_only=True):
    """What is to be drawn. marks: the worst that was found in each node."""

    graph: Graph
    title: str
    run: Taken = NO_RUN
    marks: dict[str, Severity] = {}


@app.command()
def graph(
    what: Annotated[
        str | None, typer.Argument(metavar="BOT", help="A bot, or a workflow file; not needed with --run.")
    ] = None,
    format: Annotated[str, typer.Option("--format", help="text, mermaid or svg.")] = "text",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write into this file. Its ending may tell the format."),
    ] = None,
    run: Annotated[str | None, typer.Option(help="Show the path that this run took.")] = None,
    project: ProjectOption = None,
) -> None:
    """Draw a workflow: as an outline, in Mermaid's language or as a picture."""
    endings = {".svg": "svg", ".mmd": "mermaid", ".mermaid": "mermaid"}
    if output is not None and format == "text":
        format = endings.get(output.suffix, format)
    if format not in FORMATS:
        raise UsageError(f"there is no format `{format}`", help="one of " + ", ".join(FORMATS))
    found, environment = open_project(project)
    if run is not None:
        drawn = _of_a_run(found, what, run)
    elif what is not None:
        drawn = _of_files(found, what, environment)
    else:
        raise UsageError("which workflow?", help="give a bot, a workflow file, or a run with --run")
    text = _told(drawn, format, is_piped=output is not None)
    if output is None:
        print(text)
        return
    output.write_text(text.rstrip("\n") + "\n", "utf-8")
    print(output)


def _told(drawn: _Drawn, format: str, *, is_piped: bool) -> str:
    if format == "mermaid":
        return mermaid(drawn.graph, run=drawn.run, marks=drawn.marks)
    if format == "text":
        return outline(drawn.graph, run=drawn.run, marks=drawn.marks, paint=_unpainted if is_piped else paint)
    picture = svg(
        drawn.graph,
        taken=drawn.run.taken,
        visited=drawn.run.visited,
        at=drawn.run.at,
        marks=drawn.marks,
        title=drawn.title,
    )
    return standalone(picture).rstrip("\n")


def _unpainted(text: str, style: str) -> str:
    return text


def _of_a_run(project: Project, bot: str | None, id: str) -> _Drawn:
    """The workflow that a run was started with, which may not be what its file says by now."""
    with closing(connect(state_file(project))) as connection:
        row = runs.find(connection, id)
        if bot is not None and row.bot != bot:
            raise UserError(
                f"run {row.id} is one of `{row.bot}`, not of `{bot}`", help=f"botctl graph --run {row.id}"
            )
        journal = steps.of_run(connection, row.seq)
        if row.definition == AGENT_DEFINITION:
            graph = agent_graph(0, {})
        else:
            file, text = runs.definition(connection, row.definition)
            graph = pinned_graph(text, file)
    is_under_way = row.status in (RunStatus.RUNNING, RunStatus.WAITING)
    tokens = run_from_json(row.state).tokens if is_under_way else ()
    return _Drawn(
        graph=graph,
        title=f"Run {row.id} of {row.bot}: {row.status}",
        run=path_of(graph, journal, at=[token.node for token in tokens]),
    )


def _of_files(project: Project, what: str, environment: Environment) -> _Drawn:
    if what in project.bot_files:
        bot, found = load_bot(project, what, environment)
        if bot is not None:
            found += check_bot(project, bot)
            if bot.graph is None and not bot.spec.workflow:
                return _Drawn(graph=_agent(bot), title=what)
            return _marked(what, bot.graph, bot.workflow_document, found)
        return _marked(what, None, None, found)
    path = Path(what)
    if not path.is_file():
        raise UserError(
            f"there is no bot and no file `{what}`", help=f"the bots are {', '.join(project.bot_names())}"
        )
    loaded = load_workflow(path)
    return _marked(what, loaded.graph, loaded.document, linted(loaded))


def _agent(bot: Bot) -> Graph:
    return agent_graph(bot.spec.max_loop_iterations, dict.fromkeys(bot.spec.delegate, ""))


def _marked(title: str, graph: Graph | None, document: Document | None, found: list[Diagnostic]) -> _Drawn:
    if graph is None or document is None:
        errors = [one for one in found if one.severity == "error"]
        print(render(errors, paint=paint_error), file=sys.stderr)
        raise UserError(f"`{title}` cannot be drawn", help="mend the errors above")
    here = [one for one in found if one.file == document.file]
    if here:
        print(f"{summary(here)}, as `botctl validate` tells", file=sys.stderr)
    return _Drawn(graph=graph, title=title, marks=marks_of(graph, document, here))
