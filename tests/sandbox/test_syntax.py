"""The syntax of JavaScript: where the first error is, found without running anything."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from botctl.errors import UserError
from botctl.sandbox.syntax import Fault, SyntaxCheck, syntax_error, syntax_errors

FAULTS: dict[str, Fault | None] = {
    "": None,
    "return 1": None,
    "// a comment at the end": None,
    "while (true) {}": None,
    "const {a, ...rest} = ctx.variables; ctx.variables.a = a?.b ?? `${rest}`": None,
    "let x = ;": ("unexpected token in expression: ';'", 1, 9),
    "\n\n  const a = 1;\n  foo(a b);\n": ("Unexpected identifier 'b'", 4, 9),
    "let s = '😀' + ;": ("unexpected token in expression: ';'", 1, 15),
    "await 1": ("`await` is only possible inside an async function", 1, 7),
    "import fs from 'fs'": ("`import` is not possible in a code block", 1, 8),
    "let a = 1;\r\nlet a = 2;": ("invalid redefinition of lexical identifier", 2, 7),
    "if (x) {": ("the code ends too early", 1, 9),
    "x.map(i => i.price": ("the code ends too early", 1, 19),
    "`abc": ("unexpected end of string", 1, 5),
    "a = /(/;": ("expecting ')'", 1, 7),
    "f();\n}": ("a `}` closes more than was opened", 2, 1),
    "}, evil, function(){": ("a `}` closes more than was opened", 1, 2),
    "} evil(); function g(){": ("expecting ';'", 1, 3),
    "}});evil();(function(){return function(){": ("a `}` closes more than was opened", 1, 2),
    "} ; evil(); { ": ("a `}` closes more than was opened", 1, 3),
    "(" * 20000: ("the code nests too deeply", 1, 1),
}


def test_each_code_gets_its_own_verdict_from_one_child() -> None:
    assert dict(zip(FAULTS, syntax_errors(list(FAULTS)), strict=True)) == FAULTS


def test_no_code_is_no_child() -> None:
    assert syntax_errors([]) == []


def test_nothing_of_a_code_is_executed() -> None:
    codes = [
        "while (true) {}",
        "});while (true) {}(function(){",
        "}});while (true);(function(){return function(){",
    ]
    start = time.monotonic()

    verdicts = syntax_errors(codes)

    assert [verdict is None for verdict in verdicts] == [True, False, False]
    assert time.monotonic() - start < 3


def test_a_code_too_large_to_read_is_blamed_alone() -> None:
    monster = "x" + "+[0,{a:1}]" * 1_500_000

    verdicts = SyntaxCheck(["let a = 1", monster, "let b ="], deadline=2.0).faults()

    assert verdicts[0] is None
    assert verdicts[1] is not None
    assert verdicts[2] == ("the code ends too early", 1, 8)


def test_a_child_that_cannot_start_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(UserError, match="the JavaScript process cannot start"):
        syntax_error("1")


def test_the_module_loads_neither_asyncio_nor_dukpy() -> None:
    program = (
        "import sys, botctl.sandbox.syntax; print({'asyncio', 'dukpy', 'subprocess'} & set(sys.modules))"
    )

    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert told.stdout == "set()\n"
