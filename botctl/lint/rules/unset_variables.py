"""Rules about variables that are read where they are not set."""

from __future__ import annotations

import re
from collections.abc import Iterator

from botctl.lint.consequences import by_edge, without_consequences
from botctl.lint.flow.flow import ERROR_VARIABLE, Doubt, Lack
from botctl.lint.flow.variables import Read, Use, Write
from botctl.lint.rules.overwrites import overwriting
from botctl.lint.workflow_site import WorkflowSite
from botctl.nodes.shape import Shape
from botctl.source.rule import Finding, Rule
from botctl.source.span import Path
from botctl.spec.fields import one_of

_TOLD_ELSEWHERE = {Use.LAST_ANSWER, Use.GUARDED_CODE}
_ADORNMENTS = re.compile(r"[_$\d-]")
_UNSET = {
    Use.CONDITION: "no node sets it, so it is always null here",
    Use.SWITCH: "no node sets it, so this is always `case_default`",
    Use.CODE: "no node sets it, so it is undefined here",
    Use.GUARDED_CODE: "no node sets it, so it is never there",
}


def check_never_set(site: WorkflowSite) -> Iterator[Finding]:
    """A variable that is never set.

    No node of the workflow sets it, nor does another bot of the project hand it over. In a text the
    placeholder stays as it is written, `{{naem}}`, and the user gets to see it; in a condition it is null.
    Most often the name is misspelt, here or where it should be set.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: greet, type: send_message, data: {message: "Hello {{username}}!"}}
    edges:
      - start -> greet
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: greet, type: send_message, data: {message: "Hello {{user_name}}!"}}
    edges:
      - start -> greet
    ```
    """
    for doubts in _by_name(site, {Lack.NEVER}):
        first = doubts[0].read
        if any(doubt.read.use is Use.LIST for doubt in doubts):
            continue  # the loop fails, which is told by its own rule
        help = _instead_of(site, first)
        if not help and all(site.flow.follows_a_person(doubt.read.node) for doubt in doubts):
            continue  # who decides about a handoff may set any variable
        if not help and all(_after_overwriting(site, doubt.read) for doubt in doubts):
            continue  # its name may be what should stand where a built-in variable is overwritten
        write = _misspelt_where_set(site, first.name)
        if write is not None and len({doubt.read.node for doubt in doubts}) > 1:
            yield Finding(
                f"`{first.name}` is never set",
                at=write.at,
                within=write.within,
                label=f"sets `{write.name}`, which nothing reads",
                help=f"did you mean `{first.name}`?",
                others=((first.at, "read here"), *_also(doubts)),
            )
            continue
        at_write = ((write.at, f"sets `{write.name}`, which nothing reads"),) if write is not None else ()
        yield Finding(
            f"`{first.name}` is never set",
            at=first.at,
            within=first.within,
            label=_UNSET.get(first.use, "no node sets it, so this stays as it is written"),
            help=help or "let a node before this one set it, or take it out",
            others=(*_also(doubts), *at_write),
        )


def _misspelt_where_set(site: WorkflowSite, name: str) -> Write | None:
    """The one place that sets a variable which is called much like this one and never read: the name is
    misspelt there, and not where it is read."""
    flow = site.flow
    meant = flow.meant_by(name)
    writes = flow.writes.get(meant or "", [])
    if len(writes) != 1 or flow.open or any(read.name == meant for read in flow.reads):
        return None
    is_trigger = site.graph.nodes[writes[0].node].type.name == "trigger"
    return None if is_trigger or meant == "ai_response" else writes[0]


