"""JavaScript in real children: what a script may do, how it fails, and that it never harms anybody else."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from botctl.errors import UserError
from botctl.sandbox.command import quickjs_path
from botctl.sandbox.javascript import BotJavaScript, JavaScriptPool, ScriptError

DEADLINE = 0.4
Act = Callable[[JavaScriptPool], Awaitable[Any]]


def in_pool(act: Act, *, size: int = 2, deadline: float = DEADLINE) -> Any:
    """What `act` returns for a new pool, which is closed after it."""

    async def main() -> Any:
        pool = JavaScriptPool(size=size, deadline=deadline)
        try:
            return await act(pool)
        finally:
            await pool.close()

    return asyncio.run(main())


def run(code: str, variables: dict[str, Any] | None = None, *, deadline: float = 5.0) -> dict[str, Any]:
    async def act(pool: JavaScriptPool) -> Any:
        return await pool.for_bot("shop").run(code, variables or {}, "hello", "u1")

    changed: dict[str, Any] = in_pool(act, size=1, deadline=deadline)
    return changed


def run_all(codes: list[str], variables: dict[str, Any] | None = None) -> list[dict[str, Any] | str]:
    """Per code the changes, or the error's text, one after the other."""

    async def told(sandbox: BotJavaScript, code: str) -> dict[str, Any] | str:
        try:
            return await sandbox.run(code, variables or {}, "hello", "u1")
        except ScriptError as error:
            return error.message

    async def act(pool: JavaScriptPool) -> Any:
        return [await told(pool.for_bot("shop"), code) for code in codes]

    answers: list[dict[str, Any] | str] = in_pool(act, size=1, deadline=5.0)
    return answers


def failure(code: str, variables: dict[str, Any] | None = None, *, deadline: float = 5.0) -> ScriptError:
    with pytest.raises(ScriptError) as caught:
        run(code, variables, deadline=deadline)
    return caught.value


# What a script can do


def test_the_documented_example_writes_its_two_variables() -> None:
    code = (
        "const items = ctx.variables.order_items || []; "
        "ctx.variables.total = items.reduce((sum, item) => sum + item.price, 0); "
        "ctx.variables.item_count = items.length;"
    )

    changed = run(code, {"order_items": [{"price": 2}, {"price": 3.5}]})

    assert changed == {"total": 5.5, "item_count": 2}


def test_modern_syntax_works() -> None:
    code = """
    class Price { #cents = 250; static unit = "EUR"; get cents() { return this.#cents ?? 0; } }
    const { year } = "2024-05-06".match(/(?<year>\\d+)-/).groups;
    let merged = { ...{ a: 1 }, b: [...[1, 2]].at(-1) };
    const late = async () => { await null; ctx.variables.late = `${ctx.message} ${ctx.user_id}`; };
    late();
    Object.assign(ctx.variables, {
      cents: new Price().cents, unit: Price.unit, year, merged, none: ctx.nope?.deeper?.[1] ?? "none",
    });
    return "a top-level return is ignored";
    """

    assert run(code) == {
        "cents": 250,
        "unit": "EUR",
        "year": "2024",
        "merged": {"a": 1, "b": 2},
        "none": "none",
        "late": "hello u1",
    }


def test_only_keys_whose_json_changed_come_back() -> None:
    variables = {"same": [1, {"a": 2.0}], "big": 2**60 + 1, "order": {"id": 1}, "gone": 1, "void": None}
    code = "ctx.variables.order.id = 2; ctx.variables.same = [1, {a: 2}]; delete ctx.variables.gone;"

    assert run(code, variables) == {"order": {"id": 2}, "gone": None}


def test_built_in_variables_stay_whatever_a_script_writes() -> None:
    built_in = {"message": "m", "user_id": "u", "user_name": "n", "channel_id": "c", "platform": "p"}
    code = "for (const key of Object.keys(ctx.variables)) ctx.variables[key] = 1; ctx.message = 'x'"

    assert run(code, {**built_in, "own": 0}) == {"own": 1}


