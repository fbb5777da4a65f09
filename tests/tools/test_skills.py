"""Skills from their folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from botctl.errors import UserError
from botctl.tools.skills import Skill, read_skill
from botctl.tools.tool import ToolResult


def write(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "SKILL.md").write_text(text, encoding="utf-8")
    return folder


def test_a_skill_is_a_tool_that_returns_its_instructions(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "refunds",
        "---\nname: paying-back\ndescription: How refunds are made\n---\n\nAsk first.\n---\nThen pay.\n",
    )

    skill = read_skill(folder)

    assert skill == Skill(
        name="paying-back", description="How refunds are made", instructions="Ask first.\n---\nThen pay."
    )
    assert (skill.tool.name, skill.tool.hints.read_only) == ("skills__paying-back", True)
    assert skill.load() == ToolResult(value=skill.instructions, text=skill.instructions)


def test_a_skill_without_front_matter_has_its_folders_name(tmp_path: Path) -> None:
    skill = read_skill(write(tmp_path / "refunds", "Ask first."))

    assert skill == Skill(name="refunds", description="", instructions="Ask first.")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("---\na: b: c\n---\n", "is not YAML"),
        ("---\n- a\n---\n", "is not a mapping"),
        (None, "skill `refunds` has no readable SKILL.md"),
    ],
)
def test_what_is_wrong_with_a_skill_is_said(tmp_path: Path, text: str | None, problem: str) -> None:
    folder = tmp_path / "refunds"
    if text is not None:
        write(folder, text)

    with pytest.raises(UserError, match=problem):
        read_skill(folder)
