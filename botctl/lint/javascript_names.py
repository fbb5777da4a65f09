"""The names of a code_block: those that its JavaScript uses and nothing defines, and what it asks of `ctx`.

Only what is certain is told: a name that is declared nowhere around its use, never assigned, never looked for
with `typeof`, and not used where an exception would be caught.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from botctl.lint.flow.javascript_absence import text_of
from botctl.lint.flow.javascript_facts import syntax_of

if TYPE_CHECKING:
    from tree_sitter import Node as Syntax

Within = tuple[int, int]
Range = tuple[int, int]

# All that QuickJS has in the sandbox (dukpy 0.6, tried 2026-11-21; tests/lint/test_javascript_names.py
# compares them with what is there).
GLOBALS = frozenset({
    "AggregateError", "Array", "ArrayBuffer", "Atomics", "BigInt", "BigInt64Array", "BigUint64Array",
    "Boolean", "DOMException", "DataView", "Date", "Error", "EvalError", "FinalizationRegistry",
    "Float16Array", "Float32Array", "Float64Array", "Function", "Infinity", "Int16Array", "Int32Array",
    "Int8Array", "InternalError", "Iterator", "JSON", "Map", "Math", "NaN", "Number", "Object", "Promise",
    "Proxy", "RangeError", "ReferenceError", "Reflect", "RegExp", "Set", "SharedArrayBuffer", "String",
    "Symbol", "SyntaxError", "TypeError", "URIError", "Uint16Array", "Uint32Array", "Uint8Array",
    "Uint8ClampedArray", "WeakMap", "WeakRef", "WeakSet", "decodeURI", "decodeURIComponent", "encodeURI",
    "encodeURIComponent", "escape", "eval", "globalThis", "isFinite", "isNaN", "parseFloat", "parseInt",
    "performance", "queueMicrotask", "undefined", "unescape",
})  # fmt: skip
GIVEN = ("variables", "message", "user_id")
"""What `ctx` has."""
_OF_EVERY_CODE = GLOBALS | {"ctx", "arguments"}
_OF_EVERY_OBJECT = {
    "constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString",
    "valueOf", "__proto__",
}  # fmt: skip
_DEFINES_ANYTHING = re.compile(r"\b(?:eval|Function|with)\s*\(|\\u")
_FUNCTIONS = {
    "function_declaration", "function_expression", "arrow_function", "method_definition",
    "generator_function", "generator_function_declaration", "class_static_block", "program",
}  # fmt: skip
_BLOCKS = _FUNCTIONS | {
    "statement_block", "for_statement", "for_in_statement", "switch_body", "catch_clause",
}  # fmt: skip
_NAMED_INSIDE = {"function_expression", "generator_function", "class"}
_PATTERNS = {
    "array_pattern", "object_pattern", "pair_pattern", "rest_pattern", "assignment_pattern",
    "object_assignment_pattern",
}  # fmt: skip
_LOOKING = {"||", "??", "&&", "in"}


class Name(Struct, frozen=True):
    """A name in the code, where it is used first. is_guarded: the code can do without it."""

    name: str
    within: Within
    is_guarded: bool = False


class CodeNames(Struct, frozen=True):
    """undefined: names that nothing defines. declared: those that the code defines itself. members: what it
    asks of `ctx` that `ctx` does not have."""

    undefined: tuple[Name, ...] = ()
    declared: frozenset[str] = frozenset()
    members: tuple[Name, ...] = ()


@lru_cache(maxsize=1024)
def code_names(code: str) -> CodeNames:
    """The names of JavaScript; none where it cannot be read, or may define anything."""
    if _DEFINES_ANYTHING.search(code):
        return CodeNames()
    root = syntax_of(code)
    return CodeNames() if root.has_error else _Reader(code, root).names()


class _Reader:
    """Goes through one code once: what is declared where, and what is used."""

    def __init__(self, code: str, root: Syntax) -> None:
        self.bytes = b"" if code.isascii() else code.encode("utf-8", "replace")
        self.around: list[Syntax] = []
        self.declared: dict[str, list[Range]] = {}
        self.uses: list[tuple[str, Syntax, bool]] = []
        self.members: list[tuple[Name, int]] = []
        self.looked_for: set[str] = set()
        self.own_members: set[str] = set()
        self.whole: Range = (root.start_byte, root.end_byte)
        self.is_open = False
        self.walk(root)

    def walk(self, root: Syntax) -> None:
        """Every node, with those around it in `around`."""
        cursor = root.walk()
        while True:
            node = cursor.node
            assert node is not None
            self.visit(node)
            if cursor.goto_first_child():
                self.around.append(node)
                continue
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return
                self.around.pop()

    def names(self) -> CodeNames:
        """What was found."""
        if self.is_open:
            return CodeNames()
        undefined: dict[str, Name] = {}
        for name, node, is_guarded in self.uses:
            is_known = name in _OF_EVERY_CODE or name in self.looked_for or is_guarded
            if not is_known and not self.is_declared(name, node.start_byte):
                undefined.setdefault(name, Name(name, self.within(node)))
        members: dict[str, Name] = {}
        for member, at in self.members:
            is_own = member.name in self.own_members and not member.is_guarded
            if not self.is_declared("ctx", at) and not is_own:
                members.setdefault(member.name, member)
        return CodeNames(tuple(undefined.values()), frozenset(self.declared), tuple(members.values()))

    def is_declared(self, name: str, at: int) -> bool:
        """Whether the code declares a name around this place."""
        return any(start <= at < end for start, end in self.declared.get(name, ()))

    def within(self, node: Syntax) -> Within:
        """Offset and length in characters."""
        start = node.start_byte
        if self.bytes:
            start = len(self.bytes[:start].decode("utf-8", "replace"))
        return start, len(text_of(node))

    def visit(self, node: Syntax) -> None:
        """Sort one node in."""
        if node.type in ("identifier", "shorthand_property_identifier"):
            self.identifier(node)
        elif node.type == "shorthand_property_identifier_pattern":
            self.bind(text_of(node), self.around[-1])
        elif node.type in ("member_expression", "subscript_expression"):
            self.member(node)
        elif node.type == "variable_declarator" and text_of(node.child_by_field_name("value")) == "ctx":
            self.taken_apart(node.child_by_field_name("name"))
        elif node.type in ("with_statement", "import_statement", "export_statement"):
            self.is_open = True
        elif node.type == "await_expression" and not any(_is_async(outer) for outer in self.around):
            self.is_open = True  # no JavaScript of this kind, which is told as such

    def identifier(self, node: Syntax) -> None:
        """A name that is declared, assigned or used here."""
        name, parent = text_of(node), self.around[-1]
        if name == "globalThis" and not _is(parent, "object", node):
            self.is_open = True
        if parent.type == "unary_expression" and text_of(parent.child_by_field_name("operator")) == "typeof":
            self.looked_for.add(name)
        elif node.type == "identifier" and self.is_bound(node, parent):
            self.bind(name, parent)
        else:
            self.uses.append((name, node, self.is_caught(node)))

    def is_bound(self, node: Syntax, parent: Syntax) -> bool:
        """Whether a name is given here, and not used."""
        if parent.type in ("variable_declarator", "class", *_FUNCTIONS):
            return _is(parent, "name", node) or _is(parent, "parameter", node)
        if parent.type in ("class_declaration", "formal_parameters"):
            return parent.type == "formal_parameters" or _is(parent, "name", node)
        if parent.type == "catch_clause":
            return _is(parent, "parameter", node)
        if parent.type in ("assignment_expression", "for_in_statement"):
            return _is(parent, "left", node)
        if parent.type in ("assignment_pattern", "object_assignment_pattern"):
            return _is(parent, "left", node)
        return parent.type in _PATTERNS

    def bind(self, name: str, parent: Syntax) -> None:
        """Keep a declaration, with where it holds."""
        if parent.type in ("function_declaration", "generator_function_declaration"):
            scope: Range = self.scope(_FUNCTIONS, above=1)
        elif parent.type in _NAMED_INSIDE or parent.type in _FUNCTIONS:
            scope = (parent.start_byte, parent.end_byte)
        elif parent.type == "class_declaration":
            scope = self.scope(_BLOCKS)
        else:
            scope = self.scope_of_pattern()
        self.declared.setdefault(name, []).append(scope)

    def scope_of_pattern(self) -> Range:
        """Where the names of a declaration, of parameters or of an assignment hold."""
        for node in reversed(self.around):
            if node.type in ("lexical_declaration", "catch_clause"):
                return self.scope(_BLOCKS)
            if node.type == "variable_declaration":
                return self.scope(_FUNCTIONS)
            if node.type == "formal_parameters":
                return self.scope(_FUNCTIONS)
            if node.type == "for_in_statement":
                kind = text_of(node.child_by_field_name("kind"))
                if kind in ("let", "const"):
                    return node.start_byte, node.end_byte
                return self.scope(_FUNCTIONS) if kind == "var" else self.whole
            if node.type == "assignment_expression":
                return self.whole
        return self.whole

    def scope(self, kinds: set[str], *, above: int = 0) -> Range:
        """The extent of the innermost node of these kinds around this one; `above` passes over some."""
        for node in reversed(self.around[: len(self.around) - above]):
            if node.type == "program":
                return self.whole
            if node.type in kinds:
                return node.start_byte, node.end_byte
        return self.whole

    def is_caught(self, node: Syntax) -> bool:
        """Whether the code goes on when using this fails."""
        inner = node
        for outer in reversed(self.around):
            is_tried = outer.type == "try_statement" and _is(outer, "body", inner)
            if is_tried and outer.child_by_field_name("handler") is not None:
                return True
            inner = outer
        return False

    def member(self, node: Syntax) -> None:
        """`ctx.name`, `ctx["name"]`, `globalThis.name = ...` or `this.name = ...`."""
        base, key = text_of(node.child_by_field_name("object")), _key(node)
        parent = self.around[-1]
        is_target = parent.type == "assignment_expression" and _is(parent, "left", node)
        if base in ("globalThis", "this"):
            if key is None:
                self.is_open |= is_target
            else:
                self.declared.setdefault(key, []).append(self.whole)
        if base != "ctx" or key is None or key in GIVEN or key in _OF_EVERY_OBJECT:
            return
        if is_target:
            self.own_members.add(key)
        place = node.child_by_field_name("property") or node.child_by_field_name("index")
        is_guarded = is_target or self.is_caught(node) or _is_looked_at(node, parent)
        if place is not None:
            self.members.append((Name(key, self.within(place), is_guarded), node.start_byte))

    def taken_apart(self, pattern: Syntax | None) -> None:
        """`const {message, variables} = ctx`."""
        if pattern is None or pattern.type != "object_pattern":
            return
        for entry in pattern.named_children:
            key = entry.child_by_field_name("key") or entry.child_by_field_name("left") or entry
            is_name = key.type in ("shorthand_property_identifier_pattern", "property_identifier")
            if is_name and text_of(key) not in {*GIVEN, *_OF_EVERY_OBJECT}:
                has_default = "=" in text_of(entry)
                self.members.append((Name(text_of(key), self.within(key), has_default), key.start_byte))


def _is_async(node: Syntax) -> bool:
    return node.type in _FUNCTIONS and any(child.type == "async" for child in node.children)


def _is(parent: Syntax, role: str, node: Syntax) -> bool:
    return parent.child_by_field_name(role) == node


def _key(node: Syntax) -> str | None:
    """The name that is asked for; None where it is computed."""
    if node.type == "member_expression":
        key = node.child_by_field_name("property")
        return text_of(key) if key is not None and key.type == "property_identifier" else None
    index = node.child_by_field_name("index")
    is_plain = index is not None and index.type == "string" and "\\" not in text_of(index)
    return text_of(index)[1:-1] if is_plain else None


def _is_looked_at(node: Syntax, parent: Syntax) -> bool:
    """Whether this asks if the node is there, or has something instead of it."""
    if parent.type == "binary_expression":
        operator = text_of(parent.child_by_field_name("operator"))
        return operator in _LOOKING or operator[1:2] == "="
    if parent.type in ("if_statement", "while_statement", "unary_expression", "parenthesized_expression"):
        return True
    if parent.type == "ternary_expression":
        return _is(parent, "condition", node)
    is_optional = parent.type in ("member_expression", "subscript_expression", "call_expression")
    return is_optional and parent.child_by_field_name("optional_chain") is not None


def names_that_fail(code: str) -> Iterator[Name]:
    """The names with which this code surely goes wrong."""
    names = code_names(code)
    yield from names.undefined
    yield from (name for name in names.members if not name.is_guarded)
