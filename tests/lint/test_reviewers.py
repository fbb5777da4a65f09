"""A reviewer of the dashboard who is limited to a bot that does not exist is told of, with the one meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from botctl.lint.check import check_paths
from botctl.project.load import load_project_file


@pytest.mark.parametrize(
    ("bots", "found"),
    [
        ("[support-bot]", []),
        ("[]", []),
        ('["${BOT:-support-bot}"]', []),
        ("[support-bot, suport-bot]", [("PJ211", "did you mean `support-bot`?")]),
        ("[Support-Bot]", [("PJ211", "did you mean `support-bot`?")]),
        ("[nobot]", [("PJ211", "the bots are `support-bot`")]),
    ],
)
def test_a_reviewer_of_no_bot_is_told_of(tmp_path: Path, bots: str, found: list[tuple[str, str]]) -> None:
    (tmp_path / "bots" / "first").mkdir(parents=True)
    (tmp_path / "bots" / "first" / "bot.yaml").write_text("name: support-bot\nllm: {provider: scripted}\n")
    file = tmp_path / "botctl.yaml"
    file.write_text(f'dashboard:\n  reviewers:\n    - {{name: ada, token: "${{T}}", bots: {bots}}}\n')

    told = check_paths([file], load_project_file(tmp_path)).diagnostics

    assert [(one.code, one.help) for one in told] == found
