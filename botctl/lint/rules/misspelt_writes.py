"""A rule about variables that are misspelt where they are set."""

from __future__ import annotations

import re
from collections.abc import Iterator

from botctl.lint.flow.variables import Write
from botctl.lint.workflow_site import WorkflowSite
from botctl.nodes.code_block import CodeBlockData
from botctl.source.rule import Finding, Rule

_LEAST_LENGTH = 5
_ALL_AT_ONCE = re.compile(
    r"\bctx\s*\.\s*variables\b(?!\s*(\.|\[|\?\.|=[^=]))|\{[^}]*\bvariables\b[^}]*\}\s*="
)
"""Code that reads variables without naming them."""


def check_misspelt(site: WorkflowSite) -> Iterator[Finding]:
    """A variable that is set and never read, and has the letters of one that is.

    Other nodes set the variable that was meant, so it is not missing: it only keeps its old value. Told where
    two letters changed places, or capitals and underscores differ.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: first, type: action, data: {actionType: set_variable, variable: is_paid, value: false}}
      - {id: check, type: logic, data: {logicType: if_else, condition: "{{message}} contains paid"}}
      - {id: note, type: action, data: {actionType: set_variable, variable: is_piad, value: true}}
      - {id: tell, type: send_message, data: {message: "Paid: {{is_paid}}"}}
    edges:
      - start -> first
      - first -> check
      - check.true -> note
      - check.false -> tell
      - note -> tell
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: first, type: action, data: {actionType: set_variable, variable: is_paid, value: false}}
      - {id: check, type: logic, data: {logicType: if_else, condition: "{{message}} contains paid"}}
      - {id: note, type: action, data: {actionType: set_variable, variable: is_paid, value: true}}
      - {id: tell, type: send_message, data: {message: "Paid: {{is_paid}}"}}
    edges:
      - start -> first
      - first -> check
      - check.true -> note
      - check.false -> tell
      - note -> tell
    ```
    """
    flow = site.flow
    codes = (node.data.code for node in site.graph.nodes.values() if isinstance(node.data, CodeBlockData))
    if flow.open or any(_ALL_AT_ONCE.search(code) for code in codes):
        return
    read = {one.name for one in flow.reads}
    meant = {
        name: writes for name, writes in flow.writes.items() if name in read and not _is_unset(site, name)
    }
    for name, writes in flow.writes.items():
        instead = next((one for one in meant if _is_same(name, one)), "") if name not in read else ""
        if instead and len(writes) == 1:
            yield Finding(
                f"`{name}` is set and never read",
                at=writes[0].at,
                within=writes[0].within,
                label=f"much like `{instead}`",
                help=f"did you mean `{instead}`?",
                others=_places(meant[instead]),
            )


def _is_unset(site: WorkflowSite, name: str) -> bool:
    """Whether a read of the variable is told already."""
    return any(doubt.read.name == name for doubt in site.flow.doubts)


def _is_same(one: str, other: str) -> bool:
    """Whether two names are one but for the order of their letters, capitals and underscores."""
    if min(len(one), len(other)) < _LEAST_LENGTH or one == other:
        return False
    folded, known = (name.casefold().replace("_", "").replace("-", "") for name in (one, other))
    if folded == known:
        return True
    differing = [place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]]
    is_turned = sorted(one) == sorted(other) and len(differing) == 2 and differing[1] - differing[0] == 1
    return is_turned and all(one[place].isalpha() for place in differing)


def _places(writes: list[Write]) -> tuple[tuple[tuple[str | int, ...], str], ...]:
    return tuple((write.at, "set here") for write in writes[:2])


MISSPELT = Rule(code="VR214", severity="warning", check=check_misspelt, doc=check_misspelt.__doc__)
