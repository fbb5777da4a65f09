"""`botctl schema`: the JSON Schema of each kind of file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from botctl.cli.terminal import print_json
from botctl.errors import UsageError
from botctl.project.schema import KINDS, schema_for

app = typer.Typer(rich_markup_mode=None)


@app.command()
def schema(
    kind: Annotated[str | None, typer.Argument(help="bot, workspace, workflow, project or test.")] = None,
    write: Annotated[
        Path | None, typer.Option("--write", help="Write all of them into this folder instead.")
    ] = None,
) -> None:
    """Print the JSON Schema of a kind of file, for editors."""
    if write is not None:
        write.mkdir(parents=True, exist_ok=True)
        for one in KINDS:
            _write(write / f"{one}.schema.json", one)
            print(write / f"{one}.schema.json")
        return
    if kind not in KINDS:
        what = f"there is no schema for `{kind}`" if kind else "which schema?"
        raise UsageError(what, help="one of " + ", ".join(KINDS))
    print_json(schema_for(kind))


def _write(path: Path, kind: str) -> None:
    import json

    path.write_text(json.dumps(schema_for(kind), indent=2, ensure_ascii=False) + "\n")
