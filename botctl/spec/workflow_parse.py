"""Parsing a workflow: nodes and edges as they are written, whichever of the accepted forms they are in."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise
from pathlib import Path as FilePath
from typing import Any

from botctl.source.diagnostic import Diagnostic
from botctl.source.document import Document, embedded, read_document, read_file
from botctl.source.rule import Finding
from botctl.source.span import Path
from botctl.spec.editor_keys import EDGE_EXTRAS, NODE_EXTRAS, WORKFLOW_EXTRAS
from botctl.spec.fields import close_word, one_of
from botctl.spec.parse import KIND, MISSING, UNKNOWN, kind_of
from botctl.spec.workflow import EdgeSpec, NodeSpec, WorkflowSpec

EXPORTED = "workflow_json"
NEXT = "next"
"""The handle of an edge that names none."""

_NODE_KEYS = ("id", "type", "data")
_EDGE_KEYS = ("source", "target", "sourceHandle")
_OTHER_WORDS = {
    **dict.fromkeys(("from", "start"), "source"),
    **dict.fromkeys(("to", "end"), "target"),
    **dict.fromkeys(("handle", "port", "output", "on", "when"), "sourceHandle"),
    **dict.fromkeys(("name", "key"), "id"),
    **dict.fromkeys(("kind", "node"), "type"),
    **dict.fromkeys(("config", "params", "parameters", "settings", "with"), "data"),
}
"""What these keys are called elsewhere."""


def read_workflow(text: str, file: str) -> tuple[Document | None, list[Diagnostic]]:
    """The document of a workflow's text. JSON that is stored as a string is opened up."""
    return _opened(*read_document(text, file))


def read_workflow_file(path: FilePath) -> tuple[Document | None, list[Diagnostic]]:
    """As `read_workflow`, from a file."""
    return _opened(*read_file(path))


def parse_workflow(document: Document) -> tuple[WorkflowSpec | None, list[Diagnostic]]:
    """The workflow in a document from `read_workflow`, and what is wrong with how it is written.

    With diagnostics comes what can be read of the workflow, so that the rest can be looked at too: without
    edges when a node has no id or type. It is None when there are no nodes and edges to speak of.
    """
    parser = _Parser(document)
    workflow = parser.workflow()
    return workflow, parser.diagnostics


def _opened(
    document: Document | None, diagnostics: list[Diagnostic]
) -> tuple[Document | None, list[Diagnostic]]:
    """Platforms store a workflow as JSON inside of a JSON string: alone, or under `workflow_json`."""
    for _ in range(2):
        if document is None:
            break
        path = _where_it_is(document.value)
        if not isinstance(document.get(path), str) or not _may_be_json(document.get(path)):
            break
        document, diagnostics = embedded(document, path)
    return document, diagnostics


def _where_it_is(value: Any) -> Path:
    return (EXPORTED,) if isinstance(value, dict) and EXPORTED in value and "nodes" not in value else ()


