"""The linter's answers are put where the mistake is written."""

from __future__ import annotations

from pathlib import Path

from botctl.lint.check import check_paths
from botctl.project.load import load_project_file
from botctl.source.diagnostic import Diagnostic


def found_in(text: str, folder: Path) -> list[Diagnostic]:
    (folder / "w.yaml").write_text(text)
    return check_paths([folder / "w.yaml"], load_project_file(folder)).diagnostics


def test_a_syntax_error_in_code_has_its_line_and_column_in_the_file(tmp_path: Path) -> None:
    text = """\
nodes:
  - {id: start, type: trigger}
  - id: add
    type: code_block
    data:
      code: |
        const one = 1;

        ctx.variables.two = one +;
edges:
  - start -> add
"""
    (found,) = found_in(text, tmp_path)

    assert found.span is not None
    assert (found.code, found.span.line) == ("WF301", 9)
    assert text.split("\n")[8][found.span.column - 1] in "+;"


def test_a_part_of_a_template_is_pointed_at(tmp_path: Path) -> None:
    text = """\
nodes:
  - {id: start, type: trigger}
  - {id: greet, type: send_message, data: {message: "Hello {{user name}}!"}}
edges: [start -> greet]
"""
    (found,) = found_in(text, tmp_path)

    assert found.span is not None
    line = text.split("\n")[2]
    assert found.code == "VR301"
    assert line.index("{{") <= found.span.column - 1 < line.index("}}") + 2


def test_without_a_trigger_nothing_is_said_about_reaching_nodes(tmp_path: Path) -> None:
    text = "nodes:\n  - {id: a, type: parallel}\n  - {id: b, type: parallel}\nedges: []\n"

    assert [found.code for found in found_in(text, tmp_path)] == ["WF201"]