def test_replacing_the_variables_changes_and_adds_but_deletes_nothing() -> None:
    assert run("ctx.variables = {a: 2, c: 3}", {"a": 1, "b": 1}) == {"a": 2, "c": 3}


def test_executions_share_nothing() -> None:
    answers = run_all(
        [
            "globalThis.kept = 1; Object.prototype.kept = 2; Array.prototype.map = null;",
            "ctx.variables.seen = [typeof kept, typeof ({}).kept, [1].map(x => x)]",
        ]
    )

    assert answers == [{}, {"seen": ["undefined", "undefined", [1]]}]


def test_half_a_character_becomes_a_replacement_character() -> None:
    assert run("ctx.variables.cut = '😀'.slice(0, 1); ctx.variables.whole = '😀'") == {
        "cut": "\ufffd",
        "whole": "😀",
    }


# What it cannot


def test_a_script_finds_nothing_but_the_language() -> None:
    names = "process require call_python dukpy console std os fetch run job module exports setTimeout"
    code = """
    const whole = Function("return this")();
    ctx.variables.found = NAMES.split(" ").filter(
      (name) => name in globalThis || name in whole || (0, eval)("typeof " + name) !== "undefined");
    ctx.variables.caller = typeof arguments.callee.caller;
    ctx.variables.symbols = Object.getOwnPropertySymbols(globalThis).map(String);
    """.replace("NAMES", repr(names))

    assert run(code) == {"found": [], "caller": "undefined", "symbols": ["Symbol(Symbol.toStringTag)"]}


def test_the_global_names_are_those_of_the_language() -> None:
    own = set(run("ctx.variables.names = Object.getOwnPropertyNames(globalThis)")["names"])

    assert {name for name in own if name[0].islower()} == {
        "parseInt",
        "parseFloat",
        "isNaN",
        "isFinite",
        "queueMicrotask",
        "decodeURI",
        "decodeURIComponent",
        "encodeURI",
        "encodeURIComponent",
        "escape",
        "unescape",
        "undefined",
        "eval",
        "globalThis",
        "performance",
    }


def test_import_is_refused_in_clear_words() -> None:
    static, dynamic = run_all(["import fs from 'fs'", "import('fs')"])

    assert static == (
        "the code has a syntax error: `import` is not possible in a code block (line 1, column 8)"
    )
    assert dynamic == "`import` is not possible in a code block"


# How it fails


def test_a_thrown_error_tells_its_line_and_column() -> None:
    error = failure("const a = 1;\n\n  throw new Error('boom')")

    assert (error.message, error.line, error.column) == (
        "the code threw Error: boom (line 3, column 13)",
        3,
        13,
    )


def test_a_syntax_error_tells_its_line_and_column() -> None:
    error = failure("let a = 1;\nlet b = ;")

    assert error.message == (
        "the code has a syntax error: unexpected token in expression: ';' (line 2, column 9)"
    )
    assert (error.line, error.column) == (2, 9)


def test_whatever_is_thrown_is_told() -> None:
    told = run_all(
        [
            "throw 1",
            "throw null",
            "throw undefined",
            "throw Symbol('x')",
            "throw {code: 5}",
            "throw () => 1",
            "throw {get message() { throw 1 }}",
            "throw {toString() { throw 1 }, toJSON() { throw 2 }}",
            "Promise.reject(new Error('late'))",
            "Promise.reject(null)",
            "(async () => { null.x })()",
            "Error.prepareStackTrace = () => '<input>:9999:9999'; throw new Error('made up')",
            "(async () => { throw new Error('\\ud800') })()",
        ]
    )

    assert told == [
        "the code threw 1",
        "the code threw null",
        "the code threw undefined",
        "the code threw Symbol(x)",
        'the code threw {"code":5}',
        "the code threw a function",
        "the code threw a value that cannot be shown",
        "the code threw a value that cannot be shown",
        "the code threw Error: late (line 1, column 20)",
        "the code threw null",
        "the code threw TypeError: cannot read property 'x' of null (line 1, column 16)",
        "the code threw Error: made up",
        "the code threw Error: \ufffd\ufffd\ufffd (line 1, column 26)",
    ]


