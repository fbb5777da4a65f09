"""The schemas accept what botctl accepts, and refuse what it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from botctl.identity.providers import IDENTITY_PROVIDERS
from botctl.lint.codes import pages
from botctl.llm.providers import PROVIDERS
from botctl.nodes import NODE_TYPES
from botctl.platforms import PLATFORMS
from botctl.platforms.custom import CUSTOM
from botctl.project.schema import KINDS, schema_for
from botctl.project.workflow_schema import HANDLES
from botctl.source.document import read_document, read_file
from tests.lint.correct_workflows import correct_workflow
from tests.lint.test_generated import bound

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "tests" / "examples"


def refused(kind: str, value: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(schema_for(kind)).iter_errors(value)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_itself_a_schema(kind: str) -> None:
    Draft202012Validator.check_schema(schema_for(kind))


GOOD_EXAMPLES = [
    *(EXAMPLES / "published_complete").glob("*.json"),
    *(EXAMPLES / "constructed").glob("c*.json"),
]
FILES = [
    *(("workflow", path) for path in ROOT.glob("bots/*/workflow.yaml")),
    *(("workflow", path) for path in GOOD_EXAMPLES),
    *(("workflow", path) for path in ROOT.glob("tests/lint/cases/ok_*.yaml")),
    ("workflow", ROOT / "tests/lint/cases/exported.json"),
    *(("bot", path) for path in ROOT.glob("bots/*/bot.yaml")),
    *(("workspace", path) for path in ROOT.glob("workspaces/*.yaml")),
    *(("test", path) for path in ROOT.glob("bots/*/tests/*.yaml")),
    ("project", ROOT / "tests/project/samples/botctl.yaml"),
]


@pytest.mark.parametrize(("kind", "path"), FILES, ids=lambda one: str(one).removeprefix(f"{ROOT}/"))
def test_every_file_of_the_samples_fits_its_schema(kind: str, path: Path) -> None:
    document, _ = read_file(path)

    assert document is not None and refused(kind, document.value) == []


@pytest.mark.parametrize("first", range(0, 40, 10))
def test_correct_workflows_fit_the_schema(first: int) -> None:
    for seed in range(first, first + 10):
        document, _ = read_document(correct_workflow(seed), "w.json" if seed % 3 == 0 else "w.yaml")

        assert document is not None and refused("workflow", document.value) == []


@pytest.mark.parametrize("code", [code for code in pages() if code[:3] in ("WF1", "BT1", "WS1", "PJ1")])
def test_what_the_manual_calls_good_fits_the_schema(code: str) -> None:
    good = re.search(r"^Good:\n\n```yaml\n(.*?)^```", pages()[code], re.MULTILINE | re.DOTALL)
    value = yaml.safe_load(good[1]) if good else None
    kind = {"WF": "workflow", "BT": "bot", "WS": "workspace", "PJ": "project"}[code[:2]]

    if isinstance(value, dict) and ("nodes" in value) == (kind == "workflow") and kind != "project":
        is_of_bots = kind == "workspace" and "servers" not in value
        assert refused("bot" if is_of_bots else kind, value) == []


def test_a_schema_knows_the_data_of_each_node_type() -> None:
    workflow = {"nodes": [{"id": "a", "type": "send_message", "data": {"mesage": "x"}}], "edges": []}

    assert len(refused("workflow", workflow)) == 1


def test_a_schema_knows_the_settings_of_each_platform() -> None:
    assert refused("bot", {"name": "a", "platforms": {"console": {}, "custom": {"secret": "x"}}}) == []
    assert refused("bot", {"name": "a", "platforms": {"custom": {"secrt": "x"}}}) != []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (
            "workflow",
            {"nodes": [{"id": "a", "type": "logic", "data": {"logicType": "if_else"}}], "edges": []},
        ),
        ("workflow", {"nodes": [{"id": "a", "type": "llm_call"}], "edges": []}),
        ("workflow", {"nodes": [], "edges": ["a > b"]}),
        ("workflow", {"nodes": [], "edges": [{"source": "a", "target": "b", "sourceHandle": "yes"}]}),
        (
            "workflow",
            {
                "nodes": [
                    {
                        "id": "a",
                        "type": "logic",
                        "data": {"logicType": "switch", "condition": "x", "variable": "a"},
                    }
                ],
                "edges": [],
            },
        ),
        ("bot", {"name": "a", "llm": {"provider": "anthropc"}}),
        ("bot", {"name": "a", "identity": {"resnd": {}}}),
        ("bot", {"name": "a", "max_loop_iterations": "many"}),
        ("bot", {"name": "a", "timeout": "soon"}),
        ("bot", {"name": "a", "timeout": "30"}),
        ("bot", {"name": "a", "handoff": {"notify": [{"mail": "a@example.com"}]}}),
        ("project", {"limits": {"max_node": 3}}),
    ],
)
def test_a_schema_refuses_what_botctl_refuses(kind: str, value: Any) -> None:
    assert refused(kind, value) != []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("bot", {"name": "a", "max_loop_iterations": "${TURNS:-5}"}),
        ("bot", {"name": "a", "llm": {"provider": "gemini", "temperature": "${HEAT}"}}),
        ("bot", {"name": "a", "timeout": "${PATIENCE:-30s}"}),
        ("bot", {"name": "a", "timeout": 30}),
        ("bot", {"name": "a", "timeout": "1h 30m"}),
        ("bot", {"name": "a", "timeout": "0.5s"}),
        ("workflow", {"workflow_json": '{"nodes": [], "edges": []}'}),
        ("workflow", {"nodes": [{"id": "a", "type": "trigger"}], "edges": []}),
        (
            "workflow",
            {
                "nodes": [
                    {
                        "id": "a",
                        "type": "loop",
                        "data": {"loopType": "count", "iterations": 3, "condition": ""},
                    }
                ],
                "edges": [
                    "a.loop_body -> b",
                    {"source": "a", "target": "c", "sourceHandle": "case_any thing"},
                ],
            },
        ),
    ],
)
def test_a_schema_takes_what_botctl_takes(kind: str, value: Any) -> None:
    assert refused(kind, value) == []


@pytest.mark.parametrize(
    ("kind", "value", "at", "offered"),
    [
        ("workflow", {"nodes": [{"id": "a"}]}, ("nodes", 0, "type"), {one.name for one in NODE_TYPES}),
        (
            "workflow",
            {"nodes": [{"id": "a", "type": "send_message", "data": {}}]},
            ("nodes", 0, "data"),
            {"message", "useTemplate", "buttons", "attachments", "label"},
        ),
        (
            "workflow",
            {"nodes": [{"id": "a", "type": "logic", "data": {}}]},
            ("nodes", 0, "data", "logicType"),
            {"if_else", "switch", "wait", "while"},
        ),
        ("workflow", {"edges": [{}]}, ("edges", 0, "sourceHandle"), set(HANDLES)),
        ("workflow", {"edges": [{}]}, ("edges", 0), {"source", "target", "sourceHandle"}),
        ("bot", {"platforms": {}}, ("platforms",), {platform.name for platform in PLATFORMS}),
        ("bot", {"platforms": {"custom": {}}}, ("platforms", "custom"), set(CUSTOM.settings.model_fields)),
        ("bot", {"identity": {}}, ("identity",), {one.name for one in IDENTITY_PROVIDERS}),
        ("bot", {"llm": {}}, ("llm", "provider"), {one.name for one in PROVIDERS} | {"gemini", "workers-ai"}),
        ("workspace", {"servers": {"a": {}}}, ("servers", "a"), {"command", "args", "url", "headers"}),
        ("project", {"limits": {}}, ("limits",), {"max_nodes", "max_iterations"}),
        ("test", {"stories": [{}]}, (), {"stories"}),
    ],
)
def test_an_editor_is_offered_what_may_stand_there(
    kind: str, value: Any, at: tuple[str | int, ...], offered: set[str]
) -> None:
    schema = schema_for(kind)

    assert offered <= set(completions(schema, schema, value, at))


def test_every_way_out_of_every_node_type_is_among_the_handles() -> None:
    handles = {
        edge.handle
        for seed in range(60)
        for edge in bound(correct_workflow(seed))[1].edges
        if not edge.handle.startswith("case_")
    }

    assert handles <= HANDLES.keys() and len(handles) > 9


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_in_a_schema_is_documented(kind: str) -> None:
    assert list(bare_fields(schema_for(kind), kind)) == []


def bare_fields(schema: Any, at: str) -> Iterator[str]:
    """The places of fields without a description; of the keys that editors leave behind nothing is said."""
    if isinstance(schema, list):
        for one in schema:
            yield from bare_fields(one, at)
    elif isinstance(schema, dict):
        for name, field in schema.get("properties", {}).items():
            is_condition = isinstance(field, dict) and not field.keys() - {"const", "enum", "$ref", "anyOf"}
            if field is not True and not is_condition and "description" not in field:
                yield f"{at}.{name}"
        for key, value in schema.items():
            yield from bare_fields(value, f"{at}.{key}")


def completions(root: Any, schema: Any, value: Any, at: tuple[str | int, ...]) -> Iterator[str]:
    """What an editor that follows a schema as far as `value` fits it offers at a place: keys, or words."""
    if schema is True or schema is False:
        return
    if "$ref" in schema:
        yield from completions(root, root["$defs"][schema["$ref"].rpartition("/")[2]], value, at)
    for word in ("anyOf", "oneOf", "allOf"):
        for one in schema.get(word, ()):
            yield from completions(root, one, value, at)
    if "if" in schema and Draft202012Validator(schema["if"]).is_valid(value):
        yield from completions(root, schema["then"], value, at)
    if not at:
        yield from (str(one) for one in schema.get("enum", ()))
        yield from [str(schema["const"])] if "const" in schema else []
        yield from schema.get("properties", {})
        return
    first, *rest = at
    if isinstance(first, int):
        inside = schema.get("items", True)
    else:
        inside = schema.get("properties", {}).get(first, schema.get("additionalProperties", True))
    below = (value or {}).get(first) if isinstance(first, str) else value[first]
    yield from completions(root, inside, below, tuple(rest))
