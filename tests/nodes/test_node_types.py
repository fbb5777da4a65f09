"""All node types: the list, the published examples, the manual pages, and what documents promise of rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from botctl.nodes import NODE_TYPES
from botctl.nodes.node_type import NodeType
from botctl.nodes.site import Site
from botctl.section import field_docs
from botctl.source.rule import Rule
from botctl.tools.tool import Tool
from tests.nodes.world import BY_NAME, codes, examples

EXAMPLES = Path(__file__).parent.parent / "examples"
KNOWN = {
    "platforms": frozenset({"slack", "console"}),
    "bots": frozenset({"billing-bot", "hello"}),
    "tools": {"orders__get_order": Tool(name="orders__get_order")},
}
RULES = [(rule, node_type) for node_type in NODE_TYPES for rule in node_type.rules]


def test_there_are_the_14_types_of_the_documents_in_their_order() -> None:
    names = (
        "trigger llm_call logic mcp_tool send_message action loop code_block auth_gate schedule_message "
        "send_proactive delegate_to_bot error_handler parallel"
    )

    assert " ".join(node_type.name for node_type in NODE_TYPES) == names


def test_every_published_and_constructed_node_validates() -> None:
    refused = []
    for file in sorted(EXAMPLES.glob("*/*.json")):
        for node in json.loads(file.read_text())["nodes"]:
            try:
                BY_NAME[node["type"]].data.model_validate(node["data"])
            except ValueError as error:
                refused.append(f"{file.name}: {error}")

    assert refused == []


@pytest.mark.parametrize("node_type", NODE_TYPES, ids=lambda node_type: node_type.name)
def test_the_example_of_a_manual_page_validates_and_has_no_findings(node_type: NodeType[Any]) -> None:
    nodes = examples(node_type.doc or "")

    assert {node["type"] for node in nodes} == {node_type.name}
    assert [codes(node_type, node["data"]) for node in nodes] == [[] for _ in nodes]


@pytest.mark.parametrize("node_type", NODE_TYPES, ids=lambda node_type: node_type.name)
def test_every_field_is_documented(node_type: NodeType[Any]) -> None:
    docs = field_docs(node_type.data)

    assert [name for name in node_type.data.model_fields if not docs.get(name)] == []
    assert node_type.data.model_json_schema()["additionalProperties"] is False


@pytest.mark.parametrize("node_type", NODE_TYPES, ids=lambda node_type: node_type.name)
def test_an_unknown_field_is_refused(node_type: NodeType[Any]) -> None:
    (node, *_) = examples(node_type.doc or "")

    with pytest.raises(ValueError, match="colour"):
        node_type.data.model_validate({**node["data"], "colour": "red"})


def test_a_code_stands_for_one_rule() -> None:
    checks: dict[str, set[Any]] = {}
    for rule, _ in RULES:
        checks.setdefault(rule.code, set()).add(rule.check)

    assert [code for code, found in checks.items() if len(found) > 1] == []


@pytest.mark.parametrize("rule", {rule.code: rule for rule, _ in RULES}.values(), ids=lambda rule: rule.code)
def test_the_bad_example_of_a_rule_is_found_and_the_good_one_is_not(rule: Rule[Site[Any]]) -> None:
    def found(heading: str) -> list[str]:
        (node,) = examples(rule.doc or "", heading)
        return codes(BY_NAME[node["type"]], node["data"], **KNOWN)

    assert found("Bad:") == [rule.code]
    assert found("Good:") == []