def test_what_json_cannot_tell_is_named() -> None:
    told = run_all(
        [
            "ctx.variables.f = () => 1",
            "ctx.variables.order.lines[1].format = () => 1; ctx.variables.order.id = 2",
            "ctx.variables.order['a b'] = 10n",
            "ctx.variables.total = NaN",
            "ctx.variables.nothing = NaN",
            "ctx.variables.total = 1 / 0",
            "ctx.variables.order.self = ctx.variables.order",
            "ctx.variables.s = Symbol('s')",
            "ctx.variables.m = new Map([[1, 2]])",
            "ctx.variables.p = (async () => 1)()",
            "ctx.variables.d = new Date('nope')",
            "ctx.variables.u = new Uint8Array(2)",
            "ctx.variables = 3",
            "ctx = {}",
        ],
        {"order": {"lines": [{}, {}]}, "nothing": None},
    )

    assert told == [
        "ctx.variables.f is a function: a variable must be JSON",
        "ctx.variables.order.lines[1].format is a function: a variable must be JSON",
        'ctx.variables.order["a b"] is a BigInt: a variable must be JSON',
        "ctx.variables.total is NaN: a variable must be JSON",
        "ctx.variables.nothing is NaN: a variable must be JSON",
        "ctx.variables.total is Infinity: a variable must be JSON",
        "ctx.variables.order.self is a circular reference: a variable must be JSON",
        "ctx.variables.s is a symbol: a variable must be JSON",
        "ctx.variables.m is a Map: a variable must be JSON",
        "ctx.variables.p is a Promise: a variable must be JSON",
        "ctx.variables.d is a Date that is no date: a variable must be JSON",
        "ctx.variables.u is a typed array: a variable must be JSON",
        "ctx.variables is no longer an object",
        "the code threw TypeError: 'ctx' is read-only (line 1, column 1)",
    ]


def test_a_variable_that_is_no_json_is_named_before_anything_runs() -> None:
    assert failure("1", {"fine": 1, "when": {1, 2}}).message.startswith("the variable `when` cannot be given")
    assert failure("1", {"n": float("nan")}).message.startswith("the variable `n` cannot be given")


def test_tampering_with_the_language_does_not_break_the_protocol() -> None:
    told = run_all(
        [
            "JSON.stringify = () => '}{'; Object.keys = Reflect.apply = null; ctx.variables.a = 1",
            "globalThis.JSON = globalThis.Object = globalThis.eval = null; ctx.variables.a = 1",
            "String.prototype.toJSON = () => '}{'; ctx.variables.a = 'text'",
            "Object.prototype.toJSON = () => 7; Array.prototype.toJSON = () => 8; ctx.variables.a = {}",
            "ctx.variables.__proto__.b = 1; ctx.variables.a = ({}).b",
            "Object.defineProperty(ctx.variables, '__proto__', {value: 5, enumerable: true})",
            "Object.defineProperty(ctx.variables, 'a', {enumerable: true, get() { throw 'mine' }})",
            "ctx.variables = new Proxy({}, {ownKeys() { throw 'trap' }})",
            "});ctx.variables.a = 1;(function(){",
        ]
    )

    assert told == [
        {"a": 1},
        {"a": 1},
        {"a": "text"},
        {"a": 7},
        {"a": 1},
        {"__proto__": 5},
        "the code threw mine",
        "the code threw trap",
        "the code has a syntax error: expecting ';' (line 1, column 2)",
    ]


# Limits

ENDLESS = {
    "a loop": "while (true) {}",
    "promises": "(function again() { Promise.resolve().then(again) })()",
    "a regular expression": "/(a+)+$/.test('a'.repeat(60) + 'b')",
    "a getter of what is thrown": "throw {get message() { while (true) {} }}",
    "a trap": "ctx.variables = new Proxy({}, {ownKeys() { while (true) {} }})",
    "toJSON": "Object.prototype.toJSON = () => { while (true) {} }; ctx.variables.a = {}",
}


