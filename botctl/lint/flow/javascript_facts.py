"""The facts of a code_block: the variables that its JavaScript surely or maybe sets, and those that it reads.

What is not certain is not told: code that hands `ctx.variables` on, or computes the name of what it sets, is
open, which means that it may set anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct, field

from botctl.expr.path import Parts
from botctl.lint.flow.javascript_absence import gone_if_unset, text_of
from botctl.lint.flow.javascript_branches import DEEPEST, Branch, Branches, merged
from botctl.lint.flow.javascript_changes import may_change_values
from botctl.lint.flow.javascript_order import comes_after, done_at

if TYPE_CHECKING:
    from tree_sitter import Node as Syntax

Within = tuple[int, int]
Done = dict[str, list[tuple[int, tuple[Branch, ...]]]]
"""By variable, where its writes are done and in which branches."""

_MENTION = re.compile(r"\bctx\b(?!\s*\.\s*(?:message|user_id)\b)|\beval\b")
_LOOKING = {"||", "??", "&&"}
_ASKS = {"Object.hasOwn", "Object.prototype.hasOwnProperty.call"}
_ONLY_READS = {"JSON.stringify", "Object.keys", "Object.values", "Object.entries"}
_OF_TEXTS = {
    "charAt", "endsWith", "includes", "indexOf", "join", "length", "match", "matchAll", "padEnd", "padStart",
    "repeat", "replace", "replaceAll", "search", "split", "startsWith", "substring", "toFixed", "toLowerCase",
    "toString", "toUpperCase", "trim", "trimEnd", "trimStart",
}  # fmt: skip
_PATTERNS = {
    "array_pattern", "pair_pattern", "assignment_pattern", "object_assignment_pattern", "rest_pattern",
}  # fmt: skip


class CodeWrite(Struct, frozen=True):
    """A variable that code sets, where it does so first, and whether it does so whichever way it goes.
    is_default: whether it does so at least where the variable is not set."""

    within: Within
    is_sure: bool
    is_default: bool = False


class CodeRead(Struct, frozen=True):
    """A path that code reads. is_guarded: the code can do without it."""

    parts: Parts
    within: Within
    is_guarded: bool


class CodeFacts(Struct, frozen=True, kw_only=True):
    """is_open: the code may set any variable. changed: paths to objects and lists that it may change.
    defaults: the variables that it takes with something in their place."""

    writes: dict[str, CodeWrite] = field(default_factory=dict)
    reads: tuple[CodeRead, ...] = ()
    changed: frozenset[Parts] = frozenset()
    defaults: frozenset[str] = frozenset()
    is_open: bool = False


@lru_cache(maxsize=1024)
def code_facts(code: str) -> CodeFacts:
    """The facts of JavaScript; open where it cannot be read."""
    if not _MENTION.search(code):
        return CodeFacts()
    root = syntax_of(code)
    if root.has_error or re.search(r"\beval\b", code):
        return CodeFacts(is_open=True)
    return _Reader(code, root).facts()


def syntax_of(code: str) -> Syntax:
    """The root of the code's syntax tree; where it cannot be read the tree has errors."""
    from tree_sitter import Language, Parser
    from tree_sitter_javascript import language

    return Parser(Language(language())).parse(code.encode("utf-8", "replace")).root_node


def _nodes_with_parents(root: Syntax) -> Iterator[tuple[Syntax, Syntax | None]]:
    """Every node with the one around it, in the order in which they are written."""
    cursor = root.walk()
    around: list[Syntax] = []
    while True:
        node = cursor.node
        assert node is not None
        yield node, around[-1] if around else None
        if cursor.goto_first_child():
            around.append(node)
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            around.pop()


