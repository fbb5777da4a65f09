"""The document: what OpenAPI 3.1 says of the API, made from the operations and their records."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.json import schema_components
from msgspec.structs import fields

from botctl.web.api_operation import ErrorShape, NoBody, NoQuery, Operation

_REFERENCE = "#/components/schemas/{name}"
_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The id, or the beginning of it if no other id begins so. Of a conversation its number.",
    "schema": {"type": "string", "pattern": "^[0-9A-Za-z_-]{1,64}$"},
}
_ALWAYS = {
    401: "No token was sent, or nobody has it.",
    403: "The token does not allow it.",
    405: "This path does not know the method.",
    422: "The request does not fit what is described here.",
    429: "Too many wrong tokens came from this address.",
    503: "The state could not be written or read now.",
}
_WITH_ID = {
    404: "There is no such thing, or the reviewer may not see its bot.",
    409: "The id is of several things; they are listed.",
}
_WITH_BODY = {
    400: "The body is not JSON.",
    408: "The body took too long to arrive.",
    413: "The body is too large.",
    415: "The body is not sent as application/json.",
}


def document(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    """The whole document."""
    bodies = [one.body for one in operations if one.body is not NoBody]
    records = [ErrorShape, *(one.answer for one in operations), *bodies]
    _, schemas = schema_components(records, ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        told = _operation(operation)
        told["responses"]["200"] |= _links(operation, operations)
        paths.setdefault(operation.path, {})[operation.method.lower()] = told
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "botctl",
            "version": version,
            "description": "What the dashboard shows and decides, as JSON. The shapes are those of `--json`"
            " of the command line; lists come as pages of them. A session of the dashboard may read, too.",
        },
        "servers": [{"url": "/api"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {name: _described(schema) for name, schema in schemas.items()},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "The token of a reviewer."},
            },
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    has_id, takes_body = "{id}" in operation.path, operation.method == "POST"
    refuses = {
        **_ALWAYS,
        **(_WITH_ID if has_id else {}),
        **(_WITH_BODY if takes_body else {}),
        **operation.refuses,
    }
    answers = {200: _answer("Done, or told.", operation.answer)}
    answers |= {status: _refusal(status, why) for status, why in refuses.items()}
    told: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": f"Needs the right to `{operation.right}`.",
        "parameters": [*([_ID] if has_id else []), *_parameters(operation.query)],
        "responses": {str(status): answers[status] for status in sorted(answers)},
    }
    if takes_body:
        is_required = any(field.required for field in fields(operation.body))
        told["requestBody"] = {"required": is_required, "content": _json_of(operation.body)}
    return told


def _links(operation: Operation, operations: Sequence[Operation]) -> dict[str, Any]:
    """From a list to what can be asked about the things in it."""
    about = [one for one in operations if one.path.startswith(operation.path + "/{id}")]
    if not about or operation.method != "GET":
        return {}
    name = "number" if operation.path == "/conversations" else "id"
    parameters = {"id": f"$response.body#/items/0/{name}"}
    return {"links": {one.id: {"operationId": one.id, "parameters": parameters} for one in about}}


def _parameters(query: type[Struct]) -> list[dict[str, Any]]:
    if query is NoQuery:
        return []
    _, schemas = schema_components([query], ref_template=_REFERENCE)
    properties: Mapping[str, Any] = schemas[query.__name__]["properties"]
    return [
        {
            "name": name,
            "in": "query",
            "description": schema.get("description", ""),
            "schema": {key: value for key, value in schema.items() if key != "description"},
        }
        for name, schema in properties.items()
    ]


def _answer(description: str, record: type[Struct]) -> dict[str, Any]:
    return {"description": description, "content": _json_of(record)}


def _refusal(status: int, why: str) -> dict[str, Any]:
    headers = {
        401: {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}},
        405: {"Allow": {"required": True, "schema": {"type": "string"}}},
        429: {"Retry-After": {"required": True, "schema": {"type": "string", "pattern": "^[0-9]+$"}}},
    }.get(status)
    told = _answer(why, ErrorShape)
    return {**told, "headers": headers} if headers else told


def _json_of(record: type[Struct]) -> dict[str, Any]:
    if not fields(record):
        return {"application/json": {"schema": {"type": "object", "additionalProperties": False}}}
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(name=record.__name__)}}}


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """With the docstring as one paragraph."""
    if "description" not in schema:
        return schema
    return {**schema, "description": " ".join(inspect.cleandoc(schema["description"]).split())}
