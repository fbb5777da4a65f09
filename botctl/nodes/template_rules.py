"""Rules about expressions, shared by every node type that has any: what cannot be parsed cannot run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botctl.expr.condition import parse_condition
from botctl.expr.json_template import parse_json_template
from botctl.expr.path import ExpressionError, parse_bare_path
from botctl.expr.template import parse_template
from botctl.nodes.site import Site
from botctl.nodes.templates import Writing, Written, expressions
from botctl.source.rule import Finding, Rule


def check_templates(site: Site[Any]) -> Iterator[Finding]:
    """A template that cannot be read.

    `{{ name }}` or `{{ order.items.0.price }}` stands for a variable; there are no filters and no arithmetic.
    The node fails when it is executed.

    Bad:

    ```yaml
    - id: greet
      type: send_message
      data:
        message: "Hello {{user_name | upper}}"
    ```

    Good:

    ```yaml
    - id: greet
      type: send_message
      data:
        message: "Hello {{user_name}}"
    ```
    """
    for written in expressions(site.data):
        if written.writing is Writing.TEMPLATE:
            try:
                parse_template(written.value)
            except ExpressionError as error:
                yield _finding("this template cannot be read", written, error)


def check_conditions(site: Site[Any]) -> Iterator[Finding]:
    """A condition that cannot be read.

    A condition compares two sides: `{{intent.text}} == billing`. The operators are == != > >= < <= contains,
    not_contains, starts_with, ends_with, matches, is_empty and is_not_empty, joined by and, or, not.

    Bad:

    ```yaml
    - id: check
      type: logic
      data:
        logicType: if_else
        condition: "{{message}} =="
    ```

    Good:

    ```yaml
    - id: check
      type: logic
      data:
        logicType: if_else
        condition: "{{message}} == hello"
    ```
    """
    for written in expressions(site.data):
        if written.writing is Writing.CONDITION:
            try:
                parse_condition(written.value)
            except ExpressionError as error:
                yield _finding("this condition cannot be read", written, error)


def check_bare_paths(site: Site[Any]) -> Iterator[Finding]:
    """A field that names a variable holds something else.

    `variable` and `arrayVariable` name a variable or a path into one, such as `order.items`. Braces around it
    are tolerated; other text is not.

    Bad:

    ```yaml
    - id: each
      type: loop
      data:
        loopType: for_each
        arrayVariable: "all {{attachments}}"
    ```

    Good:

    ```yaml
    - id: each
      type: loop
      data:
        loopType: for_each
        arrayVariable: attachments
    ```
    """
    for written in expressions(site.data):
        if written.writing in (Writing.BARE_PATH, Writing.SET_PATH):
            try:
                parse_bare_path(written.value)
            except ExpressionError as error:
                yield _finding("this is not the name of a variable", written, error)


def check_json(site: Site[Any]) -> Iterator[Finding]:
    """JSON that is written as text does not parse.

    `arguments` and `context` hold a JSON object, as text or as a YAML mapping. Placeholders may stand inside
    of JSON strings, be a whole string, or stand bare; in YAML a mapping is easier to get right.

    Bad:

    ```yaml
    - id: look_up
      type: mcp_tool
      data:
        toolName: orders__get_order
        arguments: '{"order_id": "{{message}}"'
    ```

    Good:

    ```yaml
    - id: look_up
      type: mcp_tool
      data:
        toolName: orders__get_order
        arguments:
          order_id: "{{message}}"
    ```
    """
    for written in expressions(site.data):
        if written.writing is Writing.JSON_TEMPLATE:
            try:
                parse_json_template(written.value)
            except ExpressionError as error:
                yield _finding("this JSON cannot be read", written, error)


def _finding(message: str, written: Written, error: ExpressionError) -> Finding:
    within = (error.offset, error.length) if isinstance(written.value, str) else None
    return Finding(
        message=message, at=written.path, label=error.message, help=error.help or "", within=within
    )


TEMPLATE_RULES: tuple[Rule[Site[Any]], ...] = (
    Rule(code="VR301", severity="error", check=check_templates, doc=check_templates.__doc__),
)
CONDITION_RULES: tuple[Rule[Site[Any]], ...] = (
    Rule(code="VR302", severity="error", check=check_conditions, doc=check_conditions.__doc__),
)
BARE_PATH_RULES: tuple[Rule[Site[Any]], ...] = (
    Rule(code="VR303", severity="error", check=check_bare_paths, doc=check_bare_paths.__doc__),
)
JSON_RULES: tuple[Rule[Site[Any]], ...] = (
    Rule(code="TL101", severity="error", check=check_json, doc=check_json.__doc__),
)