def check_sometimes_set(site: WorkflowSite) -> Iterator[Finding]:
    """A variable that is not set on every way to where it is read.

    One of the ways that a run may take to this node does not pass a node that sets the variable: another
    branch, the way after an error, a loop that turns zero times. Set it there too, ask for it before
    (`{{name}} is_not_empty`), or let the branches meet later.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: is_order, type: logic, data: {logicType: if_else, condition: "{{message}} contains order"}}
      - {id: ask_model, type: llm_call, data: {prompt: "Which one? {{message}}", outputVariable: order}}
      - {id: answer, type: send_message, data: {message: "It is {{order.text}}."}}
    edges:
      - start -> is_order
      - is_order.true -> ask_model
      - is_order.false -> answer
      - ask_model -> answer
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: is_order, type: logic, data: {logicType: if_else, condition: "{{message}} contains order"}}
      - {id: ask_model, type: llm_call, data: {prompt: "Which one? {{message}}", outputVariable: order}}
      - {id: answer, type: send_message, data: {message: "It is {{order.text}}."}}
      - {id: other, type: send_message, data: {message: "Ask me about an order."}}
    edges:
      - start -> is_order
      - is_order.true -> ask_model
      - is_order.false -> other
      - ask_model -> answer
    ```
    """
    firsts = [doubts[0] for doubts in _by_name(site, {Lack.SOMETIMES, *_ELSEWHERE})]
    sometimes = [one for one in firsts if one.lack is Lack.SOMETIMES]
    for doubt, *more in by_edge(site, without_consequences(site, sometimes)):
        name = doubt.read.name
        names = [one.read.name for one in (doubt, *more)]
        nodes = one_of(list(dict.fromkeys(one.read.node for one in (doubt, *more))), "and")
        it = "them" if more else "it"
        yield Finding(
            f"{one_of(names, 'and')} {'are' if more else 'is'} not set on every way to {nodes}",
            at=doubt.read.at,
            within=doubt.read.within,
            label=f"not set on the way `{shown_way(doubt.way)}`",
            help="give it a `message`, or let an llm_call come before it on that way too"
            if doubt.read.use is Use.LAST_ANSWER
            else f"set {it} on that way too, or ask whether `{{{{{name}}}}} is_not_empty` before",
            others=(*_read_at(more), *_set_at(site, name)),
        )


def _read_at(doubts: list[Doubt]) -> tuple[tuple[Path, str], ...]:
    """Where more variables are read."""
    return tuple((one.read.at, f"`{one.read.name}` is not set here either") for one in doubts[:3])


