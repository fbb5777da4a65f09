"""Rules about functions of a workspace: what they are called with fits what they are called by."""

from __future__ import annotations

import re
from collections.abc import Iterator

from botctl.lint.bot_site import WorkspaceSite
from botctl.source.rule import Finding, Rule
from botctl.spec.fields import close_word

_PLACEHOLDER = re.compile(r"(?<!\$)\{([A-Za-z_][A-Za-z0-9_]*)\}")
_CALLABLE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def check_url(site: WorkspaceSite) -> Iterator[Finding]:
    """A part of a function's url that no argument fills.

    `{name}` in `url` is replaced by the argument of that name, and a call without it fails. `parameters` says
    which arguments there are.

    Bad:

    ```yaml
    name: demo
    functions:
      weather:
        url: "https://weather.example.com/{city}"
        parameters: {type: object, properties: {town: {type: string}}, required: [town]}
    ```

    Good:

    ```yaml
    name: demo
    functions:
      weather:
        url: "https://weather.example.com/{city}"
        parameters: {type: object, properties: {city: {type: string}}, required: [city]}
    ```
    """
    for name, function in site.spec.functions.items():
        properties = function.parameters.get("properties")
        if not isinstance(properties, dict) or "allOf" in function.parameters:
            continue
        for match in _PLACEHOLDER.finditer(function.url):
            if match[1] in properties:
                continue
            close = close_word(match[1], properties)
            yield Finding(
                f"the url of function `{name}` needs `{match[1]}`, which is none of its parameters",
                at=("functions", name, "url"),
                within=(match.start(), len(match[0])),
                label="no argument fills this",
                help=f"did you mean `{{{close}}}`?" if close else f"add `{match[1]}` to its `parameters`",
            )


def check_parameters(site: WorkspaceSite) -> Iterator[Finding]:
    """Parameters of a function that no call can fit.

    A function is called with an object of named arguments, so `parameters` is the JSON Schema of an object.

    Bad:

    ```yaml
    name: demo
    functions:
      weather: {url: "https://weather.example.com", parameters: {type: string}}
    ```

    Good:

    ```yaml
    name: demo
    functions:
      weather:
        url: "https://weather.example.com"
        parameters: {type: object, properties: {city: {type: string}}}
    ```
    """
    for name, function in site.spec.functions.items():
        kind = function.parameters.get("type", "object")
        if kind != "object" and not (isinstance(kind, list) and "object" in kind):
            yield Finding(
                f"the parameters of function `{name}` are not those of an object",
                at=("functions", name, "parameters", "type"),
                label="arguments are always an object",
                help="write `type: object`, and each argument under `properties`",
            )


def check_callable(site: WorkspaceSite) -> Iterator[Finding]:
    """A Python function that is not named as one.

    `python` is `module:function`. Modules are looked for in the project's folder and among those installed.

    Bad:

    ```yaml
    name: demo
    functions: {total: {python: billing.total}}
    ```

    Good:

    ```yaml
    name: demo
    functions: {total: {python: "billing:total"}}
    ```
    """
    for name, function in site.spec.functions.items():
        written = function.python
        if written and "${" not in written and not _CALLABLE.fullmatch(written):
            module, dot, attribute = written.rpartition(".")
            meant = f"did you mean `{module}:{attribute}`?" if dot and ":" not in written else ""
            yield Finding(
                f"function `{name}` names no callable: `{written[:60]}`",
                at=("functions", name, "python"),
                label="not module:function",
                help=meant or "write module:function",
            )


URL = Rule(code="WS301", severity="warning", check=check_url, doc=check_url.__doc__)
PARAMETERS = Rule(code="WS302", severity="error", check=check_parameters, doc=check_parameters.__doc__)
CALLABLE = Rule(code="WS303", severity="error", check=check_callable, doc=check_callable.__doc__)
