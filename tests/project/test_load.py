"""Bots are loaded one by one: what is broken is told, and breaks nothing beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from botctl.errors import UserError
from botctl.project.load import (
    Project,
    bare_workflow,
    find_project,
    load_bot,
    load_project_file,
)
from botctl.project.workflow_file import pinned_graph, workflow_of_file
from botctl.secrets import Environment
from botctl.source.diagnostic import Diagnostic

WORKFLOW = """\
nodes:
  - {id: start, type: trigger, data: {}}
  - {id: greet, type: send_message, data: {message: Hello}}
edges:
  - start -> greet
"""


def project(folder: Path, **files: str) -> Project:
    """A project with these files; `__` in a name stands for a slash, `_yaml` for .yaml."""
    for name, text in files.items():
        path = folder / (name.replace("__", "/").removesuffix("_yaml") + ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return load_project_file(folder)


def said(diagnostics: list[Diagnostic]) -> list[tuple[str, str, str]]:
    return [(found.code, found.message, found.help) for found in diagnostics]


def test_a_bot_comes_with_its_workflow_and_a_hash_of_its_text(tmp_path: Path) -> None:
    found = project(tmp_path, bots__a__bot="name: a\nworkflow: workflow.yaml\n", bots__a__workflow=WORKFLOW)

    bot, diagnostics = load_bot(found, "a")

    assert diagnostics == []
    assert bot is not None
    assert bot.graph is not None
    assert (bot.spec.name, bot.folder, list(bot.graph.nodes)) == (
        "a",
        tmp_path / "bots" / "a",
        ["start", "greet"],
    )
    (tmp_path / "bots/a/workflow.yaml").write_text(WORKFLOW + "# changed\n")
    again, _ = load_bot(load_project_file(tmp_path), "a")
    assert again is not None
    assert len({bot.definition, again.definition, ""}) == 3


def test_a_broken_bot_breaks_no_other(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        bots__a__bot="name: a\n",
        bots__b__bot="name: [",
        bots__c__bot="{name: c, llm: 5}",
        workspaces__w="name: w\nservers: 7\n",
    )

    assert found.bot_names() == ["a", "b", "c"]
    assert load_bot(found, "a")[1] == []
    assert load_bot(found, "b")[0] is None
    assert [diagnostic.code for diagnostic in load_bot(found, "c")[1]] == ["BT103"]


def test_a_bot_is_called_by_the_name_in_its_file(tmp_path: Path) -> None:
    found = project(tmp_path, bots__folder__bot="name: support-bot\n")

    assert found.bot_names() == ["support-bot"]
    with pytest.raises(UserError) as error:
        load_bot(found, "suport-bot")
    assert (error.value.message, error.value.help) == (
        "there is no bot `suport-bot`",
        "did you mean `support-bot`?",
    )


@pytest.mark.parametrize(
    ("line", "code", "message", "help"),
    [
        ("workspace: shp", "BT201", "there is no workspace `shp`", "did you mean `shop`?"),
        (
            "workflow: flow.yaml",
            "BT202",
            "there is no file flow.yaml",
            "make it, or name another; it is relative to bot.yaml",
        ),
        ("platforms: {consle: {}}", "BT203", "there is no platform `consle`", "did you mean `console`?"),
        (
            "llm: {provider: antropic}",
            "BT204",
            "there is no provider `antropic`",
            "did you mean `anthropic`?",
        ),
        (
            "llm: {provider: custom}",
            "BT204",
            "provider `custom` has no `base_url`",
            "add `base_url`: where its API is",
        ),
        ("identity: {resnd: {}}", "BT205", "there is no identity provider `resnd`", "did you mean `resend`?"),
        (
            "llm: {provider: scripted, script: s.yaml}",
            "BT206",
            "there is no file s.yaml",
            "make it, or name another; it is relative to bot.yaml",
        ),
        (
            "platforms: {custom: {secret: '${SECRET:x}'}}",
            "BT207",
            "`${SECRET:x}` does not name an environment variable",
            "write `${NAME}` or `${NAME:-default}`",
        ),
        ("delegate: [othr]", "BT208", "there is no bot `othr`", "did you mean `other`?"),
        (
            "platforms: {telegram: {mode: poling, token: '${T}'}}",
            "BT104",
            "`mode` cannot be `poling`",
            "did you mean `polling`?",
        ),
        (
            "platforms: {custom: {secrt: x}}",
            "BT101",
            "platform `custom` has no field `secrt`",
            "did you mean `secret`?",
        ),
    ],
)
def test_what_a_bot_names_has_to_be_there(
    tmp_path: Path, line: str, code: str, message: str, help: str
) -> None:
    found = project(
        tmp_path,
        bots__a__bot=f"name: a\n{line}\n",
        bots__other__bot="name: other\n",
        workspaces__shop="name: shop\n",
    )

    assert said(load_bot(found, "a")[1]) == [(code, message, help)]


def test_prose_may_hold_anything_that_looks_like_a_variable(tmp_path: Path) -> None:
    found = project(tmp_path, bots__a__bot='name: a\nsystem_prompt: "Say ${not a name} and ${"\n')

    assert load_bot(found, "a")[1] == []


def test_an_unset_variable_is_no_mistake_of_the_file(tmp_path: Path) -> None:
    found = project(tmp_path, bots__a__bot="name: a\nplatforms: {telegram: {token: '${NOT_SET_ANYWHERE}'}}\n")

    assert load_bot(found, "a", Environment({}))[1] == []


def test_two_bots_of_one_name_are_told(tmp_path: Path) -> None:
    found = project(tmp_path, bots__a__bot="name: x\n", bots__b__bot="name: x\n")

    from botctl.project.load import read_bot

    _, diagnostics = read_bot(found, tmp_path / "bots" / "b" / "bot.yaml")

    assert [diagnostic.code for diagnostic in diagnostics] == ["BT209"]


def test_mistakes_in_the_workspace_and_in_botctl_yaml_are_told_with_the_bot(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        bots__a__bot="name: a\nworkspace: w\n",
        workspaces__w="name: w\nservrs: {}\n",
        botctl="server: {port: http}\n",
    )

    assert [diagnostic.code for diagnostic in load_bot(found, "a")[1]] == ["WS101", "PJ103"]
    with pytest.raises(UserError, match="workspace `w` cannot be used"):
        found.workspace("w")


def test_errors_of_bot_yaml_and_of_its_workflow_are_told_together(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        bots__a__bot="nam: a\nworkflow: workflow.yaml\n",
        bots__a__workflow=WORKFLOW.replace("greet}", "x}").replace("send_message", "send_mesage"),
    )

    assert [diagnostic.code for diagnostic in load_bot(found, "a")[1]] == ["BT101", "WF211"]


def test_a_workflow_that_is_switched_off_is_still_checked(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        bots__a__bot="name: a\nworkflow: workflow.yaml\nworkflow_enabled: false\n",
        bots__a__workflow=WORKFLOW,
    )

    bot, diagnostics = load_bot(found, "a")

    assert bot is not None
    assert (bot.graph, diagnostics) == (None, [])


def test_the_project_is_found_upwards(tmp_path: Path) -> None:
    inside = tmp_path / "bots" / "a" / "tests"
    inside.mkdir(parents=True)
    (tmp_path / "alone").mkdir()

    assert find_project(inside) == tmp_path
    assert find_project(tmp_path / "alone") == tmp_path


def test_a_project_without_botctl_yaml_or_with_an_empty_one_has_the_defaults(tmp_path: Path) -> None:
    assert project(tmp_path).state_folder == tmp_path / ".botctl"
    assert project(tmp_path, botctl="# nothing\n").spec.server.port == 8080
    assert project(tmp_path, botctl="# nothing\n").diagnostics == []


def test_a_bare_workflow_gets_a_bot_of_its_name(tmp_path: Path) -> None:
    path = tmp_path / "Ärger mit Bot 1.json"
    path.write_text(json.dumps(json.dumps({"nodes": [{"id": "t", "type": "trigger"}], "edges": []})))

    bot, diagnostics = bare_workflow(path)

    assert diagnostics == []
    assert bot is not None
    assert (bot.spec.name, list(bot.spec.platforms)) == ("rger-mit-Bot-1", ["console"])
    assert bot.graph is not None
    assert bot.graph.triggers == ("t",)


def test_a_bare_workflow_that_does_not_bind_has_no_bot(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(WORKFLOW.replace("-> greet", "-> great"))

    bot, diagnostics = bare_workflow(path)

    assert bot is None
    assert [diagnostic.code for diagnostic in diagnostics] == ["WF205"]
    with pytest.raises(UserError, match="there is no file"):
        bare_workflow(tmp_path / "missing.yaml")


def test_a_pinned_text_gives_its_graph_back_or_says_why_not() -> None:
    assert list(pinned_graph(WORKFLOW, "bots/a/workflow.yaml").nodes) == ["start", "greet"]
    with pytest.raises(UserError, match=r"can no longer be read: w\.yaml:3: there is no node type `sent`"):
        pinned_graph(WORKFLOW.replace("send_message", "sent"), "w.yaml")


def test_a_workflow_of_a_file_says_what_is_wrong_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    path.write_text('{"nodes": []}')

    with pytest.raises(UserError, match="must contain nodes \\(array\\) and edges \\(array\\)"):
        workflow_of_file(path)
