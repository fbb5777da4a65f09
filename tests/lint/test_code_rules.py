"""Code that runs text from outside is told, other code is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from botctl.lint.rules.code import check_eval
from botctl.lint.workflow_site import Surroundings, WorkflowSite
from botctl.project.workflow_file import load_workflow


def parts(code: str, folder: Path) -> list[str]:
    """The parts of the code that are told."""
    data = json.dumps({"code": code})
    file = folder / "w.yaml"
    file.write_text(
        f"nodes:\n  - {{id: a, type: trigger}}\n  - {{id: b, type: code_block, data: {data}}}\nedges: []"
    )
    graph = load_workflow(file).graph
    assert graph is not None
    found = check_eval(WorkflowSite(graph=graph, around=Surroundings()))
    return [code[one.within[0] : sum(one.within)] for one in found if one.within]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("eval(ctx.message)", "eval(ctx.message)"),
        ("ctx.variables.x = eval('(' + ctx.variables.y + ')');", "eval('(' + ctx.variables.y + ')')"),
        ("new Function('x', ctx.message)(1)", "new Function('x', ctx.message)"),
        ("const f = Function(ctx.message);", "Function(ctx.message)"),
        ("const c = [].filter.constructor(ctx.message)", ".constructor(ctx.message)"),
        ("const a = ctx.message; let b = a.trim(); eval(b)", "eval(b)"),
        ("const a = `1 + ${ctx.message}`; eval(a)", "eval(a)"),
        ("let text = ''; text += ctx.message; eval(text)", "eval(text)"),
        ("eval(JSON.parse(f(ctx.message)).x); g()", "eval(JSON.parse(f(ctx.message)).x)"),
    ],
)
def test_a_program_made_of_what_comes_from_outside_is_told(code: str, told: str, tmp_path: Path) -> None:
    assert parts(code, tmp_path) == [told]


@pytest.mark.parametrize(
    "code",
    [
        "ctx.variables.x = Number(ctx.message)",
        "eval('1 + 1')",
        "// eval(ctx.message)\nctx.variables.x = 1",
        "/* eval(ctx.message) */",
        "const text = 'eval(ctx.message)'; ctx.variables.x = text",
        "ctx.variables.medieval = medieval(ctx.message); function medieval(x) { return x }",
        "tools.eval(ctx.message)",
        "const f = function (x) { return x }; f(ctx.message)",
        "const ctxless = '1'; eval(ctxless); const b = ctx.message;",
        "const a = ctx.message; eval('a')",
    ],
)
def test_other_code_is_not(code: str, tmp_path: Path) -> None:
    assert parts(code, tmp_path) == []
