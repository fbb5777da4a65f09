"""The golden cases: `cases/*.yaml` and `*.json` checked as workflow files, folders as whole projects, and
what is said about each.

`python tests/lint/golden.py --write` (or `make golden`) writes the `.out` files anew; read the diff.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from botctl.lint.check import check_paths
from botctl.project.load import load_project_file
from botctl.source.formats import FORMATS
from botctl.source.render import plain

CASES = Path(__file__).resolve().parent / "cases"


def cases() -> list[Path]:
    """Every case, by name."""
    return sorted(path for path in CASES.iterdir() if path.suffix in (".yaml", ".json") or path.is_dir())


def told(case: Path) -> str:
    """What `botctl validate` prints about a case: called in a project, or beside a workflow file."""
    before = Path.cwd()
    folder = case if case.is_dir() else CASES
    os.chdir(folder)
    try:
        checked = check_paths([] if case.is_dir() else [Path(case.name)], load_project_file(folder))
        return FORMATS["text"](checked.diagnostics, checked.sources, plain) + "\n"
    finally:
        os.chdir(before)


def expected(case: Path) -> Path:
    """Where the words about a case are kept."""
    return case.with_name(case.name + ".out")


if __name__ == "__main__":
    for case in cases():
        if "--write" in sys.argv:
            expected(case).write_text(told(case))
        else:
            print(told(case))
