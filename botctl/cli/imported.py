"""An import: an exported workflow as the files of a bot, and what they still need."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from botctl.cli.starter import (
    SCRIPTED,
    model_lines,
    module_name,
    platform_lines,
    platform_names,
    schema_comment,
)
from botctl.errors import UserError
from botctl.identity.providers import IDENTITY_PROVIDERS
from botctl.project.workflow_file import workflow_of_file
from botctl.spec.workflow import EdgeSpec, NodeSpec, WorkflowSpec
from botctl.spec.workflow_parse import NEXT, parse_workflow, read_workflow
from botctl.stories.writing import yaml_text

_PLAIN = re.compile(r"[A-Za-z_][\w-]*")
_KEPT = ("id", "description", "system_prompt", "welcome_message")
_ECHO = """\
# It repeats what it is asked. For a model write {provider: anthropic}, or another provider.
llm: {provider: scripted}
"""
_SOURCES = ("functions", "skills", "delegate")
"""What stands before `__` in names of tools that no server has."""


class Needs(Struct, frozen=True, kw_only=True):
    """What a workflow asks of everything around it, each in the order in which it comes up."""

    servers: Mapping[str, list[str]]
    tools: list[str]
    platforms: list[str]
    bots: list[str]
    identity: list[str]
    has_model: bool
    has_handoff: bool


def needs_of(workflow: WorkflowSpec) -> Needs:
    """Everything that its nodes name."""
    tools = _named(workflow, "mcp_tool", "toolName")
    servers: dict[str, list[str]] = {}
    for tool in tools:
        server, separator, _ = tool.partition("__")
        if separator and server not in _SOURCES:
            servers.setdefault(server, []).append(tool)
    actions = {str(node.data.get("actionType", "")) for node in workflow.nodes if node.type == "action"}
    return Needs(
        servers=servers,
        tools=tools,
        platforms=_named(workflow, "send_proactive", "target_platform"),
        bots=_named(workflow, "delegate_to_bot", "target_bot_id"),
        identity=_named(workflow, "auth_gate", "provider"),
        has_model=any(node.type == "llm_call" for node in workflow.nodes),
        has_handoff=bool(actions & {"human_handoff", "create_ticket"}),
    )


def _named(workflow: WorkflowSpec, type: str, field: str) -> list[str]:
    values = [node.data.get(field) for node in workflow.nodes if node.type == type]
    return list(dict.fromkeys(value for value in values if isinstance(value, str) and value))


def imported_files(path: Path, name: str, provider: str) -> tuple[dict[str, str], Needs, WorkflowSpec]:
    """The texts of all files, by their paths in the project; what they need; the workflow as it was read."""
    workflow = workflow_of_file(path)
    needs = needs_of(workflow)
    place = f"bots/{name}/workflow.yaml"
    text = schema_comment("workflow", place) + workflow_text(workflow, f"Imported from {path.name}.")
    files = {f"bots/{name}/bot.yaml": _bot_text(name, needs, provider, _kept(path)), place: text}
    if needs.servers:
        files[f"workspaces/{name}.yaml"] = _workspace_text(name, needs)
    return files, needs, workflow


def workflow_text(workflow: WorkflowSpec, about: str) -> str:
    """A workflow as YAML that reads back as the same workflow."""
    text = _written(workflow, about, _data_lines)
    if _essence(_reread(text)) == _essence(workflow):
        return text
    # Some value is one that the plain form would change: every value in JSON, which is YAML too.
    text = _written(workflow, about, lambda data: ["    data: " + json.dumps(data, ensure_ascii=False)])
    if _essence(_reread(text)) != _essence(workflow):
        raise UserError("this workflow cannot be written as YAML", help="use it as it is: `workflow: x.json`")
    return text


def _written(workflow: WorkflowSpec, about: str, data_lines: Any) -> str:
    ways = {edge.target: f"{edge.source}.{edge.handle}" for edge in workflow.edges if edge.handle != NEXT}
    lines = [f"# {about} {len(workflow.nodes)} nodes and {len(workflow.edges)} edges."]
    lines.append("nodes:" if workflow.nodes else "nodes: []")
    for node in workflow.nodes:
        if node.id in ways:
            lines += ["", f"  # --- {ways[node.id]} ---".replace("\n", " ")]
        lines += ["", *_comment(node), f"  - id: {_scalar(node.id)}", f"    type: {_scalar(node.type)}"]
        lines += data_lines(node.data) if node.data else []
    lines += ["", "edges:" if workflow.edges else "edges: []"]
    for edge in workflow.edges:
        lines.append(f"  - {_edge(edge)}")
    return "\n".join(lines) + "\n"


def _comment(node: NodeSpec) -> list[str]:
    label = node.data.get("label")
    words = " ".join(str(label).split()) if isinstance(label, str) else ""
    return [f"  # {words}"] if words and words.isprintable() else []


def _data_lines(data: Mapping[str, Any]) -> list[str]:
    text = yaml_text(data).rstrip("\n")
    return ["    data:", *(f"      {line}" if line.strip() else "" for line in text.split("\n"))]


def _edge(edge: EdgeSpec) -> str:
    """The short form where it can be read back, else the long one."""
    if all(_PLAIN.fullmatch(word) for word in (edge.source, edge.target, edge.handle)):
        way = "" if edge.handle == NEXT else f".{edge.handle}"
        return f"{edge.source}{way} -> {edge.target}"
    handle = {} if edge.handle == NEXT else {"sourceHandle": edge.handle}
    return json.dumps({"source": edge.source, "target": edge.target, **handle}, ensure_ascii=False)


def _scalar(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in ("true", "false", "null")
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def _reread(text: str) -> WorkflowSpec | None:
    document, _ = read_workflow(text, "workflow.yaml")
    return parse_workflow(document)[0] if document is not None else None


def _essence(workflow: WorkflowSpec | None) -> Any:
    """What a workflow says, wherever it stands."""
    if workflow is None:
        return None
    nodes = [(node.id, node.type, json.dumps(node.data, sort_keys=True)) for node in workflow.nodes]
    return nodes, [(edge.source, edge.handle, edge.target) for edge in workflow.edges]


def _kept(path: Path) -> dict[str, str]:
    """What an exported bot says around its workflow that a bot.yaml says too. Its keys are left behind."""
    try:
        exported = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:  # YAML, or not a whole export
        return {}
    if not isinstance(exported, dict):
        return {}
    return {key: text for key in _KEPT if isinstance(text := exported.get(key), str) and text.strip()}


def _bot_text(name: str, needs: Needs, provider: str, kept: Mapping[str, str]) -> str:
    place = f"bots/{name}/bot.yaml"
    lines = [f"name: {name}", *yaml_text(kept).splitlines()] if kept else [f"name: {name}"]
    lines.append("workflow: workflow.yaml")
    lines += [f"workspace: {name}"] if needs.servers else []
    text = schema_comment("bot", place) + "\n".join(lines) + "\n"
    if needs.has_model:
        text += _ECHO if provider == SCRIPTED else model_lines(provider)
    known = [platform for platform in needs.platforms if platform in platform_names()]
    text += "platforms:\n" + platform_lines(name, ["console", *known])
    settings = [provider for provider in IDENTITY_PROVIDERS if provider.name in needs.identity]
    if settings:
        text += "identity:\n"
    for one in settings:
        fields = [key for key, field in one.settings.model_fields.items() if field.is_required()]
        written = [
            f'{key}: "${{{one.name.upper()}_{key.upper()}:-}}"'
            for key in dict.fromkeys((*fields, *one.secrets))
        ]
        text += f"  {one.name}: {{{', '.join(written)}}}\n"
    if needs.has_handoff:
        text += 'handoff:\n  # Who is asked and told.\n  notify:\n    - email: "${REVIEWER_EMAIL:-}"\n'
    return text


def _workspace_text(name: str, needs: Needs) -> str:
    text = schema_comment("workspace", f"workspaces/{name}.yaml")
    text += "# The servers whose tools the workflow calls. A local one has `command`, `args` and no `url`.\n"
    text += f"name: {name}\nservers:\n"
    for server, tools in needs.servers.items():
        text += f"  # {', '.join(tools)}\n"
        text += f'  {_scalar(server)}: {{url: "${{{module_name(server).upper()}_MCP_URL:-}}"}}\n'
    return text


def attention(name: str, needs: Needs, bots: list[str]) -> Iterator[str]:
    """What is left to do, a sentence each."""
    for server, tools in needs.servers.items():
        yield f"server `{server}` must offer {', '.join(tools)}: say where it is in workspaces/{name}.yaml"
    for tool in needs.tools:
        if "__" not in tool:
            yield f"tool `{tool}` names no server: tools are called `server__tool`"
    for platform in needs.platforms:
        if platform in platform_names():
            yield f"it sends messages on {platform}: set the variables of `platforms: {platform}` in .env"
        elif "{{" not in platform:
            yield f"it sends messages on `{platform}`, which botctl does not know"
    for bot in needs.bots:
        if bot not in bots:
            yield f"it delegates to bot `{bot}`: make it, or write `id: {bot}` into the bot.yaml of yours"
    for provider in needs.identity:
        yield f"codes are sent by {provider}: set the variables of `identity: {provider}` in .env"
    if needs.has_model:
        yield "it asks a model: choose one under `llm` in bot.yaml"
    if needs.has_handoff:
        yield "it asks a person: say whom under `handoff: {notify: ...}` in bot.yaml"
