"""What is told of JavaScript, and what is left open."""

from __future__ import annotations

import subprocess
import sys

import pytest

from botctl.lint.flow.javascript_facts import CodeFacts, code_facts


def written(code: str) -> dict[str, bool]:
    """The variables that code sets, and whether it surely does."""
    return {name: write.is_sure for name, write in code_facts(code).writes.items()}


def read(code: str) -> list[str]:
    """The paths that code reads; those it can do without in brackets."""
    return [
        f"({'.'.join(one.parts)})" if one.is_guarded else ".".join(one.parts)
        for one in code_facts(code).reads
    ]


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("ctx.variables.total = 3;", {"total": True}),
        (
            "ctx.variables['a b'] ||= 1; ctx.variables.n++; --ctx.variables.m",
            {"a b": True, "n": True, "m": True},
        ),
        (
            "[ctx.variables.a, ctx.variables.b] = [1, 2]; ({x: ctx.variables.c} = o)",
            dict.fromkeys("abc", True),
        ),
        ("if (ctx.variables.a == 1 && ctx.variables.b === 2) {}", {}),
        ("ctx.variables.order.note = 1", {}),
        ("delete ctx.variables.order", {}),
        ("Object.assign(ctx.variables, {a: 1, 'b': 2})", {"a": True, "b": True}),
        ("ctx.variables = {...ctx.variables, a: 1, b}", {"a": True, "b": True}),
        ("const {variables} = ctx; variables.a = 1; ctx.variables.b = 2", {"b": True, "a": True}),
        ("const all = ctx.variables; all.a = 1", {"a": True}),
        ("for (ctx.variables.i of [1, 2]) {}", {"i": True}),
    ],
)
def test_what_code_sets_is_seen(code: str, names: dict[str, bool]) -> None:
    assert written(code) == names


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("if (x) ctx.variables.a = 1;", {"a": False}),
        ("if (x) { ctx.variables.a = 1 } else { ctx.variables.a = 2; ctx.variables.b = 1 }",
         {"a": True, "b": False}),
        ("if (x) { ctx.variables.a = 1 } else if (y) { ctx.variables.a = 2 }", {"a": False}),
        ("if (x) { ctx.variables.a = 1 } else if (y) { ctx.variables.a = 2 } else ctx.variables.a = 3",
         {"a": True}),
        ("if (x) ctx.variables.a = 1; else throw new Error('no')", {"a": True}),
        ("if (!m) { ctx.variables.a = ''; return; } ctx.variables.a = m[0]; ctx.variables.b = 1",
         {"a": True, "b": False}),
        ("x && (ctx.variables.a = 1); x ? (ctx.variables.b = 1) : (ctx.variables.b = 2)",
         {"a": False, "b": True}),
        ("for (const one of list) ctx.variables.last = one", {"last": False}),
        ("do { ctx.variables.a = 1 } while (x)", {"a": True}),
        ("try { ctx.variables.a = JSON.parse(t) } catch (e) { ctx.variables.a = null }", {"a": True}),
        ("try { ctx.variables.a = JSON.parse(t) } catch (e) {}", {"a": False}),
        ("try { ctx.variables.a = 1 } finally { ctx.variables.b = 2 }", {"a": True, "b": True}),
        ("switch (x) { case 1: ctx.variables.a = 1; break; case 2: case 3: ctx.variables.a = 2; break;"
         " default: ctx.variables.a = 3 }", {"a": True}),
        ("switch (x) { case 1: ctx.variables.a = 1; break; default: ctx.variables.b = 3 }",
         {"a": False, "b": False}),
        ("switch (x) { case 1: ctx.variables.a = 1 }", {"a": False}),
        ("list.forEach((one) => { ctx.variables.last = one })", {"last": True}),
        ("while (true) { n++; if (n > 3) { ctx.variables.a = n; break } }", {"a": True}),
        ("for (let n = 0; ; n++) { if (n > 3) { ctx.variables.a = n; return } }", {"a": True}),
        ("while (n < 3) { ctx.variables.a = 1; break }", {"a": False}),
        ("switch (x) { case true: ctx.variables.a = 1; break; case false: ctx.variables.a = 2 }",
         {"a": True}),
        ("try { null.x } catch ({message}) { ctx.variables.a = message }", {"a": True}),
        ("({a: ctx.variables.a, ...ctx.variables.b} = o); [ctx.variables.c, ...ctx.variables.d] = l",
         dict.fromkeys("abcd", True)),
    ],
)  # fmt: skip
def test_what_is_set_on_some_ways_only_is_told_apart(code: str, names: dict[str, bool]) -> None:
    assert written(code) == names


