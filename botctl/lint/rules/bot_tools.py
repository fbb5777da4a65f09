"""Rules about the tools of a bot: that it has some, and what a model may do alone with them."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from botctl.lint.bot_site import BotSite
from botctl.lint.open_calls import is_destructive
from botctl.lint.rules.tool_patterns import tool_meant
from botctl.source.rule import Finding, Rule
from botctl.spec.fields import one_of


def check_workspace(site: BotSite) -> Iterator[Finding]:
    """A workflow that calls tools, and a bot that has none.

    Tools are those of the bot's `workspace`. Without one every mcp_tool node gets {error, message, tool}.

    Bad:

    ```yaml
    name: demo
    workflow: calls.yaml
    ```

    Good:

    ```yaml
    name: demo
    workspace: shop
    workflow: calls.yaml
    ```
    """
    if site.spec.workspace or site.graph is None:
        return
    calling = [node.id for node in site.graph.nodes.values() if node.type.name == "mcp_tool"]
    if calling:
        yield Finding(
            f"the workflow of bot `{site.spec.name}` calls tools, and the bot has no workspace",
            at=("workflow",),
            label=f"called by {one_of(calling[:5], 'and')}",
            help="add `workspace: <name>`: a file workspaces/<name>.yaml says which tools there are",
        )


def check_asks(site: BotSite) -> Iterator[Finding]:
    """An agent that may call a destructive tool without asking anybody.

    The tool says of itself that it may delete or overwrite something. What a user writes can talk a model
    into calling it. Tools under `ask` in the workspace wait until a person said yes; those under `deny` are
    never called.

    Bad:

    ```yaml
    name: demo
    workspace: shop
    llm: {provider: scripted, script: script.yaml}
    ```

    Good:

    ```yaml
    name: demo
    workspace: careful
    llm: {provider: scripted, script: script.yaml}
    ```
    """
    if not site.is_agent or site.spec.allow.users:
        return
    tools = site.around.tools or {}
    meant = _meant_by_patterns(site)
    alone = [
        name
        for name, tool in tools.items()
        if is_destructive(tool) and site.around.decide(name) == "allow" and name not in meant
    ]
    if alone:
        named = one_of(alone[:5], "and") + (f" and {len(alone) - 5} others" if len(alone) > 5 else "")
        tools_are = "the destructive tool" if len(alone) == 1 else "the destructive tools"
        yield Finding(
            f"the model of bot `{site.spec.name}` may call {tools_are} {named} without asking anybody",
            at=("workspace",),
            label="its `tools` ask nobody about it"
            if len(alone) == 1
            else "its `tools` ask nobody about them",
            help=f"write `tools: {{ask: [{', '.join(alone[:5])}]}}` in the workspace file",
        )


def _meant_by_patterns(site: BotSite) -> set[str | None]:
    """The tools that a misspelt pattern of the workspace was to ask about or deny, which is told there."""
    tools, policy = site.around.tools or {}, site.around.policy
    return {
        tool_meant(pattern, tools)
        for pattern in (*policy.ask, *policy.deny)
        if not any(fnmatchcase(name, pattern) for name in tools)
    }


WORKSPACE = Rule(code="BT216", severity="error", check=check_workspace, doc=check_workspace.__doc__)
ASKS = Rule(code="SC203", severity="warning", check=check_asks, doc=check_asks.__doc__)
