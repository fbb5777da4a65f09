"""Rules about what a code_block does with what it did not write itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from botctl.lint.workflow_site import WorkflowSite
from botctl.nodes.code_block import CodeBlockData
from botctl.source.rule import Finding, Rule

_SKIPPED = re.compile(r"//[^\n]*|/\*.*?\*/|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"", re.DOTALL)
_TEMPLATE_TEXT = re.compile(r"`(?:\\.|[^`\\])*`", re.DOTALL)
_HOLE = re.compile(r"\$\{([^{}]*)\}")
_RUNS_TEXT = re.compile(r"(?<![\w$.])(?:(?:new\s+)?Function|eval)\s*\(|\.\s*constructor\s*\(")
_ASSIGNED = re.compile(r"(?<![\w$.])([A-Za-z_$][\w$]*)\s*\+?=(?![=>])([^;\n]*)")
_FROM_OUTSIDE = re.compile(r"(?<![\w$.])ctx(?![\w$])")


def check_eval(site: WorkflowSite) -> Iterator[Finding]:
    """Text from outside is run as code.

    `eval` and `Function` make a program of a text. What users, models and tools say (everything in `ctx`) is
    not to be a program: whoever writes it could set any variable, an amount for example. The code itself is
    never filled in with values, so this is the only way.

    Bad:

    ```yaml
    - id: add
      type: code_block
      data: {code: "ctx.variables.sum = eval(ctx.message);"}
    ```

    Good:

    ```yaml
    - id: add
      type: code_block
      data: {code: "ctx.variables.sum = Number(ctx.message) + 1;"}
    ```
    """
    for node in site.graph.nodes.values():
        if not isinstance(node.data, CodeBlockData) or not _RUNS_TEXT.search(node.data.code):
            continue
        code = node.data.code
        bare = _without_texts(code)
        tainted = _tainted(bare)
        for call in _RUNS_TEXT.finditer(bare):
            argument = _argument(bare, call.end())
            if _mentions(argument, tainted):
                yield Finding(
                    f"the code of `{node.id}` runs what comes from outside as a program",
                    at=(*node.path, "data", "code"),
                    within=(call.start(), call.end() - call.start() + len(argument) + 1),
                    label="whoever writes this text decides what happens",
                    help="read the value with Number(...), JSON.parse(...) or a regular expression",
                )


def _without_texts(code: str) -> str:
    """The code with comments and texts blanked, character by character, but what template texts fill in."""
    blanked = _SKIPPED.sub(lambda match: " " * len(match[0]), code)
    return _TEMPLATE_TEXT.sub(_only_holes, blanked)


def _only_holes(match: re.Match[str]) -> str:
    text = list(" " * len(match[0]))
    for hole in _HOLE.finditer(match[0]):
        text[hole.start(1) : hole.end(1)] = hole[1]
    return "".join(text)


def _tainted(code: str) -> set[str]:
    """Variables that were made of `ctx`, directly or by way of others."""
    assigned = [(match[1], match[2]) for match in _ASSIGNED.finditer(code)]
    tainted: set[str] = set()
    while True:
        further = {name for name, value in assigned if _mentions(value, tainted)} - tainted
        if not further:
            return tainted
        tainted |= further


def _mentions(code: str, names: set[str]) -> bool:
    return bool(_FROM_OUTSIDE.search(code)) or any(
        re.search(rf"(?<![\w$.]){re.escape(name)}(?![\w$])", code) for name in names
    )


def _argument(code: str, start: int) -> str:
    """What stands between the bracket before `start` and the one that closes it."""
    depth = 1
    for offset in range(start, len(code)):
        depth += {"(": 1, ")": -1}.get(code[offset], 0)
        if not depth:
            return code[start:offset]
    return code[start:]


EVAL = Rule(code="SC204", severity="warning", check=check_eval, doc=check_eval.__doc__)
