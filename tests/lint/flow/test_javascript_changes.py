"""Whether code may change what it reads: shapes stay known where it surely does not."""

from __future__ import annotations

import pytest

from botctl.lint.flow.javascript_changes import may_change_values
from botctl.lint.flow.javascript_facts import syntax_of


@pytest.mark.parametrize(
    "code",
    [
        "const slots = ctx.variables.slots; ctx.variables.one = slots.find((s) => s.start) || slots[0];",
        "let sum = 0; for (const item of ctx.variables.items) sum += item.price; ctx.variables.sum = sum;",
        "ctx.variables.n++; ctx.variables['n'] -= 1; delete ctx.variables.m; ctx.variables = {};",
        "ctx.variables.names = ctx.variables.items.map(({name}) => name).concat(['x']).join(', ');",
    ],
)
def test_code_that_sets_whole_variables_changes_nothing_in_them(code: str) -> None:
    assert not may_change_values(syntax_of(code))


@pytest.mark.parametrize(
    "code",
    [
        "ctx.variables.order.note = 'x';",
        "const order = ctx.variables.order; order.note = 'x';",
        "for (const item of ctx.variables.items) item.price++;",
        "ctx.variables.items.push({});",
        "ctx.variables.items.sort();",
        "Object.assign(ctx.variables.order, {note: 1});",
        "delete ctx.variables.order.note;",
        "[ctx.variables.order.note] = [1];",
        "for (ctx.variables.order.note of [1]) {}",
        "ctx.variables.items['pu' + 'sh'](1);",
        "[].push.call(ctx.variables.items, 1);",
    ],
)
def test_code_that_may_change_what_it_reads_is_known(code: str) -> None:
    assert may_change_values(syntax_of(code))
