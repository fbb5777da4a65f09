"""The community bot answers from its handbook, and notes what the handbook does not say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_commands import ROOT, botctl
from tests.samples.chat import sample_project
from workspaces.knowledge_server.articles import Articles
from workspaces.knowledge_server.questions import Questions

HANDBOOK = Articles(ROOT / "workspaces" / "knowledge_server" / "handbook")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return sample_project(tmp_path)


def calls_of_the_last_run(project: Path) -> list[str]:
    """The tools that were called, in order."""
    last = json.loads(botctl("runs", "list", "--json", cwd=project).stdout)[0]["id"]
    told = json.loads(botctl("runs", "show", last, "--json", cwd=project).stdout)
    return [step["label"] for step in told["execution_log"] if step["type"] == "mcp_tool"]


def test_a_question_is_answered_with_the_article_that_a_search_found(project: Path) -> None:
    done = botctl("run", "community-bot", cwd=project, stdin="When are you open?\n")

    article = HANDBOOK.get("opening-hours")
    assert article and done.stdout == article.text + "\n"
    assert calls_of_the_last_run(project) == ["knowledge__search", "knowledge__read"]


def test_a_question_without_an_article_is_noted_once_and_its_asker_told(project: Path) -> None:
    asked = "Do you have a kiln for pottery?\n"

    done = botctl("run", "community-bot", cwd=project, stdin=asked + asked.upper())

    told = "Our handbook does not say. I have noted your question for the team, who will look at it."
    assert done.stdout.splitlines() == [told, told]
    assert (project / ".botctl" / "questions.md").read_text() == f"- {asked}"


def test_a_newcomer_is_greeted_as_the_skill_says(project: Path) -> None:
    done = botctl("run", "community-bot", cwd=project, stdin="Hello, I am new here\n")

    assert done.stdout.startswith("Welcome to the workshop!")
    assert calls_of_the_last_run(project) == ["skills__greet-newcomers"]


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("When are you open?", "opening-hours"),
        ("What does membership cost?", "membership"),
        ("Which acrylic may I cut with the laser?", "laser-cutter"),
        ("is there PETG for printing", "3d-printers"),
        ("Can I come for a tour?", "first-visit"),
        ("Do you have a kiln for pottery?", None),
        ("how are you", None),
        ("", None),
    ],
)
def test_a_search_finds_the_article_that_is_meant_first(question: str, article: str | None) -> None:
    found = [found.id for found in HANDBOOK.search(question)]

    assert (found[0] if found else None) == article


def test_no_id_leads_out_of_the_folder_of_articles(tmp_path: Path) -> None:
    (tmp_path / "articles").mkdir()
    (tmp_path / "secret.md").write_text("# Secret")

    assert Articles(tmp_path / "articles").get("../secret") is None


def test_a_question_of_several_lines_is_noted_as_one_and_only_once(tmp_path: Path) -> None:
    questions = Questions(tmp_path / "new" / "questions.md")

    noted = [questions.log(asked) for asked in ("Is there\n- a kiln?", "is there - a  KILN?", "And clay?")]

    assert (noted, questions.all()) == ([True, False, True], ["Is there - a kiln?", "And clay?"])
