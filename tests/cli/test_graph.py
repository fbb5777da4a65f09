"""`botctl graph`, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from tests.cli.test_commands import ECHO, ROOT, botctl


def test_a_workflow_file_is_drawn_as_text(tmp_path: Path) -> None:
    (tmp_path / "echo.json").write_text(json.dumps(ECHO))

    assert botctl("graph", "echo.json", cwd=tmp_path).stdout == "t (trigger)\nsay (send_message)\n"


def test_a_picture_is_written_with_its_style_sheet(tmp_path: Path) -> None:
    told = botctl("graph", "support-bot", "-o", str(tmp_path / "out.svg"), cwd=ROOT)

    root = ElementTree.parse(tmp_path / "out.svg").getroot()
    children = [child.tag.rpartition("}")[2] for child in root][:2]
    assert (told.returncode, root.get("class"), children) == (0, "workflow", ["title", "style"])


def test_what_the_linter_found_is_marked(tmp_path: Path) -> None:
    text = json.dumps(ECHO).replace(
        '], "edges"', ', {"id": "lost", "type": "parallel", "data": {}}], "edges"'
    )
    (tmp_path / "w.json").write_text(text)

    told = botctl("graph", "w.json", cwd=tmp_path)

    assert (told.returncode, told.stdout.splitlines()[-1], told.stderr) == (
        0,
        "lost (parallel)  ✕ error",
        "1 error, as `botctl validate` tells\n",
    )


def test_what_cannot_be_bound_is_refused_with_its_errors(tmp_path: Path) -> None:
    (tmp_path / "w.json").write_text('{"nodes": [{"id": "t", "type": "triger"}], "edges": []}')

    told = botctl("graph", "w.json", cwd=tmp_path)

    assert (told.returncode, told.stdout, "WF211" in told.stderr, "cannot be drawn" in told.stderr) == (
        1,
        "",
        True,
        True,
    )


def test_the_path_of_a_run_is_drawn_from_the_workflow_it_began_with(tmp_path: Path) -> None:
    (tmp_path / "bots/echo").mkdir(parents=True)
    (tmp_path / "bots/echo/bot.yaml").write_text(
        "name: echo\nworkflow: w.json\nllm: {provider: scripted}\nplatforms: {console: {}}\n"
    )
    (tmp_path / "bots/echo/w.json").write_text(json.dumps(ECHO))
    botctl("run", "echo", cwd=tmp_path, stdin="hi\n")
    (tmp_path / "bots/echo/w.json").write_text("{}")
    run = json.loads(botctl("runs", "list", "--json", cwd=tmp_path).stdout)[0]["id"]

    told = botctl("graph", "--run", run, cwd=tmp_path)

    assert (told.returncode, told.stdout) == (0, "● t (trigger)\n● say (send_message)\n")


def test_an_agent_is_drawn_as_its_two_nodes() -> None:
    assert botctl("graph", "community-bot", cwd=ROOT).stdout == "message (trigger)\nagent (agent)\n"


def test_a_format_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    told = botctl("graph", "x", "--format", "png", cwd=tmp_path)

    assert (told.returncode, told.stderr.splitlines()[0]) == (2, "error: there is no format `png`")
