"""What is told about each golden case, byte for byte; `python -m tests.stories.golden --write` writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stories.golden import cases, told


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.stem)
def test_a_failure_is_told_as_it_was_before(case: Path) -> None:
    assert told(case) == case.with_suffix(".out").read_text()
