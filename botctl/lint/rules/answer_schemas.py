"""The rule about the JSON Schema of a model's answer."""

from __future__ import annotations

from collections.abc import Iterator

from botctl.lint.workflow_site import WorkflowSite
from botctl.nodes.llm_call import LlmCallData
from botctl.source.rule import Finding, Rule


def check_schema(site: WorkflowSite) -> Iterator[Finding]:
    """A `schema` that is no JSON Schema.

    An llm_call with a `schema` checks the model's answer against it. Something in it is not as JSON Schema
    has it, so every answer would fail.

    Bad:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - id: lead
        type: llm_call
        data:
          prompt: "Who writes this? {{message}}"
          schema: {type: object, properties: {name: {type: text}}}
    edges:
      - start -> lead
    ```

    Good:

    ```yaml
    nodes:
      - {id: start, type: trigger, data: {}}
      - id: lead
        type: llm_call
        data:
          prompt: "Who writes this? {{message}}"
          schema: {type: object, properties: {name: {type: string}}}
    edges:
      - start -> lead
    ```
    """
    for node in site.graph.nodes.values():
        if not isinstance(node.data, LlmCallData) or not node.data.answer_schema:
            continue
        from jsonschema.exceptions import best_match
        from jsonschema.validators import validator_for

        kind = validator_for(node.data.answer_schema)
        error = best_match(kind(kind.META_SCHEMA).iter_errors(node.data.answer_schema))
        if error is not None:
            path = tuple(error.absolute_path)
            yield Finding(
                "this `schema` is no JSON Schema",
                at=(*node.path, "data", "schema", *path),
                label=" ".join(error.message.split())[:100],
                help="the types are string, number, integer, boolean, object, array and null"
                if path[-1:] == ("type",)
                else "write it as https://json-schema.org describes it",
            )


SCHEMA = Rule(code="WF406", severity="error", check=check_schema, doc=check_schema.__doc__)