@pytest.mark.parametrize(
    ("code", "paths"),
    [
        ("const a = ctx.variables.order.items[0].price + 1", ["order.items.0.price"]),
        ("ctx.variables.text.trim().length", ["text"]),
        ("ctx.variables['order id'].x", ["order id.x"]),
        ("const {a, b = 1, c: {d}, ...rest} = ctx.variables", ["a", "(b)", "c"]),
        ("ctx.variables.items.push(1)", ["items"]),
        ("const n = ctx.variables.a || 0, m = ctx.variables.b ?? 1, o = ctx.variables.c?.d",
         ["(a)", "(b)", "(c.d)"]),
        ("if (ctx.variables.a) { f(ctx.variables.a.b) }", ["(a)", "(a.b)"]),
        ("if (ctx.variables.a === 'x') {}", ["a"]),
        ("if (ctx.variables.a !== undefined && typeof ctx.variables.b == 'string') {}", ["(a)", "(b)"]),
        ("try { JSON.parse(ctx.variables.a.text) } catch (e) {}", ["(a.text)"]),
        ("`${ctx.variables.a} of ${ctx.message}`", ["a"]),
        ("'a' in ctx.variables; ctx.user_id", ["(a)"]),
    ],
)  # fmt: skip
def test_what_code_reads_is_seen_with_its_guards(code: str, paths: list[str]) -> None:
    assert read(code) == paths


@pytest.mark.parametrize(
    ("code", "paths"),
    [
        ("ctx.variables.a = {}; ctx.variables.a.b = 2", ["(a)"]),
        ("const v = ctx.variables; v['a'] = []; v.a.push(1)", ["(a)"]),
        ("for (ctx.variables.a = 0; ctx.variables.a < 3; ctx.variables.a++);", ["(a)"]),
        ("ctx.variables.a = 'x'; ctx.variables.a = ctx.variables.a + 'b'", ["(a)"]),
        ("ctx.variables.a = ctx.variables.a + 1", ["a"]),
        ("const x = ctx.variables.a; ctx.variables.a = x", ["a"]),
        ("if (x) { ctx.variables.a = 1 } else { f(ctx.variables.a.b) }", ["a.b"]),
        ("if (x) { ctx.variables.a = 1; return } f(ctx.variables.a.b)", ["a.b"]),
        ("if (x) { ctx.variables.a = 1 } else { ctx.variables.a = 2 } f(ctx.variables.a.b)", ["(a.b)"]),
    ],
)
def test_what_is_read_after_the_code_has_set_it_needs_nobody_before(code: str, paths: list[str]) -> None:
    assert read(code) == paths


@pytest.mark.parametrize(
    "code",
    [
        "ctx.variables[name] = 1",
        "fill(ctx.variables)",
        "fill(ctx)",
        "Object.assign(ctx.variables, more)",
        "ctx.variables = {...more}",
        "ctx.variables = {[name]: 1}",
        "const {a, ...rest} = ctx",
        "[1].map((ctx) => ctx.variables.a)",
        "const {variables} = ctx; ((variables) => variables.a)({})",
        "let all; all = ctx.variables",
        "eval('ctx.variables.a = 1')",
        "ctx.variables.a = ;",
    ],
)
def test_code_of_which_nothing_is_certain_is_open(code: str) -> None:
    assert code_facts(code) == CodeFacts(is_open=True)


@pytest.mark.parametrize(
    "code",
    [
        "JSON.stringify(ctx.variables); Object.keys(ctx.variables).length",
        "const x = ctx.variables[name]",
        "for (const name in ctx.variables) {}",
        "const all = {...ctx.variables}",
        "ctx.message.length; ctx.user_id",
    ],
)
def test_code_that_only_looks_is_not_open(code: str) -> None:
    assert code_facts(code) == CodeFacts()


def test_variables_that_are_taken_with_a_default_are_told() -> None:
    code = "const {a = 0, b: c = 1, d, e: f} = ctx.variables"

    assert code_facts(code).defaults == {"a", "b"}


def test_places_are_counted_in_characters() -> None:
    code = "const é = '🙂';\nctx.variables.tötal = ctx.variables.ä.b;"

    facts = code_facts(code)

    places = [facts.writes["tötal"].within, facts.reads[0].within]
    assert [code[offset : offset + length] for offset, length in places] == [
        "ctx.variables.tötal",
        "ctx.variables.ä.b",
    ]


def test_insides_that_code_may_change_are_told() -> None:
    code = "ctx.variables.a.b = 1; f(ctx.variables.c); ctx.variables.d.e.push(1); ctx.variables.f.g.trim()"

    assert code_facts(code).changed == {("a",), ("c",), ("d", "e")}


def test_code_without_variables_is_not_parsed() -> None:
    program = (
        "import sys; from botctl.lint.flow.javascript_facts import code_facts;"
        "code_facts('ctx.message.length; ctx.user_id'); print('tree_sitter' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
