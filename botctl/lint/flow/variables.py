"""The variables of a node: what it reads, what it sets, and where either is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any

from msgspec import Struct

from botctl.expr.condition import parse_condition
from botctl.expr.json_template import parse_json_template
from botctl.expr.path import ExpressionError, Parts, parse_bare_path
from botctl.expr.template import Placeholder, parse_template
from botctl.lint.flow.javascript_facts import CodeFacts
from botctl.nodes.code_block import CodeBlockData
from botctl.nodes.send_message import SendMessageData
from botctl.nodes.shape import Origin, Shape
from botctl.nodes.templates import Writing, Written, expressions
from botctl.project.graph import Node
from botctl.source.span import Path

Within = tuple[int, int] | None


class Use(Enum):
    """What a variable is read for."""

    TEXT = "a text is filled in"
    CONDITION = "a condition is asked, for which a variable that is not set is null"
    SWITCH = "a way is chosen by it"
    LIST = "a loop goes through it"
    CODE = "JavaScript uses it"
    GUARDED_CODE = "JavaScript looks whether it is set"
    LAST_ANSWER = "it is said because the node has no message"


class Read(Struct, frozen=True, kw_only=True):
    """A path that a node reads when it runs. at and within: where it is written."""

    node: str
    parts: Parts
    use: Use
    at: Path
    within: Within = None

    @property
    def name(self) -> str:
        """The variable."""
        return self.parts[0]

    @property
    def path(self) -> str:
        """The path as people write it."""
        return ".".join(self.parts)


class Write(Struct, frozen=True, kw_only=True):
    """A variable that a node sets. by: the ways out by which it has done so, all plain ones if empty.
    is_sure: whether it does so every time; is_default: whether it does so at least where it is not set."""

    node: str
    name: str
    origin: Origin
    at: Path
    within: Within = None
    by: tuple[str, ...] = ()
    is_sure: bool = True
    is_default: bool = False


def writes_of(node: Node, code: CodeFacts | None) -> Iterator[Write]:
    """What a node sets; of a code_block what its code sets."""
    if code is not None:
        at = (*node.path, "data", "code")
        for name, found in code.writes.items():
            yield Write(
                node=node.id,
                name=name,
                origin=Shape.ANY,
                at=at,
                within=found.within,
                is_sure=found.is_sure,
                is_default=found.is_default,
            )
        return
    for name, origin in node.type.writes(node.data).items():
        yield Write(node=node.id, name=name, origin=origin, at=_named_at(node, name), by=node.type.sets_by)


def _named_at(node: Node, name: str) -> Path:
    """Where a node names the variable that it sets; its id where it does not."""
    for field in ("outputVariable", "variable", "itemVariable"):
        written = node.raw.get(field)
        if isinstance(written, str) and written.strip(" {}").partition(".")[0] == name:
            return (*node.path, "data", field)
    return (*node.path, "id")


def reads_of(node: Node, code: CodeFacts | None) -> Iterator[Read]:
    """What a node reads, in the order in which it is written."""
    if isinstance(node.data, CodeBlockData):
        for found in code.reads if code is not None else ():
            use = Use.GUARDED_CODE if found.is_guarded else Use.CODE
            at = (*node.path, "data", "code")
            yield Read(node=node.id, parts=found.parts, use=use, at=at, within=found.within)
        return
    if isinstance(node.data, SendMessageData) and not node.data.message.strip():
        use = Use.LAST_ANSWER if not node.data.attachments else Use.GUARDED_CODE
        yield Read(node=node.id, parts=("ai_response",), use=use, at=(*node.path, "id"))
    for written in expressions(node.data):
        try:
            yield from _READERS[written.writing](node, written)
        except ExpressionError:
            continue  # told by the rules about expressions


def _read(node: Node, placeholder: Placeholder, use: Use, at: Path) -> Read:
    within = (placeholder.offset, placeholder.length)
    return Read(node=node.id, parts=placeholder.parts, use=use, at=(*node.path, "data", *at), within=within)


def _of_template(node: Node, written: Written) -> Iterator[Read]:
    for placeholder in parse_template(written.value).placeholders:
        yield _read(node, placeholder, Use.TEXT, written.path)


def _of_json(node: Node, written: Written) -> Iterator[Read]:
    for place in parse_json_template(written.value).places:
        yield _read(node, place.placeholder, Use.TEXT, (*written.path, *place.path))


def _of_condition(node: Node, written: Written) -> Iterator[Read]:
    for placeholder in parse_condition(written.value).placeholders:
        yield _read(node, placeholder, Use.CONDITION, written.path)


def _of_bare_path(node: Node, written: Written) -> Iterator[Read]:
    use = Use.LIST if node.is_loop else Use.SWITCH
    parts = parse_bare_path(written.value)
    yield Read(node=node.id, parts=parts, use=use, at=(*node.path, "data", *written.path))


def _of_target(node: Node, written: Written) -> Iterator[Read]:
    """A variable that is set is not read."""
    return iter(())


_READERS: Mapping[Writing, Callable[[Node, Written], Iterator[Any]]] = {
    Writing.TEMPLATE: _of_template,
    Writing.JSON_TEMPLATE: _of_json,
    Writing.CONDITION: _of_condition,
    Writing.BARE_PATH: _of_bare_path,
    Writing.SET_PATH: _of_target,
}
