"""The samples' stories: all of them pass, and together they take every way out of every workflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from botctl.lint.check import check_paths
from botctl.project.load import load_project_file
from botctl.source.document import read_file
from botctl.source.render import render
from botctl.stories.coverage import coverage_of
from botctl.stories.play import cast_of
from botctl.stories.transcript import told
from tests.cli.test_commands import ROOT
from tests.samples.stories import play_stories, stories_of

SAMPLES = sorted(load_project_file(ROOT).bot_files)
FEWEST = 5


def test_every_story_of_every_sample_passes_and_no_way_out_of_a_workflow_is_left_untaken() -> None:
    files = {file.path: file for file in stories_of(ROOT, SAMPLES)}

    performance = play_stories(ROOT, SAMPLES)

    failed = [told(one, files[one.file]) for one in performance.played if one.failure]
    covered = coverage_of(cast_of(ROOT, {}).bots, performance.played, SAMPLES)
    missed = {one.bot: render(one.missed) for one in covered if one.missed}
    assert (failed, missed) == ([], {})


def test_every_sample_but_the_smallest_has_at_least_five_stories() -> None:
    numbers = {
        bot: sum(len(file.spec.stories) for file in stories_of(ROOT, [bot]))
        for bot in SAMPLES
        if bot != "hello"
    }

    few = {bot: number for bot, number in numbers.items() if number < FEWEST}

    assert few == {}


def test_pyyaml_reads_every_file_of_the_samples_as_botctl_does() -> None:
    """It is stricter: in a flow mapping it takes no plain text that ends with `?`."""
    paths = sorted([*ROOT.glob("bots/**/*.yaml"), *ROOT.glob("workspaces/*.yaml")])

    differing = [path for path in paths if yaml.safe_load(path.read_text()) != _value_of(path)]

    assert paths and differing == []


def test_nothing_is_found_in_the_samples_not_even_what_is_only_probably_wrong() -> None:
    project = load_project_file(ROOT)

    checked = check_paths([ROOT / "bots", ROOT / "workspaces"], project)

    assert render(checked.diagnostics) == ""


def _value_of(path: Path) -> Any:
    document, _ = read_file(path)
    return document.value if document is not None else None