@pytest.mark.parametrize("code", ENDLESS.values(), ids=ENDLESS.keys())
def test_what_never_ends_is_stopped_at_the_deadline_while_others_go_on(code: str) -> None:
    async def act(pool: JavaScriptPool) -> Any:
        await pool.for_bot("other").run("", {}, "", "")
        start = time.monotonic()
        endless = asyncio.create_task(pool.for_bot("shop").run(code, {}, "", ""))
        others = [await pool.for_bot("other").run("ctx.variables.a = 1", {}, "", "") for _ in range(20)]
        others_took = time.monotonic() - start
        with pytest.raises(ScriptError) as caught:
            await endless
        return caught.value.message, others, others_took, time.monotonic() - start

    message, others, others_took, took = in_pool(act)

    assert message == "the code ran longer than 0.4s and was stopped"
    assert others == [{"a": 1}] * 20
    assert others_took < took < DEADLINE + 0.5


TOO_MUCH = {
    "new Array(1e9).fill(0)": "the code used more than 64 MB of memory",
    "const a = []; while (true) a.push({})": "the code used more than 64 MB of memory",
    "globalThis.a = []; while (true) a.push({})": "the code used more than 64 MB of memory",
    "(async () => { const a = []; while (true) a.push({}) })()": "the code used more than 64 MB of memory",
    "globalThis.a = []; (async () => { while (1) a.push({}) })()": "the code used more than 64 MB of memory",
    "'x'.repeat(2 ** 29)": "the code used more than 64 MB of memory",
    "'x'.repeat(1e8)": "the code used more than 64 MB of memory",
    "let s = 'x'; while (true) s += s": "the code used more than 64 MB of memory",
    "new ArrayBuffer(1e9)": "the code used more than 64 MB of memory",
    "(function f() { f() })()": "the code nested too deeply (line 1, column 17)",
    "JSON.parse('['.repeat(1e6))": "the code nested too deeply (line 1, column 16)",
    "let x = []; for (let i = 0; i < 300; i++) x = [x]; ctx.variables.x = x": (
        "ctx.variables is nested more than 200 levels deep"
    ),
    "ctx.variables.x = 'y'.repeat(2e6)": "ctx.variables.x is larger than 1 MB",
    "ctx.variables.a = ctx.variables.b = 'y'.repeat(6e5)": (
        "what the code wrote to ctx.variables is larger than 1 MB"
    ),
    "ctx.variables.x = '中'.repeat(5e5)": "what the code wrote to ctx.variables is larger than 1 MB",
}


def test_what_is_too_much_ends_in_a_clear_error() -> None:
    told = run_all(list(TOO_MUCH))

    assert told == list(TOO_MUCH.values())


def test_a_script_that_filled_the_heap_leaves_the_next_one_all_of_it() -> None:
    pieces = "try { globalThis.a = []; while (true) a.push('x'.repeat(a.length % 3000)) } catch {} a = null"
    large = "ctx.variables.length = new Array(2e6).fill(7).length"

    assert run_all([pieces, large] * 5)[1::2] == [{"length": 2_000_000}] * 5


def test_an_input_of_more_than_4_mb_is_refused_and_one_of_3_mb_is_read() -> None:
    assert failure("1", {"a": "x" * (5 << 20)}).message.startswith("the variables, the message and the code")
    assert run("ctx.variables.n = ctx.variables.a.length", {"a": "x" * (3 << 20)}) == {"n": 3 << 20}


def test_an_output_of_1_mb_comes_back_whole() -> None:
    text = run("ctx.variables.a = '\\u0001é\"'.repeat(90000)")["a"]

    assert text == '\x01é"' * 90000


# The pool


