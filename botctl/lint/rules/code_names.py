"""Rules about the names in a code_block: those that nothing defines, and those that `ctx` does not have."""

from __future__ import annotations

from collections.abc import Iterator

from botctl.lint.javascript_names import GIVEN, GLOBALS, CodeNames, Name, code_names
from botctl.lint.workflow_site import WorkflowSite
from botctl.nodes.code_block import CodeBlockData
from botctl.project.graph import Node
from botctl.source.rule import Finding, Rule
from botctl.spec.fields import close_word, one_of

_OF_THE_NETWORK = {"fetch", "XMLHttpRequest", "axios", "WebSocket", "http", "https", "$"}
_OF_MODULES = {"require", "module", "exports", "process", "Buffer", "fs", "path", "_", "lodash", "moment"}
_OF_TIME = {"setTimeout", "setInterval", "setImmediate", "clearTimeout", "clearInterval"}
_OF_BROWSERS = {"window", "document", "localStorage", "sessionStorage", "navigator", "location", "alert"}
_INSTEAD = {
    **dict.fromkeys(_OF_THE_NETWORK, "code cannot reach the network: call a tool with an mcp_tool node"),
    **dict.fromkeys(_OF_MODULES, "there are no modules here, only the language itself"),
    **dict.fromkeys(_OF_TIME, "code cannot wait: use a `logic` node with `logicType: wait`"),
    **dict.fromkeys(_OF_BROWSERS, "there is no browser here, only the language itself"),
    "console": "take it out; a variable that the code sets is shown in the trace",
    "structuredClone": "write JSON.parse(JSON.stringify(...))",
    "Intl": "there are no formats of languages here: put the text together yourself",
}
_EXACT = ("JSON", "Math", "Date", "Object", "Array", "Number", "String")


def check_undefined(site: WorkflowSite) -> Iterator[Finding]:
    """Code that uses a name which nothing defines.

    The name is not declared around its use, and the sandbox has none of that name: the language itself is
    there, but no `fetch`, `require`, `console`, `process` or `setTimeout`. The node fails once it comes to
    it. Where `typeof` asks for the name, or an exception would be caught, it is not told.

    Bad:

    ```yaml
    - id: count
      type: code_block
      data: {code: "const words = ctx.message.split(' '); ctx.variables.count = word.length;"}
    ```

    Good:

    ```yaml
    - id: count
      type: code_block
      data: {code: "const words = ctx.message.split(' '); ctx.variables.count = words.length;"}
    ```
    """
    for node, names in _codes(site):
        for name in names.undefined:
            yield Finding(
                f"the code of `{node.id}` uses `{name.name[:60]}`, which nothing defines",
                at=(*node.path, "data", "code"),
                within=name.within,
                label="there is no such name here",
                help=_instead(name, names, site),
            )


def check_members(site: WorkflowSite) -> Iterator[Finding]:
    """Code that asks `ctx` for what it does not have.

    `ctx` has `variables`, `message` and `user_id`; everything else is undefined. Variables of the workflow,
    such as `user_name`, are in `ctx.variables`.

    Bad:

    ```yaml
    - id: count
      type: code_block
      data: {code: "ctx.variables.count = ctx.mesage.length;"}
    ```

    Good:

    ```yaml
    - id: count
      type: code_block
      data: {code: "ctx.variables.count = ctx.message.length;"}
    ```
    """
    for node, names in _codes(site):
        for member in names.members:
            close = close_word(member.name, GIVEN)
            meant = close or (f"variables.{member.name}" if member.name in site.flow.writes else "")
            if member.is_guarded and not meant:
                continue
            yield Finding(
                f"`ctx` has no `{member.name[:60]}`",
                at=(*node.path, "data", "code"),
                within=member.within,
                label="this is undefined",
                help=f"did you mean `ctx.{meant}`?" if meant else f"`ctx` has {one_of(GIVEN, 'and')}",
            )


def _codes(site: WorkflowSite) -> Iterator[tuple[Node, CodeNames]]:
    for node in site.graph.nodes.values():
        if isinstance(node.data, CodeBlockData):
            yield node, code_names(node.data.code)


def _instead(name: Name, names: CodeNames, site: WorkflowSite) -> str:
    if name.name in _INSTEAD:
        return _INSTEAD[name.name]
    if name.name in GIVEN:
        return f"did you mean `ctx.{name.name}`?"
    folded = {known.casefold(): known for known in (*_EXACT, *GLOBALS)}
    close = folded.get(name.name.casefold()) or close_word(name.name, names.declared)
    if close:
        return f"did you mean `{close}`?"
    if name.name in site.flow.writes:
        return f"did you mean `ctx.variables.{name.name}`?"
    close = close_word(name.name, [*GLOBALS, "ctx"])
    return f"did you mean `{close}`?" if close else "declare it, or take it out"


UNDEFINED = Rule(code="WF302", severity="error", check=check_undefined, doc=check_undefined.__doc__)
NO_MEMBER = Rule(code="WF303", severity="warning", check=check_members, doc=check_members.__doc__)
