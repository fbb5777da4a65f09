"""Slips that are silent at run time, planted into the samples: each is told at its line, and only that."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.lint.seeded_defects import (
    APPOINTMENTS,
    SHOP,
    SUPPORT,
    SUPPORT_BOT,
    Defect,
    changed,
)
from tests.lint.test_seeded_defects import ROOT, expected_of, told_of

SCRIPT = "bots/support-bot/script.yaml"

DEFECTS = (
    Defect(
        "an operator misspelt",
        SUPPORT,
        changed("{{order.status}} is_not_empty", "{{order.status}} is_notempty"),
        "VR213",
    ),
    Defect(
        "a key that a tool does not give, in a condition",
        SUPPORT,
        changed("{{order.status}} is_not_empty", "{{order.state}} is_not_empty"),
        "VR204",
    ),
    Defect(
        "single braces around a variable",
        SUPPORT,
        changed("{{item_count}}", "{item_count}"),
        "VR215",
    ),
    Defect(
        "an operator of another language",
        SUPPORT,
        changed("{{payment.status}} == captured", "{{payment.status}} equals captured"),
        "VR213",
    ),
    Defect(
        "braces forgotten",
        SUPPORT,
        changed("{{is_theirs}} == true", "is_theirs == true"),
        "VR213",
    ),
    Defect(
        "the name of a variable where its value was meant",
        SUPPORT,
        changed("{{amount}} >= 500", "{{amount}} >= total"),
        "VR206",
    ),
    Defect(
        "a case without an edge",
        SUPPORT,
        changed("cases: [order, refund, greeting]", "cases: [order, refund, greeting, person]"),
        "WF218",
    ),
    Defect(
        "nothing for what was approved",
        SUPPORT,
        changed("  - ask_finance.approved -> refund\n", "", at="  - id: ask_finance"),
        "WF218",
    ),
    Defect(
        "a way to the network in code",
        SUPPORT,
        changed(
            "const items = ctx.variables.order.items || [];", "const items = fetch('x'); ctx.variables.order;"
        ),
        "WF302",
    ),
    Defect(
        "a name in code misspelt",
        SUPPORT,
        changed("ctx.variables.item_count = items.reduce", "ctx.variables.item_count = itmes.reduce"),
        "WF302",
    ),
    Defect(
        "`ctx.` forgotten",
        SUPPORT,
        changed("ctx.variables.total = (cents", "variables.total = (cents"),
        "WF302",
    ),
    Defect(
        "a member of `ctx` misspelt",
        SUPPORT,
        changed("ctx.variables.total = (cents", "ctx.varaibles.total = (cents"),
        "WF303",
    ),
    Defect(
        "a variable misspelt for which code has a default",
        SUPPORT,
        changed("ctx.variables.order.items || []", "ctx.variables.oder.items || []"),
        "VR201",
    ),
    Defect(
        "a key misspelt in a list that a tool gives",
        APPOINTMENTS,
        changed("{{slots.1.label}}", "{{slots.1.lable}}"),
        "VR204",
    ),
    Defect(
        "a tool that may take longer than the turn",
        SUPPORT,
        changed("label: Look the order up\n", "label: Look it up\n      timeout: 2m\n", at="timeout: 2m"),
        "TL106",
    ),
    Defect(
        "a model that may take longer than the turn",
        SUPPORT_BOT,
        changed("script: script.yaml}", "script: script.yaml, timeout: 2m}"),
        "BT218",
    ),
    Defect("a denied tool misspelt", SHOP, changed("orders__delete_*", "orders__fidn_*"), "TL201"),
    Defect("a folder misspelt", SHOP, changed("cwd: workspaces", "cwd: workspace"), "WS304"),
    Defect(
        "a program that is not there",
        SHOP,
        changed("{command: python, args: [-m, workspaces.payments_server]}", "{command: ./payments.sh}"),
        "WS305",
    ),
    Defect(
        "an address without https",
        SHOP,
        changed(
            "{command: python, args: [-m, workspaces.payments_server]}", "{url: mcp.example.com/payments}"
        ),
        "WS306",
    ),
)  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The samples, for planting one mistake into."""
    for bot in ("support-bot", "appointments"):
        shutil.copytree(ROOT / "bots" / bot, tmp_path / "bots" / bot, ignore=shutil.ignore_patterns("tests"))
    shutil.copytree(ROOT / "workspaces", tmp_path / "workspaces")
    (tmp_path / "botctl.yaml").write_text("server: {host: 127.0.0.1, port: 8080}\n")
    return tmp_path


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.kind)
def test_a_slip_is_found_at_its_line_and_brings_no_second_finding(defect: Defect, project: Path) -> None:
    told = told_of(project, defect)

    assert told == expected_of(project, defect)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("- reply: Hello\n- match: (\n  reply: x\n", f"{SCRIPT}:2 BT217"),
        ("- reply: Hello\n- {replly: x}\n", f"{SCRIPT}:2 BT101"),
        ("- reply: {{result}}\n", f"{SCRIPT}:1 YM110"),
        ("reply: Hello\n", f"{SCRIPT}:1 BT217"),
    ],
)
def test_a_script_that_cannot_be_used_is_told_where_it_is_wrong(
    script: str, told: str, project: Path
) -> None:
    defect = Defect("", SCRIPT, changed((project / SCRIPT).read_text(), script), told[-5:])

    assert told_of(project, defect) == [told]
