"""Rules about what stands in variables: paths that lead nowhere, and values that a node cannot work with."""

from __future__ import annotations

from collections.abc import Iterator

from botctl.lint.flow.shapes import DeadEnd, is_answer
from botctl.lint.flow.variables import Read, Use
from botctl.lint.workflow_site import WorkflowSite
from botctl.nodes.shape import Kind, Shape
from botctl.source.rule import Finding, Rule
from botctl.spec.fields import one_of

_OF_EVERY_OBJECT = {"constructor", "hasOwnProperty", "toString", "valueOf", "toJSON"}
_CODE = {Use.CODE, Use.GUARDED_CODE}


def check_paths(site: WorkflowSite) -> Iterator[Finding]:
    """A path that leads nowhere.

    The variable is known, but what it holds has no such key: an llm_call's answer is {text, tokensInput,
    tokensOutput}, a text has only `.length`, the entries of a list are numbered from 0. What a tool gives is
    known from its output schema. The placeholder stays as it is written.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: classify, type: llm_call, data: {prompt: "What is wanted? {{message}}", outputVariable: intent}}
      - {id: tell, type: send_message, data: {message: "You want {{intent.txt}}."}}
    edges:
      - start -> classify
      - classify -> tell
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: classify, type: llm_call, data: {prompt: "What is wanted? {{message}}", outputVariable: intent}}
      - {id: tell, type: send_message, data: {message: "You want {{intent.text}}."}}
    edges:
      - start -> classify
      - classify -> tell
    ```
    """
    found: dict[tuple[str, ...], tuple[DeadEnd, list[Read]]] = {}
    for read in _reads(site):
        end = site.flow.shapes.of(read.parts)
        is_fine = read.use in _CODE and isinstance(end, DeadEnd) and _is_fine_in_code(end, read.use)
        if isinstance(end, DeadEnd) and not is_fine and not site.flow.may_be_given(read.name):
            found.setdefault((*end.before, end.key), (end, []))[1].append(read)
    for end, reads in found.values():
        first = reads[0]
        places = dict.fromkeys(read.at for read in reads if read.at != first.at)
        before = ".".join(end.before)
        yield Finding(
            f"`{before}` has no `{end.key}`",
            at=first.at,
            within=first.within,
            label=_what_it_is(before, end.shape),
            help=_instead(before, end),
            others=tuple((at, "also here") for at in list(places)[:3]),
        )


def _is_fine_in_code(end: DeadEnd, use: Use) -> bool:
    """JavaScript has methods on everything, and may ask for a key that need not be there."""
    if use is Use.GUARDED_CODE and not end.meant and not is_answer(end.shape):
        return True
    return end.shape.kind is not Kind.OBJECT or end.key in _OF_EVERY_OBJECT


def _what_it_is(before: str, shape: Shape) -> str:
    if is_answer(shape):
        return f"`{before}` is an answer of an llm_call: {', '.join(shape.keys)}"
    if shape.kind is Kind.OBJECT:
        return f"`{before}` has {one_of(list(shape.keys)[:8], 'and')}" + (
            " ..." if len(shape.keys) > 8 else ""
        )
    return f"`{before}` is {shape.kind.value}"


def _instead(before: str, end: DeadEnd) -> str:
    if end.meant:
        return f"did you mean `{end.meant}`?"
    if end.shape.kind is Kind.OBJECT:
        if end.key == "json" and is_answer(end.shape):
            return "give the llm_call a `schema`, or parse its text in a code_block"
        return f"take one of its keys: {one_of(list(end.shape.keys)[:6])}"
    if end.shape.kind is Kind.LIST:
        return f"take an entry by its number, `{before}.0.{end.key}`, or go through it with a loop"
    return f"write `{{{{{before}}}}}`"


