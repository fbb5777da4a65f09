"""What is said about each golden case, byte for byte. `make golden` writes them anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint.golden import CASES, cases, expected, told


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_case_is_told_as_it_was_before(case: Path) -> None:
    assert told(case) == expected(case).read_text()


def test_no_expectation_is_without_its_case() -> None:
    assert sorted(CASES.glob("*.out")) == sorted(expected(case) for case in cases())
