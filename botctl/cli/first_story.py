"""A first story about an imported workflow: a message is played with stubs, what came is written down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botctl.cli.imported import Needs
from botctl.cli.starter import schema_comment
from botctl.project.load import load_project_file
from botctl.project.stories import load_stories
from botctl.spec.workflow import WorkflowSpec
from botctl.stories.company import Plan, parts_of, perform
from botctl.stories.happening import Happening, Visit
from botctl.stories.writing import yaml_text

FILE = "first.yaml"
_SAYS = "Hello"
_ABOUT = """\
# One message, and what came of it when this workflow was imported. Models and tools answer what stands here:
# let them answer otherwise in further stories, until `botctl test {name} --coverage` finds nothing any more.
"""
_WORD = re.compile(r"\{\{\s*([A-Za-z_]\w*)[^}]*\}\}\s*(?:==|contains|starts_with)\s*[\"']?([\w-]+)")


def first_story(folder: Path, name: str, workflow: WorkflowSpec, needs: Needs) -> tuple[str, str]:
    """(the text of the file, why the story cannot be played or ""). folder: of the project, with the bot."""
    draft = _draft(workflow, needs)
    text = _text(name, draft)
    path = folder / "bots" / name / "tests" / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    loaded, wrong = load_stories(load_project_file(folder), path, name)
    if loaded is None:
        return text, wrong[0].message
    (played,) = perform(parts_of([loaded]), Plan(folder=folder, processes=1)).played
    step = draft["stories"][0]["steps"][0]
    now = played.happened[0] if played.happened else None
    if now is not None and not now.gaps and not now.refused:
        step.update(_came(now, name))
    elif played.failure is not None:
        return text, played.failure.fact
    return _text(name, draft), ""


def _text(name: str, draft: Mapping[str, Any]) -> str:
    return schema_comment("test", f"bots/{name}/tests/{FILE}") + _ABOUT.format(name=name) + yaml_text(draft)


def _draft(workflow: WorkflowSpec, needs: Needs) -> dict[str, Any]:
    models = [
        {"node": node.id, "reply": _reply(workflow, str(node.data.get("outputVariable", "")))}
        for node in workflow.nodes
        if node.type == "llm_call"
    ]
    draft: dict[str, Any] = {"models": models} if models else {}
    if needs.tools:
        draft["tools"] = {tool: {"result": {}} for tool in needs.tools if "__" in tool and "{{" not in tool}
    return {**draft, "stories": [{"name": "a first message is answered", "steps": [{"say": _SAYS}]}]}


def _reply(workflow: WorkflowSpec, variable: str) -> str:
    """A word that leads somewhere: the first case of a decision about the answer."""
    for node in workflow.nodes:
        data = node.data
        if not variable or node.type != "logic":
            continue
        cases = data.get("cases")
        if str(data.get("variable", "")).split(".")[0] == variable and isinstance(cases, list) and cases:
            return str(cases[0])
        compared = _WORD.search(str(data.get("condition", "")))
        if compared and compared[1] == variable:
            return compared[2]
    return "An answer."


def _came(now: Happening, name: str) -> dict[str, Any]:
    """What came of the message, as a story expects it."""
    came: dict[str, Any] = {"expect": [told.message.text for told in now.told if told.user]}
    came["path"] = [_visit(visit) for visit in now.visits if visit.spot.bot in ("", name)]
    if now.calls:
        came["called"] = [{call.tool: dict(call.arguments)} for call in now.calls]
    if now.handoffs:
        came["handoff"] = [reason for reason, _, _ in now.handoffs]
    if now.schedules:
        came["schedules"] = [{"contains": schedule[1]} for schedule in now.schedules]
    return {**came, "status": now.status} if now.status else came


def _visit(visit: Visit) -> str:
    if visit.error:
        return visit.spot.node
    return f"{visit.spot.node}.{visit.handle}" if visit.handle not in ("", "next") else visit.spot.node
