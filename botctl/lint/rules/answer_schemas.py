"""The rule about the JSON Schema of a model's answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botctl.lint.workflow_site import WorkflowSite
from botctl.nodes.llm_call import LlmCallData
from botctl.source.rule import Finding, Rule
from botctl.source.span import Path
from botctl.spec.fields import close_word

_DEEPEST = 30
_OF_SCHEMAS_BY_NAME = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_OF_SCHEMAS = ("anyOf", "oneOf", "allOf", "prefixItems")
# The keywords of JSON Schema 2020-12 and of draft 7 that it replaced, as its meta-schemas list them.
_KEYWORDS = frozenset({
    *_OF_SCHEMAS_BY_NAME, *_OF_SCHEMAS, "$schema", "$id", "$ref", "$anchor", "$comment", "$dynamicRef",
    "$dynamicAnchor", "$vocabulary", "type", "enum", "const", "items", "additionalItems", "contains",
    "minContains", "maxContains", "minItems", "maxItems", "uniqueItems", "unevaluatedItems", "required",
    "additionalProperties", "propertyNames", "minProperties", "maxProperties", "unevaluatedProperties",
    "dependentRequired", "dependencies", "minLength", "maxLength", "pattern", "format", "minimum", "maximum",
    "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "not", "if", "then", "else", "title",
    "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "contentEncoding",
    "contentMediaType", "contentSchema",
})  # fmt: skip
_OF_OTHERS = frozenset({"id", "example", "nullable", "discriminator", "xml", "externalDocs"})
"""Keywords of draft 4 and of OpenAPI, which do no harm."""


def check_schema(site: WorkflowSite) -> Iterator[Finding]:
    """A `schema` that is no JSON Schema.

    An llm_call with a `schema` checks the model's answer against it. Something in it is not as JSON Schema
    has it, or it wants a key that it does not allow, so every answer would fail; or a keyword is misspelt,
    which then says nothing.

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
        else:
            yield from _in_schema(node.data.answer_schema, (*node.path, "data", "schema"), 0)


def _in_schema(schema: Any, at: Path, level: int) -> Iterator[Finding]:
    """Misspelt keywords and keys that cannot be there, in a schema and all that are inside of it."""
    if not isinstance(schema, Mapping) or level > _DEEPEST:
        return
    for keyword in schema:
        is_known = keyword in _KEYWORDS or keyword in _OF_OTHERS or keyword[:2] in ("x-", "x_")
        close = close_word(keyword, _KEYWORDS) if not is_known else None
        if close and close not in schema:
            yield Finding(
                f"JSON Schema has no keyword `{keyword[:60]}`",
                at=(*at, keyword),
                key=True,
                label="says nothing",
                help=f"did you mean `{close}`?",
            )
    yield from _impossible(schema, at)
    for keyword in _OF_SCHEMAS_BY_NAME:
        inside = schema.get(keyword)
        for name, one in inside.items() if isinstance(inside, Mapping) else ():
            yield from _in_schema(one, (*at, keyword, name), level + 1)
    for keyword in _OF_SCHEMAS:
        inside = schema.get(keyword)
        for index, one in enumerate(inside if isinstance(inside, list) else ()):
            yield from _in_schema(one, (*at, keyword, index), level + 1)
    for keyword in ("items", "additionalProperties", "contains", "not"):
        yield from _in_schema(schema.get(keyword), (*at, keyword), level + 1)


def _impossible(schema: Mapping[str, Any], at: Path) -> Iterator[Finding]:
    """Keys that are required and not allowed."""
    properties, required = schema.get("properties", {}), schema.get("required", ())
    if schema.get("additionalProperties") is not False or "patternProperties" in schema or "$ref" in schema:
        return
    for index, key in enumerate(required):
        if key not in properties:
            close = close_word(key, properties)
            yield Finding(
                f"no answer can fit: `{key[:60]}` is required and not among the `properties`",
                at=(*at, "required", index),
                label="`additionalProperties: false` allows no other keys",
                help=f"did you mean `{close}`?" if close else f"add `{key[:60]}` to `properties`",
            )


SCHEMA = Rule(code="WF406", severity="error", check=check_schema, doc=check_schema.__doc__)
