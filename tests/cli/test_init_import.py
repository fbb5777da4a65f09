"""An imported workflow says in YAML what it said in JSON; the published example becomes a bot that works."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as any_

from botctl.cli.imported import imported_files, needs_of, workflow_text
from botctl.errors import UserError
from botctl.project.workflow_file import load_workflow, workflow_of_file
from botctl.spec.workflow import EdgeSpec, NodeSpec, WorkflowSpec
from botctl.spec.workflow_parse import parse_workflow, read_workflow
from tests.cli.test_commands import ROOT, botctl

EXAMPLES = sorted((ROOT / "tests" / "examples").glob("*/*.json"))
PUBLISHED = ROOT / "tests" / "examples" / "published_complete" / "01_minimal_classify_and_reply.json"


def essence(workflow: WorkflowSpec | None) -> object:
    """What a workflow says, wherever it stands."""
    assert workflow is not None
    nodes = [(node.id, node.type, dict(node.data)) for node in workflow.nodes]
    return nodes, [(edge.source, edge.handle, edge.target) for edge in workflow.edges]


def reread(text: str) -> WorkflowSpec | None:
    document, diagnostics = read_workflow(text, "workflow.yaml")
    assert document is not None and diagnostics == []
    return parse_workflow(document)[0]


def loadable() -> list[Path]:
    """The examples that can be read as a workflow; the others are parts of one."""
    found = []
    for path in EXAMPLES:
        try:
            workflow_of_file(path)
        except UserError:
            continue
        found.append(path)
    return found


@pytest.mark.parametrize("path", loadable(), ids=lambda path: path.stem)
def test_an_example_says_in_yaml_what_it_said_in_json(path: Path) -> None:
    workflow = workflow_of_file(path)

    text = workflow_text(workflow, "Imported.")

    assert essence(reread(text)) == essence(workflow)


def test_all_complete_examples_can_be_read() -> None:
    complete = [path for path in EXAMPLES if path.parent.name != "published_fragments"]

    assert set(complete) <= set(loadable())


def test_a_yaml_workflow_is_imported_as_it_is(tmp_path: Path) -> None:
    samples = sorted((ROOT / "bots").glob("*/workflow.yaml"))

    said = {path: essence(reread(workflow_text(workflow_of_file(path), "Imported."))) for path in samples}

    assert said == {path: essence(workflow_of_file(path)) for path in samples}


TEXTS = any_.text(
    alphabet=any_.characters(exclude_categories=["Cs", "Cc", "Cn", "Zl", "Zp"]) | any_.just("\n"), max_size=12
)
WORDS = any_.sampled_from(
    ["on", "1e3", "0o7", "null", "a: b", "- x", "{{x}}", "#c", "2026-01-01", "a\n  b\n"]
)
VALUES: Any = any_.recursive(
    any_.none() | any_.booleans() | any_.integers(-(10**9), 10**9) | TEXTS | WORDS,
    lambda inner: any_.lists(inner, max_size=3) | any_.dictionaries(TEXTS | WORDS, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(data=any_.dictionaries(TEXTS | WORDS, VALUES, max_size=4), id=TEXTS | WORDS, handle=TEXTS | WORDS)
def test_whatever_stands_in_a_node_comes_back_as_it_was(data: dict[str, Any], id: str, handle: str) -> None:
    nodes = (
        NodeSpec(id=f"n{id}", type="x", data=data, path=()),
        NodeSpec(id=id + ".", type="y", data={}, path=()),
    )
    edges = (EdgeSpec(source=f"n{id}", target=id + ".", handle=f"h{handle}", path=()),)
    workflow = WorkflowSpec(nodes=nodes, edges=edges, file="x", text="")

    text = workflow_text(workflow, "Imported.")

    assert essence(reread(text)) == essence(workflow)


def test_the_published_example_is_imported_run_and_tested(tmp_path: Path) -> None:
    made = botctl("init", "--from", str(PUBLISHED), "--name", "published", cwd=tmp_path)

    checked = botctl("validate", "--strict", "published", cwd=tmp_path)
    tested = botctl("test", "published", "--min-coverage", "100", cwd=tmp_path)
    answered = botctl("run", "published", cwd=tmp_path, stdin="hello\n")

    assert (made.returncode, checked.stdout) == (0, "no mistakes found\n")
    assert tested.returncode == 0 and "1 passed of 1 bot" in tested.stdout
    assert answered.stdout.startswith("Detected intent: ") and "hello" in answered.stdout


def test_an_exported_bot_keeps_its_id_and_prompt_but_no_key(tmp_path: Path) -> None:
    exported = {
        "id": "bt_billing",
        "name": "Billing",
        "system_prompt": "You are kind.\nBe brief: always.",
        "llm_api_key": "sk-something",
        "workflow_enabled": 1,
        "workflow_json": PUBLISHED.read_text(),
    }
    (tmp_path / "billing.json").write_text(json.dumps(exported))

    files, _, _ = imported_files(tmp_path / "billing.json", "billing", "scripted")

    assert files["bots/billing/bot.yaml"].splitlines()[1:6] == [
        "name: billing",
        "id: bt_billing",
        "system_prompt: |-",
        "  You are kind.",
        "  Be brief: always.",
    ]
    assert "sk-something" not in "".join(files.values())


def test_what_a_workflow_needs_is_found_in_its_nodes() -> None:
    example = ROOT / "tests" / "examples" / "constructed" / "c06_incident_fanout.json"

    needs = needs_of(workflow_of_file(example))

    assert (list(needs.servers), needs.platforms, needs.has_model, needs.has_handoff) == (
        ["pagerduty"],
        ["slack"],
        True,
        True,
    )


def test_an_imported_workflow_binds_as_the_exported_one_does(tmp_path: Path) -> None:
    path = tmp_path / "workflow.yaml"
    bound = {}
    for example in loadable():
        path.write_text(workflow_text(workflow_of_file(example), "Imported."))
        bound[example.stem] = sorted(found.code for found in load_workflow(path).diagnostics)

    expected = {
        example.stem: sorted(found.code for found in load_workflow(example).diagnostics)
        for example in loadable()
    }

    assert json.dumps(bound) == json.dumps(expected)