class _Reader:
    """Goes through the mentions of `ctx` in one code and keeps what they come to."""

    def __init__(self, code: str, root: Syntax) -> None:
        self.code = code
        self.root = root
        self.mentions: list[Syntax] = []
        self.parents: dict[int, Syntax] = {}
        for node, around in _nodes_with_parents(root):
            if around is not None:
                self.parents[node.id] = around
            if node.type in ("identifier", "shorthand_property_identifier"):
                self.mentions.append(node)
        self.branches = Branches(self.parents)
        self.bytes = b"" if code.isascii() else code.encode("utf-8", "replace")
        self.reads: list[tuple[CodeRead, Syntax]] = []
        self.writes: list[tuple[str, Syntax, tuple[Branch, ...]]] = []
        self.changed: set[Parts] = set()
        self.aliases: set[str] = set()
        self.values: dict[str, set[tuple[int, int]]] = {}
        self.questions: dict[str, set[tuple[int, int]]] = {}
        self.kept: dict[str, str] = {}
        self.defaults: set[str] = set()
        self.is_open = False

    def facts(self) -> CodeFacts:
        """Everything that was found; of open code only that it is open."""
        for mention in self.mentions:
            if text_of(mention) == "ctx":
                self.context(mention)
        for mention in self.mentions:
            if text_of(mention) in self.aliases:
                self.alias(mention)
        if self.is_open:
            return CodeFacts(is_open=True)
        guarded = {read.parts[0] for read, _ in self.reads if read.is_guarded}
        for mention in self.mentions:
            if text_of(mention) in self.kept and self.is_guarded(mention):
                guarded.add(self.kept[text_of(mention)])
        done: Done = {}
        for name, node, around in self.writes:
            done.setdefault(name, []).append((done_at(node, self.parents), around))
        reads = (
            CodeRead(read.parts, read.within, is_guarded=True)
            if read.parts[0] in guarded or self._is_own(read, node, done)
            else read
            for read, node in self.reads
        )
        sure = merged([(name, branches) for name, _, branches in self.writes])
        default = merged([(name, self._if_unset(name, node, around)) for name, node, around in self.writes])
        writes: dict[str, CodeWrite] = {}
        for name, node, _ in self.writes:
            writes.setdefault(name, CodeWrite(self.within(node), name in sure, name in default))
        changed = frozenset(self.changed) if may_change_values(self.root) else frozenset[Parts]()
        defaults = frozenset(self.defaults)
        return CodeFacts(writes=writes, reads=tuple(reads), changed=changed, defaults=defaults)

    def _is_own(self, read: CodeRead, node: Syntax, done: Done) -> bool:
        """Whether a read comes after the code itself has set the variable."""
        written = done.get(read.parts[0])
        return written is not None and comes_after(node.start_byte, self.branches.of(node), written)

    def _if_unset(self, name: str, node: Syntax, around: tuple[Branch, ...]) -> tuple[Branch, ...]:
        """The branches around a write, without those that are surely gone while the variable is not set."""
        if not around:
            return around
        values = frozenset(self.values.get(name, ()))
        values |= {_extent(one) for one in self.mentions if self.kept.get(text_of(one)) == name}
        questions = frozenset(self.questions.get(name, ()))

        def is_gone(inner: Syntax, outer: Syntax) -> bool:
            return gone_if_unset(inner, outer, values, questions)

        return self.branches.of(node, is_gone)

    def within(self, node: Syntax) -> Within:
        """Offset and length in characters."""
        start = node.start_byte
        if self.bytes:
            start = len(self.bytes[:start].decode("utf-8", "replace"))
        return start, len(text_of(node))

    def around(self, node: Syntax | None) -> Syntax | None:
        """The node around a node."""
        return self.parents.get(node.id) if node is not None else None

    def context(self, node: Syntax) -> None:
        """One mention of `ctx`."""
        parent = self.around(node)
        if parent is None or node.type != "identifier":
            self.is_open = True
        elif parent.type == "member_expression" and _is(parent, "object", node):
            if text_of(parent.child_by_field_name("property")) == "variables":
                self.variables(parent)
        elif parent.type == "variable_declarator" and _is(parent, "value", node):
            self.destructured_context(parent.child_by_field_name("name"))
        else:
            self.is_open = True

    def destructured_context(self, pattern: Syntax | None) -> None:
        """`const {variables} = ctx`."""
        if pattern is None or pattern.type != "object_pattern":
            self.is_open = True
            return
        for entry in pattern.named_children:
            if entry.type == "shorthand_property_identifier_pattern":
                if text_of(entry) == "variables":
                    self.aliases.add("variables")
            elif entry.type == "pair_pattern" and text_of(entry.child_by_field_name("key")) == "variables":
                self.bound(entry.child_by_field_name("value"))
            elif entry.type not in ("pair_pattern", "comment"):
                self.is_open = True

    def bound(self, pattern: Syntax | None) -> None:
        """What `ctx.variables` is given the name of."""
        if pattern is not None and pattern.type == "identifier":
            self.aliases.add(text_of(pattern))
        elif pattern is not None and pattern.type == "object_pattern":
            self.destructured(pattern)
        else:
            self.is_open = True

    def destructured(self, pattern: Syntax) -> None:
        """`const {order, total = 0} = ctx.variables`."""
        for entry in pattern.named_children:
            if entry.type == "shorthand_property_identifier_pattern":
                self.read((text_of(entry),), entry)
                self.changed.add((text_of(entry),))
                self.kept[text_of(entry)] = text_of(entry)
            elif entry.type in ("object_assignment_pattern", "pair_pattern"):
                key = entry.child_by_field_name("left") or entry.child_by_field_name("key")
                name = text_of(key)
                self.changed.add((name,))
                has_default = "=" in text_of(entry)
                self.read((name,), entry, is_guarded=has_default)
                if has_default:
                    self.defaults.add(name)

    def alias(self, node: Syntax) -> None:
        """One mention of another name for `ctx.variables`."""
        parent = self.around(node)
        if parent is None or node.type != "identifier":
            self.is_open = True
            return
        is_declared = parent.type == "variable_declarator" and _is(parent, "name", node)
        value = parent.child_by_field_name("value") if is_declared else None
        if is_declared and value is not None and re.sub(r"\s", "", text_of(value)) == "ctx.variables":
            return
        is_parameter = parent.type == "formal_parameters" or _is(parent, "parameter", node)
        if is_declared or is_parameter or parent.type == "pair_pattern":
            if parent.type == "pair_pattern" and text_of(parent.child_by_field_name("key")) == "variables":
                return
            self.is_open = True  # another variable of the same name, or one that is given something else
            return
        self.variables(node)

    def variables(self, base: Syntax) -> None:
        """One mention of `ctx.variables`."""
        parent = self.around(base)
        while parent is not None and parent.type == "parenthesized_expression":
            base, parent = parent, self.around(parent)
        if parent is None:
            self.is_open = True
        elif parent.type in ("member_expression", "subscript_expression") and _is(parent, "object", base):
            self.access(parent)
        elif parent.type == "variable_declarator" and _is(parent, "value", base):
            self.bound(parent.child_by_field_name("name"))
        elif parent.type == "assignment_expression" and _is(parent, "left", base):
            self.replaced(parent.child_by_field_name("right"), parent)
        elif parent.type == "arguments":
            self.argument(parent, base)
        elif parent.type == "binary_expression" and text_of(parent.child_by_field_name("operator")) == "in":
            self.asked(parent.child_by_field_name("left"), parent)
        elif not (
            parent.type == "spread_element"
            or (parent.type == "for_in_statement" and _is(parent, "right", base))
        ):
            self.is_open = True

    def asked(self, key: Syntax | None, node: Syntax) -> None:
        """`"order" in ctx.variables`, and other ways to ask for it."""
        if key is not None and key.type == "string":
            name = text_of(key)[1:-1]
            self.questions.setdefault(name, set()).add(_extent(node))
            self.read((name,), node, is_guarded=True)

    def replaced(self, value: Syntax | None, at: Syntax) -> None:
        """`ctx.variables = {...}`, or what is merged into it."""
        if value is None or value.type != "object":
            self.is_open = True
            return
        for entry in value.named_children:
            key = entry.child_by_field_name("key") if entry.type == "pair" else entry
            if entry.type == "spread_element" and _flat(entry) in ("...ctx.variables",):
                continue
            if entry.type == "comment":
                continue
            is_named = entry.type in ("pair", "shorthand_property_identifier")
            if key is not None and is_named and key.type != "computed_property_name":
                self.write(text_of(key).strip("\"'"), at)
            else:
                self.is_open = True

    def argument(self, arguments: Syntax, base: Syntax) -> None:
        """`ctx.variables` handed to a function."""
        call = self.around(arguments)
        function = _flat(call.child_by_field_name("function")) if call is not None else ""
        given = arguments.named_children
        if call is not None and function in _ASKS and len(given) == 2:
            self.asked(given[1], call)
            return
        if function in _ONLY_READS:
            listed = self.around(self.around(call))
            if function == "Object.keys" and listed is not None and _method(listed) == "includes":
                self.asked(_argument(listed), listed)
            return
        if call is None or function != "Object.assign":
            self.is_open = True
        elif given and given[0] == base:
            for value in given[1:]:
                self.replaced(value, call)

    def access(self, node: Syntax) -> None:
        """One mention of `ctx.variables.name`, or of `ctx.variables["name"]`."""
        name = _key(node)
        parent = self.around(node)
        if name is None:
            self.is_open |= self.is_target(node)
            return
        if self.is_target(node):
            self.write(name, node)
            return
        if name == "hasOwnProperty" and parent is not None and _method(parent) == name:
            self.asked(_argument(parent), parent)
            return
        self.values.setdefault(name, set()).add(_extent(node))
        if parent is not None and parent.type == "variable_declarator":
            self.kept[text_of(parent.child_by_field_name("name"))] = name
        if parent is not None and parent.type == "unary_expression" and "delete" in text_of(parent)[:7]:
            return
        parts: tuple[str, ...] = (name,)
        while parent is not None and _is(parent, "object", node) and (key := _key(parent)) is not None:
            call = self.around(parent)
            is_method = call is not None and _is(call, "function", parent)
            if self.is_target(parent) or is_method:
                break
            node, parent, parts = parent, call, (*parts, key)
        if not (parent is not None and _is(parent, "object", node) and _key(parent) in _OF_TEXTS):
            self.changed.add(parts)  # it may be handed on, or have a method such as push called
        self.read(parts, node)

    def read(self, parts: Parts, node: Syntax, *, is_guarded: bool = False) -> None:
        """Keep a read."""
        found = CodeRead(parts, self.within(node), is_guarded or self.is_guarded(node))
        self.reads.append((found, node))

    def write(self, name: str, node: Syntax) -> None:
        """Keep a write."""
        self.writes.append((name, node, self.branches.of(node)))

    def is_target(self, node: Syntax) -> bool:
        """Whether something is put here."""
        parent = self.around(node)
        if parent is None:
            return False
        if parent.type in ("assignment_expression", "augmented_assignment_expression", "for_in_statement"):
            return _is(parent, "left", node)
        return parent.type == "update_expression" or (
            parent.type in _PATTERNS and not _is(parent, "right", node) and not _is(parent, "key", node)
        )

    def is_guarded(self, node: Syntax) -> bool:
        """Whether the code goes on when this is undefined."""
        parent = self.around(node)
        while parent is not None and parent.type == "parenthesized_expression":
            node, parent = parent, self.around(parent)
        if "?." in text_of(node) or parent is None or _looks(parent, node):
            return True
        call = self.around(parent) if parent.type == "arguments" else None
        if call is not None and _flat(call.child_by_field_name("function")) in ("Array.isArray", "Boolean"):
            return True
        for _ in range(DEEPEST):
            if parent is None:
                return False
            if parent.type == "try_statement" and parent.child_by_field_name("handler") is not None:
                return True
            parent = self.around(parent)
        return True


