"""The golden cases: `cases/*.yaml`, each a file of stories about one small shop that fails, and what is told.

`python -m tests.stories.golden --write` writes the `.out` files anew; read the diff.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.stories.test_stories import REFUND
from tests.stories.world import verdict, write_project

CASES = Path(__file__).resolve().parent / "cases"


def cases() -> list[Path]:
    """Every case, by name."""
    return sorted(CASES.glob("*.yaml"))


def told(case: Path) -> str:
    """What `botctl test` tells about a case."""
    before = Path.cwd()
    with TemporaryDirectory() as folder:
        project = write_project(Path(folder), REFUND)
        os.chdir(folder)
        try:
            return verdict(project, case.read_text()) + "\n"
        finally:
            os.chdir(before)


if __name__ == "__main__":
    for case in cases():
        if "--write" in sys.argv:
            case.with_suffix(".out").write_text(told(case))
        else:
            print(told(case))
