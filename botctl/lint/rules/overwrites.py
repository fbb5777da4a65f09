"""Rules about variables that are set where they should not be."""

from __future__ import annotations

import re
from collections.abc import Iterator

from botctl.expr.path import PATH
from botctl.lint.flow.collisions import collisions
from botctl.lint.flow.javascript_facts import syntax_of
from botctl.lint.flow.variables import Write
from botctl.lint.workflow_site import WorkflowSite
from botctl.nodes.action import ActionData
from botctl.nodes.code_block import CodeBlockData
from botctl.nodes.logic import LogicData
from botctl.nodes.shape import Shape
from botctl.nodes.trigger import TRIGGER, TriggerData
from botctl.source.rule import Finding, Rule

BUILT_IN = TRIGGER.writes(TriggerData())
_PLACEHOLDER = re.compile(rf"\{{\{{\s*({PATH})\s*\}}\}}")
_TEXTS = {"string", "template_string"}
_FILLS_IN = re.compile(r"\.\s*(replace(All)?|split|includes|indexOf|search)\s*\(|\bRegExp\b")


def check_collisions(site: WorkflowSite) -> Iterator[Finding]:
    """Two branches that run side by side set one variable.

    Both set it, and what stands in it afterwards is what the later one of them wrote, or of two in the same
    wave the one whose edge stands further down. Every llm_call also sets `ai_response`. Give each branch a
    variable of its own.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: short, type: llm_call, data: {prompt: "Shortly: {{message}}", outputVariable: answer}}
      - {id: long, type: llm_call, data: {prompt: "At length: {{message}}", outputVariable: answer}}
      - {id: tell, type: send_message, data: {message: "{{answer.text}}"}}
    edges:
      - start -> short
      - start -> long
      - short -> tell
      - long -> tell
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: short, type: llm_call, data: {prompt: "Shortly: {{message}}", outputVariable: summary}}
      - {id: long, type: llm_call, data: {prompt: "At length: {{message}}", outputVariable: answer}}
      - {id: tell, type: send_message, data: {message: "{{summary.text}} {{answer.text}}"}}
    edges:
      - start -> short
      - start -> long
      - short -> tell
      - long -> tell
    ```
    """
    if not site.graph.triggers:
        return
    told: set[tuple[str, str]] = set()
    for collision in collisions(site.flow):
        one, other = collision.first, collision.second
        if (one.node, other.node) in told:
            continue
        told.add((one.node, other.node))
        yield Finding(
            f"`{one.node}` and `{other.node}` set `{one.name}` side by side",
            at=other.at,
            label="set here too, and only one of the two stays",
            help="give each a variable of its own",
            others=((one.at, "set here at the same time"), (collision.read.at, "read here")),
        )


def check_built_in(site: WorkflowSite) -> Iterator[Finding]:
    """A built-in variable is overwritten.

    `message`, `user_id`, `user_name`, `channel_id`, `platform` and `attachments` are set when a message comes
    in. What a code_block writes to the first five is dropped; a result that is kept in one of them takes its
    place for the rest of the run.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: think, type: llm_call, data: {prompt: "Answer {{message}}", outputVariable: message}}
    edges:
      - start -> think
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: think, type: llm_call, data: {prompt: "Answer {{message}}", outputVariable: answer}}
    edges:
      - start -> think
    ```
    """
    for write in overwriting(site):
        if isinstance(site.graph.nodes[write.node].data, CodeBlockData):
            yield Finding(
                f"`{write.node}` writes to `{write.name}`, which code cannot change",
                at=write.at,
                within=write.within,
                label="what is written here is dropped",
                help="write to a variable of another name",
            )
        else:
            yield Finding(
                f"`{write.node}` overwrites `{write.name}`",
                at=write.at,
                label="this is a built-in variable",
                help="give it another name",
            )


def overwriting(site: WorkflowSite) -> Iterator[Write]:
    """The writes to built-in variables that are surely not meant so: by code, which cannot, and of what is no
    text. A set_variable may well mean it: what it puts into `message` is what other bots are told."""
    for name, shape in BUILT_IN.items():
        for write in site.flow.writes.get(name, ()):
            data = site.graph.nodes[write.node].data
            if isinstance(data, CodeBlockData):
                if shape == Shape.TEXT:
                    yield write
            elif not isinstance(data, ActionData | TriggerData | LogicData) and write.origin != Shape.TEXT:
                yield write


def check_code(site: WorkflowSite) -> Iterator[Finding]:
    """A placeholder in JavaScript.

    The code of a code_block is never filled in, so `"{{order_id}}"` is a text with braces. Read the variable
    from `ctx.variables`.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: count, type: code_block, data: {code: 'ctx.variables.n = "{{message}}".length;'}}
    edges:
      - start -> count
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - {id: count, type: code_block, data: {code: 'ctx.variables.n = ctx.message.length;'}}
    edges:
      - start -> count
    ```
    """
    for node in site.graph.nodes.values():
        if not isinstance(node.data, CodeBlockData) or "{{" not in node.data.code:
            continue
        for match in _PLACEHOLDER.finditer(node.data.code):
            name = match[1].partition(".")[0]
            if name in site.flow.writes and _is_meant(node.data.code, match.start()):
                instead = f"ctx.{name}" if name in ("message", "user_id") else f"ctx.variables.{match[1]}"
                yield Finding(
                    f"the code of `{node.id}` holds the placeholder `{match[0]}`",
                    at=(*node.path, "data", "code"),
                    within=(match.start(), len(match[0])),
                    label="code is not filled in: these are just braces",
                    help=f"write `{instead}`, without quotes",
                )


def _is_meant(code: str, offset: int) -> bool:
    """Whether a placeholder stands in a text, and the code does not look for it, or replace it, itself."""
    root = syntax_of(code)
    if root.has_error or _FILLS_IN.search(code):
        return False
    at = len(code[:offset].encode("utf-8", "replace"))
    node = root.descendant_for_byte_range(at, at + 2)
    while node is not None and node.type not in _TEXTS:
        node = node.parent
    return node is not None and (node.parent is None or node.parent.child_by_field_name("key") != node)


COLLISION = Rule(code="VR209", severity="warning", check=check_collisions, doc=check_collisions.__doc__)
OVERWRITTEN = Rule(code="VR210", severity="warning", check=check_built_in, doc=check_built_in.__doc__)
PLACEHOLDER_IN_CODE = Rule(code="VR211", severity="warning", check=check_code, doc=check_code.__doc__)