def test_a_bot_with_many_scripts_does_not_hold_up_another() -> None:
    order: list[str] = []

    async def one(pool: JavaScriptPool, bot: str) -> None:
        await pool.for_bot(bot).run("", {}, "", "")
        order.append(bot)

    async def act(pool: JavaScriptPool) -> None:
        await asyncio.gather(*(one(pool, bot) for bot in ["busy"] * 6 + ["calm"] + ["busy"] * 3))

    in_pool(act, size=1)

    assert order.index("calm") == 1


def test_the_deadline_does_not_run_while_a_script_waits_for_its_turn() -> None:
    slow = "const end = Date.now() + 250; while (Date.now() < end); ctx.variables.a = 1"

    async def act(pool: JavaScriptPool) -> Any:
        return await asyncio.gather(*(pool.for_bot("shop").run(slow, {}, "", "") for _ in range(3)))

    assert in_pool(act, size=1) == [{"a": 1}] * 3


def test_a_cancelled_script_is_stopped_and_the_pool_stays_usable() -> None:
    async def act(pool: JavaScriptPool) -> Any:
        sandbox = pool.for_bot("shop")
        start = time.monotonic()
        for _ in range(3):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await asyncio.gather(*(sandbox.run("while (true) {}", {}, "", "") for _ in range(4)))
        return await sandbox.run("ctx.variables.a = 1", {}, "", ""), time.monotonic() - start

    changed, took = in_pool(act, deadline=20.0)

    assert changed == {"a": 1}
    assert took < 5


def test_a_child_that_died_while_idle_is_replaced_unnoticed() -> None:
    async def act(pool: JavaScriptPool) -> Any:
        await pool.for_bot("shop").run("", {}, "", "")
        for child in pool._idle:
            await child.end()
        return await pool.for_bot("shop").run("ctx.variables.a = 1", {}, "", "")

    assert in_pool(act, size=1) == {"a": 1}


def test_closing_the_pool_ends_scripts_that_run_or_wait() -> None:
    async def act(pool: JavaScriptPool) -> Any:
        await pool.for_bot("shop").run("", {}, "", "")
        runs = [asyncio.create_task(pool.for_bot("shop").run("while (1);", {}, "", "")) for _ in range(3)]
        await asyncio.wait(runs, timeout=0.1)
        await pool.close()
        ends = await asyncio.gather(*runs, return_exceptions=True)
        with pytest.raises(UserError, match="botctl is stopping"):
            await pool.for_bot("shop").run("", {}, "", "")
        return [type(end) for end in ends]

    assert in_pool(act, size=1, deadline=20.0) == [ScriptError, UserError, UserError]


def test_it_runs_on_uvloop_too() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def act() -> Any:
        pool = JavaScriptPool(size=1, deadline=DEADLINE)
        sandbox = pool.for_bot("shop")
        with pytest.raises(ScriptError, match="ran longer"):
            await sandbox.run("while (true) {}", {}, "", "")
        changed = await sandbox.run("ctx.variables.a = 'x'.repeat(500000)", {}, "", "")
        await pool.close()
        return len(changed["a"])

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(act()) == 500_000


def several(act: Callable[[BotJavaScript], Coroutine[Any, Any, Any]], count: int) -> list[BaseException]:
    async def all_of(pool: JavaScriptPool) -> Any:
        sandbox = pool.for_bot("shop")
        return await asyncio.gather(*(act(sandbox) for _ in range(count)), return_exceptions=True)

    ends: list[BaseException] = in_pool(all_of)
    return ends


@pytest.mark.parametrize("program", ["/does/not/exist", "/bin/false"])
def test_a_child_that_cannot_start_is_a_clear_error_for_all_who_wait(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program)

    ends = several(lambda sandbox: sandbox.run("", {}, "", ""), 5)

    assert [type(end) for end in ends] == [UserError] * 5
    assert all("the JavaScript process" in str(end) for end in ends)


def test_without_dukpy_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    quickjs_path.cache_clear()

    ends = several(lambda sandbox: sandbox.run("", {}, "", ""), 2)

    assert [str(end) for end in ends] == ["JavaScript cannot run here: the package `dukpy` is missing"] * 2
    quickjs_path.cache_clear()
