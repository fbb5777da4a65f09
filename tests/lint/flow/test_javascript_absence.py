"""Code that gives a variable its first value is understood, however it asks whether there is one."""

from __future__ import annotations

import pytest

from botctl.lint.flow.javascript_facts import code_facts

SETS = "ctx.variables.n = 1"


def sets_where_unset(code: str) -> bool:
    """Whether the code sets `n` at least where it is not set."""
    write = code_facts(code).writes["n"]
    return write.is_sure or write.is_default


@pytest.mark.parametrize(
    "code",
    [
        f'if (typeof ctx.variables.n === "undefined") {SETS};',
        f'if ("undefined" == typeof ctx.variables.n) {{ {SETS}; }}',
        f"if (ctx.variables.n === undefined) {SETS}",
        f"if (undefined === ctx.variables['n']) {SETS}",
        f"if (ctx.variables.n == null) {{ {SETS}; ctx.variables.m = 2; }}",
        f"if (!ctx.variables.n) {SETS}",
        f'if (!("n" in ctx.variables)) {SETS}',
        f'if (!ctx.variables.hasOwnProperty("n")) {SETS}',
        f'if (!Object.hasOwn(ctx.variables, "n")) {SETS}',
        f'if (!Object.keys(ctx.variables).includes("n")) {SETS}',
        f"if (ctx.variables.n) {{ ctx.variables.n += 1 }} else {SETS}",
        f"if (ctx.variables.n !== undefined) {{ f() }} else {{ {SETS} }}",
        f"if (ctx.variables.n === undefined || ctx.variables.n === null) {SETS}",
        f"if (!ctx.variables.n && ctx.variables.n !== 0) {SETS}",
        f"if (!Array.isArray(ctx.variables.n)) {SETS}",
        f"if (isNaN(ctx.variables.n)) {SETS}",
        f'if (typeof ctx.variables.n != "number") {SETS}',
        f"ctx.variables.n || ({SETS})",
        f"ctx.variables.n ?? ({SETS})",
        f"!ctx.variables.n && ({SETS})",
        f"ctx.variables.n ? 0 : ({SETS})",
        f"const n = ctx.variables.n; if (n === undefined) {SETS}",
        f"const {{n}} = ctx.variables; if (!n) {SETS}",
        f"const all = ctx.variables; if (all.n === undefined) {SETS}".replace("ctx.variables.n =", "all.n ="),
        "ctx.variables.n = ctx.variables.n || 1",
        "ctx.variables.n = ctx.variables.n ?? 1",
        "ctx.variables.n ??= 1",
    ],
)
def test_a_variable_is_set_where_code_gives_it_a_first_value(code: str) -> None:
    assert sets_where_unset(code)


@pytest.mark.parametrize(
    "code",
    [
        f"if (ctx.variables.n) {SETS}",
        f"if (ctx.variables.n !== undefined) {SETS}",
        f"if (ctx.variables.m === undefined) {SETS}",
        f"if (ctx.variables.n === undefined && ctx.message) {SETS}",
        f'if (ctx.variables.n === "x") {SETS}',
        f"if (ctx.variables.n === null) {SETS}",
        f'if ("n" in ctx.variables) {SETS}',
        f"if (ctx.message) {{ if (!ctx.variables.n) {SETS} }}",
        f"if (ctx.variables.n === undefined) return; {SETS}",
        f"ctx.variables.n && ({SETS})",
        f"for (const one of list) {{ if (!ctx.variables.n) {SETS} }}",
    ],
)
def test_a_variable_may_stay_unset_where_code_asks_for_something_else(code: str) -> None:
    assert not sets_where_unset(code)


@pytest.mark.parametrize(
    "code",
    [
        'ctx.variables.hasOwnProperty("n") ? 1 : 2',
        'if (Object.hasOwn(ctx.variables, "n")) f(ctx.variables.n)',
        "const n = ctx.variables.n; if (n === undefined) f()",
        "let {n} = ctx.variables; n = n || 1",
    ],
)
def test_to_ask_whether_a_variable_is_there_is_no_use_of_it(code: str) -> None:
    facts = code_facts(code)

    assert (facts.is_open, {(read.parts, read.is_guarded) for read in facts.reads}) == (
        False,
        {(("n",), True)},
    )