def check_set_elsewhere(site: WorkflowSite) -> Iterator[Finding]:
    """A variable that is set only later, or on another branch.

    A node sets the variable, but never before this one reads it: it comes after it, it stands on a branch
    that this run did not take, or both run at the same time. Nodes that run at the same time see the
    variables as they were before.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: tell, type: send_message, data: {message: "You want {{intent.text}}."}}
      - {id: classify, type: llm_call, data: {prompt: "What is wanted? {{message}}", outputVariable: intent}}
    edges:
      - start -> tell
      - tell -> classify
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
    firsts = [doubts[0] for doubts in _by_name(site, {Lack.SOMETIMES, *_ELSEWHERE})]
    for doubt in without_consequences(site, [one for one in firsts if one.lack in _ELSEWHERE]):
        name, node = doubt.read.name, doubt.read.node
        message, label, help = _ELSEWHERE[doubt.lack]
        yield Finding(
            f"`{name}` is set only {message} `{node}`",
            at=doubt.read.at,
            within=doubt.read.within,
            label=label,
            help=help,
            others=_set_at(site, name),
        )


_ELSEWHERE = {
    Lack.LATER: ("after", "not set yet", "read it in a node that comes after the one that sets it"),
    Lack.ELSEWHERE: (
        "on branches beside",
        "no node before this one sets it",
        "set it on this branch too, or read it where the branches have met",
    ),
    Lack.BESIDE: (
        "at the same time as",
        "nodes that run together see what was set before them",
        "lead an edge from the node that sets it to this one",
    ),
}


def check_nothing_to_say(site: WorkflowSite) -> Iterator[Finding]:
    """A send_message that has nothing to say.

    Without a `message` the node says `ai_response`, the answer of the last llm_call. There is none before
    it, so the node fails.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: answer, type: send_message, data: {}}
    edges:
      - start -> answer
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: think, type: llm_call, data: {prompt: "{{message}}"}}
      - {id: answer, type: send_message, data: {}}
    edges:
      - start -> think
      - think -> answer
    ```
    """
    for doubt in site.flow.doubts:
        if doubt.read.use is Use.LAST_ANSWER and doubt.lack is not Lack.SOMETIMES:
            yield Finding(
                f"`{doubt.read.node}` has nothing to say",
                at=doubt.read.at,
                label="no `message`, and no llm_call has answered yet",
                help="give it a `message`, or let an llm_call come before it",
            )


def shown_way(way: tuple[str, ...]) -> str:
    """The nodes of a way, the middle of a long one left out."""
    return " -> ".join(way if len(way) <= 6 else (*way[:2], "...", *way[-3:]))


def _by_name(site: WorkflowSite, lacks: set[Lack]) -> list[list[Doubt]]:
    """The doubts of these kinds, those about one variable together."""
    found: dict[str, list[Doubt]] = {}
    for doubt in site.flow.doubts:
        is_said = doubt.read.use is Use.LAST_ANSWER and doubt.lack is not Lack.SOMETIMES
        if doubt.lack in lacks and not is_said and not _is_done_without(site, doubt.read):
            found.setdefault(doubt.read.name, []).append(doubt)
    return list(found.values())


def _is_done_without(site: WorkflowSite, read: Read) -> bool:
    """Whether code asks for a variable that need not be there, and whose name is no slip for another."""
    if read.use is not Use.GUARDED_CODE:
        return False
    code = site.flow.codes.get(read.node)
    if code is not None and read.name in code.defaults:
        return True
    meant = site.flow.meant_by(read.name) if code is not None else None
    if meant is None or site.flow.follows_a_person(read.node):
        return True
    is_alike = _ADORNMENTS.sub("", read.name).casefold() == _ADORNMENTS.sub("", meant).casefold()
    return is_alike and any(other.parts[0] == meant for other in site.flow.codes[read.node].reads)


def _instead_of(site: WorkflowSite, read: Read) -> str:
    if read.name == ERROR_VARIABLE:
        return "`error` is set when a node fails and its `error` edge, or an error_handler, goes on"
    close = site.flow.meant_by(read.name)
    if sorted(read.name) == sorted(ERROR_VARIABLE):
        close = ERROR_VARIABLE
    return f"did you mean `{close}`?" if close else ""


def _after_overwriting(site: WorkflowSite, read: Read) -> bool:
    writes = [write for write in overwriting(site) if write.origin != Shape.ANY]
    return any(read.node in site.graph.reachable(site.graph.onward(write.node)) for write in writes)


def _also(doubts: list[Doubt]) -> tuple[tuple[Path, str], ...]:
    first = doubts[0].read.at
    places = dict.fromkeys(doubt.read.at for doubt in doubts if doubt.read.at != first)
    return tuple((at, "also read here") for at in list(places)[:3])


def _set_at(site: WorkflowSite, name: str) -> tuple[tuple[Path, str], ...]:
    words = "set when this fails" if name == ERROR_VARIABLE else "set here"
    places = {
        write.at: words if write.is_sure or write.is_default else "set here, but not every time"
        for write in site.flow.writes.get(name, ())
    }
    return tuple(places.items())[:3]


NEVER_SET = Rule(code="VR201", severity="warning", check=check_never_set, doc=check_never_set.__doc__)
SOMETIMES_SET = Rule(
    code="VR202", severity="warning", check=check_sometimes_set, doc=check_sometimes_set.__doc__
)
SET_ELSEWHERE = Rule(
    code="VR203", severity="warning", check=check_set_elsewhere, doc=check_set_elsewhere.__doc__
)
NOTHING_TO_SAY = Rule(
    code="VR212", severity="error", check=check_nothing_to_say, doc=check_nothing_to_say.__doc__
)
