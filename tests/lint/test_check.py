"""`botctl validate` understands whatever path it is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from botctl.errors import UserError
from botctl.lint.bare import check_bare_files
from botctl.lint.check import check_paths
from botctl.project.load import Project, load_project_file

TRIGGER = "nodes:\n  - {id: start, type: trigger}\nedges: []\n"
NO_TRIGGER = "nodes:\n  - {id: start, type: parallel}\nedges: []\n"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with a mistake in each of its files, and the current folder in it."""
    files = {
        "bots/a/bot.yaml": "name: a\nworkspace: w\nworkflow: workflow.yaml\nextra: 1\n",
        "bots/a/workflow.yaml": NO_TRIGGER,
        "bots/b/bot.yaml": "name: b\nworkspace: w\nworkflow: workflow.yaml\nplatforms: {console: {}}\n",
        "bots/b/workflow.yaml": NO_TRIGGER,
        "bots/b/tests/first.yaml": "- say: hello\n",
        "workspaces/w.yaml": "name: w\nserver: {}\n",
        "botctl.yaml": "stat: x\n",
        "elsewhere/flow.yml": TRIGGER,
        "elsewhere/tools.yaml": "name: x\nservers: {a: {}}\n",
        "elsewhere/notes.txt": "hello",
        "empty/notes.txt": "hello",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    return load_project_file(tmp_path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "bots/b",
            ["bots/b/tests/first.yaml ST103", "bots/b/workflow.yaml WF201", "workspaces/w.yaml WS101"],
        ),
        (
            "b",
            [
                "bots/b/tests/first.yaml ST103",
                "bots/b/workflow.yaml WF201",
                "botctl.yaml PJ101",
                "workspaces/w.yaml WS101",
            ],
        ),
        ("bots/b/bot.yaml", ["bots/b/workflow.yaml WF201", "workspaces/w.yaml WS101"]),
        ("bots/b/workflow.yaml", ["bots/b/workflow.yaml WF201"]),
        ("bots/b/tests/first.yaml", ["bots/b/tests/first.yaml ST103"]),
        ("w", ["workspaces/w.yaml WS101"]),
        ("workspaces/w.yaml", ["workspaces/w.yaml WS101"]),
        ("workspaces", ["workspaces/w.yaml WS101"]),
        ("botctl.yaml", ["botctl.yaml PJ101"]),
        ("elsewhere/flow.yml", []),
        ("elsewhere/tools.yaml", ["elsewhere/tools.yaml WS106"]),
        ("elsewhere", ["elsewhere/tools.yaml WS106"]),
        ("bots", ["bots/a/bot.yaml BT101", "bots/b/workflow.yaml WF201", "workspaces/w.yaml WS101"]),
        (
            ".",
            [
                "botctl.yaml PJ101",
                "bots/a/bot.yaml BT101",
                "bots/b/tests/first.yaml ST103",
                "bots/b/workflow.yaml WF201",
                "workspaces/w.yaml WS101",
            ],
        ),
    ],
)
def test_a_path_means_what_it_says(world: Project, path: str, expected: list[str]) -> None:
    found = check_paths([Path(path)], world).diagnostics

    assert sorted(f"{diagnostic.file} {diagnostic.code}" for diagnostic in found) == sorted(expected)


def test_without_a_path_it_is_the_whole_project(world: Project) -> None:
    assert check_paths([], world) == check_paths([world.folder], world)


def test_what_two_paths_share_is_told_once(world: Project) -> None:
    found = check_paths([Path("bots/b"), Path("workspaces/w.yaml")], world).diagnostics

    assert [diagnostic.code for diagnostic in found] == ["ST103", "WF201", "WS101"]


@pytest.mark.parametrize(
    ("path", "message", "help"),
    [
        (
            "elsewhere/flaw.yml",
            "there is no file or folder elsewhere/flaw.yml",
            "did you mean `elsewhere/flow.yml`?",
        ),
        (
            "nothing/at/all",
            "there is no file or folder nothing/at/all",
            "give a file, a folder, or the name of a bot",
        ),
        (
            "empty",
            "there is nothing to check in empty",
            "give a bot's folder, a project, or a folder of workflow files",
        ),
        (
            "elsewhere/notes.txt",
            "elsewhere/notes.txt is no file that botctl reads",
            "give a bot, a workspace or a workflow: a .yaml or .json file",
        ),
    ],
)
def test_a_path_that_is_nothing_has_a_way_out(world: Project, path: str, message: str, help: str) -> None:
    with pytest.raises(UserError) as error:
        check_paths([Path(path)], world)

    assert (error.value.message, error.value.help) == (message, help)


def test_a_folder_without_anything_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is nothing to check in"):
        check_paths([], load_project_file(tmp_path))


def test_a_workflow_knows_the_bot_beside_it_and_a_bare_one_knows_nothing(world: Project) -> None:
    text = TRIGGER.replace(
        "edges: []", "  - {id: tell, type: send_proactive, data: DATA}\nedges: [start -> tell]"
    )
    text = text.replace("DATA", "{message: hi, target_channel_id: ops, target_platform: slack}")
    Path("bots/b/workflow.yaml").write_text(text)
    Path("elsewhere/flow.yml").write_text(text)

    with_bot, bare = (
        check_paths([Path(path)], world).diagnostics
        for path in ("bots/b/workflow.yaml", "elsewhere/flow.yml")
    )

    assert [diagnostic.code for diagnostic in with_bot] == ["PF301"]
    assert bare == []


def test_bare_files_are_checked_alike_by_the_quick_way(world: Project) -> None:
    Path("elsewhere/broken.json").write_text('{"nodes": [{"id": "a", "type": "lop"}], "edges": []}')
    paths = [Path("elsewhere/flow.yml"), Path("elsewhere/broken.json")]

    assert check_bare_files(paths) == check_paths(paths, world)


@pytest.mark.parametrize(
    "path",
    [
        "bots/a",
        "a",
        "bots/b/workflow.yaml",
        "bots/b/bot.yaml",
        "botctl.yaml",
        "elsewhere/tools.yaml",
        "no.yaml",
    ],
)
def test_the_quick_way_leaves_alone_what_needs_a_project(world: Project, path: str) -> None:
    assert check_bare_files([Path(path)]) is None
