"""`botctl init`: a first bot that runs at once, or an exported workflow made into one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from botctl.cli.options import ProjectOption
from botctl.cli.place import open_project
from botctl.errors import UsageError, UserError
from botctl.project.schema import KINDS, schema_for
from botctl.project.workflow_file import workflow_of_file
from botctl.spec.workflow import EdgeSpec, WorkflowSpec

app = typer.Typer(rich_markup_mode=None)

_BOT = """\
{comment}
name: {name}
description: Repeats what it is told.
workflow: workflow.yaml
# llm: {{provider: anthropic}}   # or openai, custom, ...; its key comes from the environment or .env
platforms:
  console: {{}}                  # this terminal
  # custom: {{secret: "${{{variable}_SECRET}}"}}   # POST {{"text": ..., "userId": ...}}, signed
"""

_WORKFLOW = """\
{comment}
nodes:
  - id: start
    type: trigger
    data: {triggerType: message_received}
  - id: answer
    type: send_message
    data: {message: "You said: {{message}}"}
edges:
  - start -> answer
"""


@app.command()
def init(
    name: Annotated[str, typer.Argument(help="The bot's name.")] = "my-bot",
    source: Annotated[
        Path | None, typer.Option("--from", help="An exported workflow (JSON or YAML) to make into a bot.")
    ] = None,
    project: ProjectOption = None,
) -> None:
    """Write bots/NAME with a bot.yaml and a workflow.yaml, and schemas for your editor."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise UsageError(f"`{name}` is no name for a bot", help="use letters, digits, - and _")
    found, _ = open_project(project)
    folder = found.folder / "bots" / name
    if folder.exists():
        raise UserError(f"{_shown(folder)} is there already", help="give another name, or remove it")
    workflow = _WORKFLOW.replace("{comment}", _comment("workflow"))
    if source is not None:
        workflow = _comment("workflow") + "\n" + _as_yaml(workflow_of_file(source))
    folder.mkdir(parents=True)
    variable = re.sub(r"\W", "_", name).upper()
    bot = _BOT.format(comment=_comment("bot"), name=name, variable=variable)
    written = {folder / "bot.yaml": bot, folder / "workflow.yaml": workflow}
    for kind in KINDS:
        path = found.state_folder / "schema" / f"{kind}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(schema_for(kind), ensure_ascii=False))
    ignore = found.folder / ".gitignore"
    if not ignore.exists():
        written[ignore] = ".botctl/\n.env\n"
    for path, text in written.items():
        path.write_text(text)
        print(_shown(path))
    print(f"Now try: botctl run {name}")


def _comment(kind: str) -> str:
    return f"# yaml-language-server: $schema=../../.botctl/schema/{kind}.json"


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _as_yaml(workflow: WorkflowSpec) -> str:
    nodes = [{"id": node.id, "type": node.type, "data": dict(node.data)} for node in workflow.nodes]
    edges = [_edge(edge) for edge in workflow.edges]
    return yaml.dump(
        {"nodes": nodes, "edges": edges}, Dumper=_Readable, sort_keys=False, allow_unicode=True, width=100
    )


def _edge(edge: EdgeSpec) -> Any:
    """The short form where it can be read back, else the long one."""
    plain = re.compile(r"[\w-]+")
    if plain.fullmatch(edge.source) and plain.fullmatch(edge.target) and plain.fullmatch(edge.handle):
        source = edge.source if edge.handle == "next" else f"{edge.source}.{edge.handle}"
        return f"{source} -> {edge.target}"
    return {"source": edge.source, "target": edge.target, "sourceHandle": edge.handle}


class _Readable(yaml.SafeDumper):
    """YAML as a person would write it: text of several lines as a block."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Readable.add_representer(str, _text)