def _is(parent: Syntax, role: str, node: Syntax) -> bool:
    return parent.child_by_field_name(role) == node


def _extent(node: Syntax) -> tuple[int, int]:
    return node.start_byte, node.end_byte


def _method(node: Syntax) -> str:
    """The name of the method that a call calls; "" of what is none."""
    function = node.child_by_field_name("function")
    return text_of(function.child_by_field_name("property")) if function is not None else ""


def _argument(call: Syntax) -> Syntax | None:
    """The first argument of a call."""
    arguments = call.child_by_field_name("arguments")
    return arguments.named_children[0] if arguments is not None and arguments.named_children else None


def _flat(node: Syntax | None) -> str:
    return re.sub(r"\s", "", text_of(node))


def _key(node: Syntax) -> str | None:
    """The name that a member or subscript expression asks for; None where it is computed."""
    if node.type == "member_expression":
        key = node.child_by_field_name("property")
        return text_of(key) if key is not None and key.type == "property_identifier" else None
    index = node.child_by_field_name("index") if node.type == "subscript_expression" else None
    if index is not None and index.type == "string" and "\\" not in text_of(index):
        return text_of(index)[1:-1]
    return text_of(index) if index is not None and re.fullmatch(r"\d+", text_of(index)) else None


def _looks(parent: Syntax, node: Syntax) -> bool:
    """Whether this asks if the node inside of it is there."""
    if parent.type == "binary_expression":
        operator = text_of(parent.child_by_field_name("operator"))
        if operator[1:2] == "=":
            return any(_flat(child) in ("null", "undefined") for child in parent.named_children)
        return operator in _LOOKING
    if parent.type == "ternary_expression":
        return _is(parent, "condition", node)
    if parent.type == "member_expression":
        return parent.child_by_field_name("optional_chain") is not None
    return parent.type in ("unary_expression", "if_statement", "while_statement")