def check_list(site: WorkflowSite) -> Iterator[Finding]:
    """A for_each over what is not a list.

    The variable in `arrayVariable` is never set, or it surely holds something else than a list: the node
    fails. A text that would be a list as JSON has to be parsed first, in a code_block.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: each, type: loop, data: {loopType: for_each, arrayVariable: message}}
      - {id: tell, type: send_message, data: {message: "{{item}}"}}
    edges:
      - start -> each
      - each.loop_body -> tell
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: split, type: code_block, data: {code: "ctx.variables.words = ctx.message.split(' ')"}}
      - {id: each, type: loop, data: {loopType: for_each, arrayVariable: words}}
      - {id: tell, type: send_message, data: {message: "{{item}}"}}
    edges:
      - start -> split
      - split -> each
      - each.loop_body -> tell
    ```
    """
    for read in _reads(site, with_never_set=True):
        if read.use is not Use.LIST:
            continue
        if site.flow.is_never_set(read):
            close = site.flow.meant_by(read.name)
            if not close and site.flow.follows_a_person(read.node):
                continue  # who may have set it
            yield Finding(
                f"`{read.path}` is not a list: `{read.name}` is never set",
                at=read.at,
                label="no node sets it, so this node fails",
                help=f"did you mean `{close}`?"
                if close
                else "name a variable that holds a list, such as `attachments`",
            )
            continue
        shape = site.flow.shapes.certain(read.parts)
        if shape.kind not in (Kind.ANY, Kind.LIST) and not site.flow.may_be_given(read.name):
            yield Finding(
                f"`{read.path}` is {shape.kind.value}, not a list",
                at=read.at,
                label="this node fails",
                help=_way_to_a_list(read, shape),
            )


def _way_to_a_list(read: Read, shape: Shape) -> str:
    inside = [key for key, entry in shape.keys.items() if entry.kind is Kind.LIST]
    if inside:
        return f"name the list in it: `{read.path}.{inside[0]}`"
    if shape.kind is Kind.OBJECT and not is_answer(shape):
        return "name the list in it"
    return "make a list of it in a code_block first, and name that"


def check_switch(site: WorkflowSite) -> Iterator[Finding]:
    """A switch on a list or an object.

    A switch compares a text with its cases. Of an llm_call's answer, and of any object with a `text`, that is
    the text; of a list or another object it is JSON, which no case equals.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: route, type: logic, data: {logicType: switch, variable: attachments, cases: [image, file]}}
      - {id: look, type: send_message, data: {message: A picture!}}
    edges:
      - start -> route
      - route.case_image -> look
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: route, type: logic, data: {logicType: switch, variable: attachments.0.kind, cases: [image]}}
      - {id: look, type: send_message, data: {message: A picture!}}
    edges:
      - start -> route
      - route.case_image -> look
    ```
    """
    for read in _reads(site):
        if read.use is not Use.SWITCH:
            continue
        shape = site.flow.shapes.certain(read.parts)
        is_object = shape.kind is Kind.OBJECT and shape.is_closed and "text" not in shape.keys
        is_list = shape.kind is Kind.LIST and not shape.keys
        if (is_object or is_list) and not site.flow.may_be_given(read.name):
            keys = [key for key, entry in shape.keys.items() if entry.kind in (Kind.TEXT, Kind.TRUTH)]
            yield Finding(
                f"`{read.path}` is {shape.kind.value}, which no case equals",
                at=read.at,
                label="this is always `case_default`",
                help=f"name one of its keys, such as `{read.path}.{keys[0]}`"
                if keys
                else "name a text in it",
            )


def _reads(site: WorkflowSite, *, with_never_set: bool = False) -> Iterator[Read]:
    """The reads of nodes that can be reached, of variables that are set at all."""
    if not site.graph.triggers:
        return
    for read in site.flow.reads:
        if read.node in site.flow.ways.reached and (with_never_set or not site.flow.is_never_set(read)):
            yield read


DEAD_END = Rule(code="VR204", severity="warning", check=check_paths, doc=check_paths.__doc__)
NO_LIST = Rule(code="VR207", severity="error", check=check_list, doc=check_list.__doc__)
NO_CASE = Rule(code="VR208", severity="warning", check=check_switch, doc=check_switch.__doc__)
