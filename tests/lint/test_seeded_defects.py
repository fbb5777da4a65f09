"""Mistakes that are planted into the samples are found: each at its line, none with a second finding."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from botctl.lint.check import check_paths
from botctl.project.load import load_project_file
from botctl.secrets import Environment
from botctl.source.diagnostic import Diagnostic
from tests.lint.doubled_defects import DOUBLES
from tests.lint.seeded_defects import DEFECTS, Defect

ROOT = Path(__file__).resolve().parents[2]
BOTS = ("support-bot", "appointments", "hello", "community-bot", "ops-bot", "onboarding-bot", "oncall-bot")
LEAST_FOUND = 0.95


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples, for planting mistakes into."""
    folder = tmp_path_factory.mktemp("samples")
    for bot in BOTS:
        shutil.copytree(ROOT / "bots" / bot, folder / "bots" / bot)
    shutil.copytree(ROOT / "workspaces", folder / "workspaces")
    (folder / "botctl.yaml").write_text("server: {host: 127.0.0.1, port: 8080}\n")
    for stories in folder.glob("bots/*/tests"):
        shutil.rmtree(stories)
    return folder


@pytest.fixture(scope="module")
def told() -> dict[str, list[str]]:
    """What is told of each mistake, by its kind: it is planted once for both tests."""
    return {}


def found_in(project: Path) -> list[Diagnostic]:
    return check_paths([], load_project_file(project, Environment({}))).diagnostics


def told_of(project: Path, defect: Defect) -> list[str]:
    """All that is found once a mistake is planted, as `file:line code`, the code as far as it is sure."""
    file = project / defect.file
    before = file.read_text()
    file.write_text(defect.plant(before).text)
    try:
        found = found_in(project)
    finally:
        file.write_text(before)
    return [_told(one, project, len(defect.code)) for one in found]


def _told(found: Diagnostic, project: Path, length: int) -> str:
    line = found.span.line if found.span is not None else 0
    return f"{Path(found.file).relative_to(project)}:{line} {found.code[:length]}"


def expected_of(project: Path, defect: Defect) -> list[str]:
    if defect.told_in is None:
        return [f"{defect.file}:{defect.plant((project / defect.file).read_text()).line} {defect.code}"]
    name, beginning = defect.told_in
    lines = (project / name).read_text().splitlines()
    line = next(number for number, line in enumerate(lines, 1) if line.startswith(beginning))
    return [f"{name}:{line} {defect.code}"]


def test_nothing_is_found_before_a_mistake_is_planted(project: Path) -> None:
    assert found_in(project) == []


@pytest.mark.parametrize("defect", [*DEFECTS, *DOUBLES], ids=lambda defect: defect.kind)
def test_a_mistake_is_found_at_its_line_and_brings_no_second_finding(
    defect: Defect, project: Path, told: dict[str, list[str]]
) -> None:
    told[defect.kind] = told_of(project, defect)

    assert told[defect.kind] == expected_of(project, defect)


def test_at_least_57_of_60_kinds_are_found(project: Path, told: dict[str, list[str]]) -> None:
    planted = [*DEFECTS, *DOUBLES]
    for defect in planted:
        if defect.kind not in told:
            told[defect.kind] = told_of(project, defect)

    found = [defect.kind for defect in planted if told[defect.kind] == expected_of(project, defect)]
    assert len(told) == len(planted) >= 60
    assert len(found) >= LEAST_FOUND * len(planted)
