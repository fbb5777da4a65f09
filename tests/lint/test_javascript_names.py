"""The names in a code_block: what the sandbox has is known exactly, and only what surely fails is told."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from botctl.lint.javascript_names import GIVEN, GLOBALS, code_names
from botctl.sandbox.javascript import JavaScriptPool, ScriptError


async def ran(codes: list[str]) -> list[Any]:
    """What each code leaves in the variables, or the error that it fails with."""
    pool, found = JavaScriptPool(size=1), []
    for code in codes:
        try:
            found.append(await pool.for_bot("b").run(code, {}, "m", "u"))
        except ScriptError as error:
            found.append(str(error))
    await pool.close()
    return found


def undefined(code: str) -> list[str]:
    return [name.name for name in code_names(code).undefined]


def test_the_names_that_are_known_are_those_of_the_sandbox() -> None:
    code = (
        "ctx.variables.names = Object.getOwnPropertyNames(globalThis); ctx.variables.given = Object.keys(ctx)"
    )

    (found,) = asyncio.run(ran([code]))

    assert set(found["names"]) == GLOBALS
    assert tuple(found["given"]) == GIVEN


UNDEFINED = [
    ("fetch('x')", "fetch"),
    ("const fs = require('fs')", "require"),
    ("try { console.log(1) } finally { ctx.variables.x = 1 }", "console"),
    ("for (const key in {a: 1}) {} ctx.variables.x = key", "key"),
    ("if (true) { let inner = 1 } ctx.variables.x = inner", "inner"),
    ("try { throw 1 } catch (error) {} ctx.variables.x = error", "error"),
    ("const f = function again() {}; again()", "again"),
    ("(({a: b}) => b)({}); ctx.variables.x = a", "a"),
    ("ctx.variables.x = {fetch}", "fetch"),
    ("ctx.variables.x = `${name}`", "name"),
    ("class A extends B {}", "B"),
    ("total += 1", "total"),
    ("count++", "count"),
    ("[...rest]", "rest"),
    ("ctx.variables.ü = '😀'; prozess", "prozess"),
    ("switch (1) { case 1: let inside = 1 } inside", "inside"),
]
DEFINED = [
    "if (typeof fetch !== 'undefined') fetch('x')",
    "try { console.log(1) } catch {}",
    "total = 1; ctx.variables.x = total",
    "for (x of [1]) {} ctx.variables.x = x",
    "[p, q] = [1, 2]; ({s, t: u} = {}); ctx.variables.x = p + q + u",
    "function f(a, {b, c: [d] = [1], ...e}, [g, ...h], i = a) { return [a, b, d, e, g, h, i] } f(1, {}, [])",
    "var a = 1; { var b = a } ctx.variables.x = b",
    "if (true) { function inside() {} } inside()",
    "ctx.variables.x = later(); function later() { return inner; var inner }",
    "class A { static #p = 1; static { A.q = this.#p } get r() { return arguments.length } } new A().r",
    "const f = function again(n) { return n ? again(n - 1) : 0 }; f(2)",
    "const f = async x => x; f(1); function* gen() { yield* [1] } [...gen()]",
    "outer: for (let i = 0; i < 2; i++) { for (const j of [i]) { continue outer } }",
    "globalThis.own = 1; own; this.other = 2; other",
    "Object.assign(globalThis, {made: 1}); made",
    "eval('var late = 1'); ctx.variables.x = late",
    "try { throw {message: 'm'} } catch ({message: text}) { ctx.variables.x = text }",
    "ctx.variables.x = [NaN, Infinity, undefined, performance.now() > 0, new Map().size, arguments.length]",
    "const {a = 1, b: {c} = {c: 2}} = {}; ctx.variables.x = a + c",
]


@pytest.mark.parametrize(("code", "name"), UNDEFINED)
def test_a_name_that_nothing_defines_is_told(code: str, name: str) -> None:
    assert undefined(code) == [name]


@pytest.mark.parametrize("code", DEFINED)
def test_a_name_that_something_defines_is_not(code: str) -> None:
    assert undefined(code) == []


def test_the_sandbox_is_of_the_same_opinion() -> None:
    outcomes = asyncio.run(ran([*(code for code, _ in UNDEFINED), *DEFINED]))

    told = [re.search(r"(\w+) is not defined", str(outcome)) for outcome in outcomes]
    names = [match[1] if match else "" for match in told]
    assert names == [*(name for _, name in UNDEFINED), *("" for _ in DEFINED)]


@pytest.mark.parametrize(
    ("code", "members"),
    [
        ("ctx.variables.x = ctx.mesage", [("mesage", False)]),
        ("ctx.varaibles.x = 1; ctx['mesage']", [("varaibles", False), ("mesage", False)]),
        ("const {mesage, user = 1, message: m} = ctx", [("mesage", False), ("user", True)]),
        ("ctx.variables.x = ctx.name || ctx.other?.x", [("name", True), ("other", True)]),
        ("ctx.own = 1; ctx.variables.x = ctx.own", [("own", True)]),
        ("function f(ctx) { return ctx.foo } f({})", []),
        ("ctx.variables.x = ctx.hasOwnProperty('message') && ctx.user_id", []),
    ],
)
def test_what_ctx_does_not_have_is_told(code: str, members: list[tuple[str, bool]]) -> None:
    assert [(one.name, one.is_guarded) for one in code_names(code).members] == members
