"""The variables that a bot's context brings along are not missed in the other bot's workflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from botctl.lint.check import check_paths
from botctl.lint.handed_over import handed_over
from botctl.project.load import Project, load_project_file

CALLER = """\
nodes:
  - {{id: start, type: trigger}}
  - {{id: ask, type: delegate_to_bot, data: {{target_bot_id: {target}, context: {context}}}}}
edges: [start -> ask]
"""
CALLED = """\
nodes:
  - {id: start, type: trigger}
  - {id: say, type: send_message, data: {message: "{{customer}} and {{order.id}}"}}
edges: [start -> say]
"""


def a_project(folder: Path, target: str, context: str) -> Project:
    """Two bots, of which `front` delegates."""
    files = {
        "front/bot.yaml": "name: front\nworkflow: workflow.yaml\nllm: {provider: scripted}\n",
        "front/workflow.yaml": CALLER.format(target=target, context=context),
        "back/bot.yaml": "name: back\nid: bt_back\nworkflow: workflow.yaml\nllm: {provider: scripted}\n",
        "back/workflow.yaml": CALLED,
    }
    for name, text in files.items():
        path = folder / "bots" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return load_project_file(folder)


@pytest.mark.parametrize(
    ("target", "context", "given"),
    [
        ("back", '{customer: "{{user_id}}", order: {id: 1}}', {"customer", "order"}),
        ("bt_back", '\'{"customer": "{{user_id}}"}\'', {"customer"}),
        ('"{{message}}"', "{customer: x}", {"customer"}),
        ("front", "{customer: x}", set()),
        ("back", '""', set()),
        ("back", '{"{{message}}": x}', None),
        ("back", "'{{message}}'", None),
    ],
)
def test_the_keys_of_a_context_are_known(
    target: str, context: str, given: set[str] | None, tmp_path: Path
) -> None:
    found = handed_over(a_project(tmp_path, target, context), frozenset({"back", "bt_back"}))

    assert found == given


def test_what_is_handed_over_is_not_called_never_set(tmp_path: Path) -> None:
    project = a_project(tmp_path, "back", "{customer: x}")

    found = check_paths([tmp_path / "bots" / "back"], project).diagnostics

    assert [diagnostic.message for diagnostic in found if diagnostic.code == "VR201"] == [
        "`order` is never set"
    ]