def _may_be_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[", '"')


class _Parser:
    """Goes through one document and keeps what it finds wrong."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.diagnostics: list[Diagnostic] = []

    def say(self, number: str, finding: Finding) -> None:
        """Keep a finding."""
        self.diagnostics.append(self.document.diagnose("WF" + number, "error", finding))

    def workflow(self) -> WorkflowSpec | None:
        """The whole workflow."""
        base = _where_it_is(self.document.value)
        value = self.document.get(base)
        if not isinstance(value, dict) or not all(isinstance(value.get(k), list) for k in ("nodes", "edges")):
            self._no_workflow(base, value)
            return None
        known = ("nodes", "edges")
        self._unknown_keys(
            value, base, known, WORKFLOW_EXTRAS, "the workflow", "its fields are `nodes` and `edges`"
        )
        nodes = [self._node(node, (*base, "nodes", index)) for index, node in enumerate(value["nodes"])]
        ids = {node.id for node in nodes if node is not None}
        edges = [
            edge
            for index, entry in enumerate(value["edges"])
            for edge in self._edges(entry, (*base, "edges", index), ids)
        ]
        self._missing_ids(value, base, ids, {name for edge in edges for name in (edge.source, edge.target)})
        return WorkflowSpec(
            nodes=tuple(node for node in nodes if node is not None),
            edges=tuple(edges) if None not in nodes else (),
            file=self.document.file,
            text=self.document.text,
        )

    def _no_workflow(self, base: Path, value: Any) -> None:
        message = "a workflow must contain nodes (array) and edges (array)"
        at, label, help = base, f"this is {kind_of(value)}", "write `nodes:` and `edges:`, each with a list"
        is_misspelt = False
        if value is None and not base:
            label = "this file is empty"
        elif isinstance(value, dict):
            lacking = [key for key in ("nodes", "edges") if key not in value]
            if lacking:
                label = f"{one_of(lacking, 'and')} {'is' if len(lacking) == 1 else 'are'} missing"
                help = "; ".join(f"add `{key}: []`" for key in lacking)
                close = [(key, close_word(key, set(value))) for key in lacking]
                if all(match for _, match in close):
                    at, is_misspelt = (*base, str(close[0][1])), True
                    help = f"did you mean {one_of(lacking, 'and')}?"
            else:
                wrong = next(key for key in ("nodes", "edges") if not isinstance(value[key], list))
                at, label = (*base, wrong), f"`{wrong}` is {kind_of(value[wrong])}"
                help = f"write `{wrong}` as a list: `{wrong}: []`, or lines that begin with `-`"
        self.say("110", Finding(message, at=at, key=is_misspelt, label=label, help=help))

    def _node(self, value: Any, at: Path) -> NodeSpec | None:
        if not isinstance(value, dict):
            message = f"a node should be a mapping, not {kind_of(value)}"
            help = "write its `id`, `type` and `data`"
            self.say(KIND, Finding(message, at=at, label=kind_of(value), help=help))
            return None
        help = f"a node has {one_of(_NODE_KEYS, 'and')}; what its type has belongs under `data`"
        self._unknown_keys(value, at, _NODE_KEYS, NODE_EXTRAS, "a node", help)
        id, type = self._name(value, "id", at), self._name(value, "type", at)
        if "type" not in value and not _is_misspelt("type", value, _NODE_KEYS, NODE_EXTRAS):
            message = f"node `{id}` has no `type`" if id else "this node has no `type`"
            self.say(MISSING, Finding(message, at=at, label="`type` is missing here", help="add its `type`"))
        data = value.get("data")
        if data is not None and not isinstance(data, dict):
            message = f"`data` should be a mapping, not {kind_of(data)}"
            help = "write its fields as `field: value`"
            self.say(KIND, Finding(message, at=(*at, "data"), label=kind_of(data), help=help))
            return None
        if id is None or type is None:
            return None
        if data is None and "data" not in value and _is_misspelt("data", value, _NODE_KEYS, NODE_EXTRAS):
            return None
        return NodeSpec(id=id, type=type, data=data or {}, path=at)

    def _name(self, value: dict[str, Any], key: str, at: Path) -> str | None:
        """The text under `key`, which names something; None if there is none, which is told unless it is
        missing altogether."""
        name = value.get(key)
        if isinstance(name, str) and name.strip():
            return name
        if key not in value:
            return None
        if name is None or isinstance(name, str):
            help = f"write a name after `{key}`"
            finding = Finding(f"`{key}` is empty", at=(*at, key), label="nothing stands here", help=help)
        else:
            is_plain = isinstance(name, bool | int | float)
            help = f'put it in quotes: `{key}: "{name}"`' if is_plain else "write a text"
            kind = kind_of(name)
            finding = Finding(f"`{key}` should be text, not {kind}", at=(*at, key), label=kind, help=help)
        self.say(KIND, finding)
        return None

    def _missing_ids(self, value: dict[str, Any], base: Path, ids: Collection[str], named: set[str]) -> None:
        """Nodes without an `id`, with one that could be added: the one that edges name, or a new one."""
        asked_for = sorted(named - set(ids))
        taken = set(ids) | named
        for index, node in enumerate(value["nodes"]):
            if not isinstance(node, dict) or "id" in node:
                continue
            if _is_misspelt("id", node, _NODE_KEYS, NODE_EXTRAS):
                continue
            type = node.get("type")
            what = f"this {type} node" if isinstance(type, str) and type.isidentifier() else "this node"
            if asked_for:
                help = f"add `{self._as_written('id', asked_for.pop(0))}`, which edges name"
            else:
                stem = type if isinstance(type, str) and type.isidentifier() else "node"
                number = next(n for n in range(1, len(taken) + 2) if f"{stem}_{n}" not in taken)
                taken.add(f"{stem}_{number}")
                help = f"add an `id`, such as `{self._as_written('id', f'{stem}_{number}')}`"
            at = (*base, "nodes", index)
            self.say(MISSING, Finding(f"{what} has no `id`", at=at, label="`id` is missing here", help=help))

    def _as_written(self, key: str, value: str) -> str:
        """A line to add to this file."""
        return f'"{key}": "{value}"' if self.document.file.endswith(".json") else f"{key}: {value}"

    def _edges(self, value: Any, at: Path, ids: Collection[str]) -> Iterator[EdgeSpec]:
        if isinstance(value, str):
            yield from self._written_edge(value, at, ids)
            return
        if not isinstance(value, dict):
            message = f"an edge should be a mapping or text such as `a -> b`, not {kind_of(value)}"
            help = "write its `source` and `target`"
            self.say(KIND, Finding(message, at=at, label=kind_of(value), help=help))
            return
        meant = _meant_edge(value, ids)
        if meant:
            label = "YAML takes this for a mapping"
            message = f"the edge `{meant.replace(' ->', ':')[:60]}` cannot be read"
            self.say("111", Finding(message, at=at, label=label, help=f"write `{meant}`"))
            yield from self._written_edge(meant, at, ids)
            return
        help = f"an edge has {one_of(_EDGE_KEYS, 'and')}"
        self._unknown_keys(value, at, _EDGE_KEYS, EDGE_EXTRAS, "an edge", help)
        source, target = self._end(value, "source", at), self._end(value, "target", at)
        handle = value.get("sourceHandle")
        if isinstance(handle, bool):
            handle = "true" if handle else "false"
        if handle is not None and not isinstance(handle, str):
            message = f"`sourceHandle` should be text, not {kind_of(handle)}"
            kind = kind_of(handle)
            at = (*at, "sourceHandle")
            self.say(KIND, Finding(message, at=at, label=kind, help="put it in quotes"))
            return
        if source is not None and target is not None:
            yield EdgeSpec(source=source, target=target, handle=handle or NEXT, path=at)

    def _end(self, value: dict[str, Any], key: str, at: Path) -> str | None:
        name = self._name(value, key, at)
        if key not in value and not _is_misspelt(key, value, _EDGE_KEYS, EDGE_EXTRAS):
            help = f"add `{key}`: the id of the node it {'comes from' if key == 'source' else 'leads to'}"
            message = f"this edge has no `{key}`"
            self.say(MISSING, Finding(message, at=at, label=f"`{key}` is missing here", help=help))
        return name

    def _written_edge(self, text: str, at: Path, ids: Collection[str]) -> Iterator[EdgeSpec]:
        """`a -> b` or `a.handle -> b`."""
        ends = [end.strip() for end in text.split("->")]
        if len(ends) != 2 or not all(ends):
            help = "write `a -> b`, or `a.true -> b` for the handle `true`"
            label = "an arrow and a node on either side are needed"
            if len(ends) > 2 and all(ends):
                pairs = pairwise(ends)
                label = "two arrows"
                help = "write one edge for each: " + ", ".join(f"`{a} -> {b}`" for a, b in pairs)
            self.say("111", Finding(f"the edge `{text[:60]}` cannot be read", at=at, label=label, help=help))
            return
        source, handle = _split_handle(ends[0], ids)
        yield EdgeSpec(source=source, target=ends[1], handle=handle, path=at)

    def _unknown_keys(
        self,
        value: dict[str, Any],
        at: Path,
        known: Collection[str],
        extras: Collection[str],
        what: str,
        otherwise: str,
    ) -> None:
        if value.keys() <= {*known, *extras}:
            return
        if at == (EXPORTED,) or (at == () and EXPORTED in value):
            known = (*known, EXPORTED)
        for key in value:
            if key not in known and key not in extras:
                close = _meant(key, [name for name in known if name not in value])
                help = f"did you mean `{close}`?" if close else otherwise
                finding = Finding(
                    f"{what} has no field `{key}`", at=(*at, key), key=True, label="no such field", help=help
                )
                self.say(UNKNOWN, finding)


def _meant(key: str, known: Collection[str]) -> str | None:
    """The key that was meant by one that does not exist."""
    meant = _OTHER_WORDS.get(key.lower())
    return meant if meant in known else close_word(key, known)


def _meant_edge(value: dict[str, Any], ids: Collection[str]) -> str:
    """`a.true -> b` for `a.true: b`, of which YAML makes a mapping; "" for any other."""
    if len(value) != 1:
        return ""
    source, target = next(iter(value.items()))
    is_edge = isinstance(target, str) and source not in _EDGE_KEYS and target in ids
    return f"{source} -> {target}" if is_edge and _split_handle(source, ids)[0] in ids else ""


def _is_misspelt(key: str, value: dict[str, Any], known: Collection[str], extras: Collection[str]) -> bool:
    """Whether a key that is missing is there under another name, which is told for itself."""
    others = set(value) - set(known) - set(extras)
    return any(_meant(other, [key]) for other in others)


def _split_handle(source: str, ids: Collection[str]) -> tuple[str, str]:
    """`check.true` is the handle `true` of `check`, unless a node is called `check.true`. Ids may have dots:
    the longest id that fits is meant."""
    if source in ids or "." not in source:
        return source, NEXT
    dots = [index for index, character in enumerate(source) if character == "."]
    fitting = [dot for dot in dots if source[:dot].rstrip() in ids] or dots[:1]
    dot = fitting[-1]
    return source[:dot].rstrip(), source[dot + 1 :].lstrip() or NEXT
