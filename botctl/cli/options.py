"""The options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ProjectOption = Annotated[
    Path | None, typer.Option("--project", help="The project's folder, if not the current one or above it.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
