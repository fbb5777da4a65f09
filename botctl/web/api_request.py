"""The request: what came over HTTP read strictly into the records of an operation."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar, get_args

from msgspec import Struct, ValidationError, convert
from msgspec.structs import fields
from starlette.requests import Request

from botctl.web.api_operation import Refusal

S = TypeVar("S", bound=Struct)

LARGEST = 256 * 1024
"""Bytes of a body; the server reads more, for webhooks."""
_DEEPEST = 64


def read_query(request: Request, record: type[S]) -> S:
    """The query as a record; a Refusal (422) that names the parameter which does not fit."""
    written: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name in written:
            raise Refusal(422, f"`{name}` is given twice in the query")
        written[name] = value
    truths = {field.name for field in fields(record) if bool in (field.type, *get_args(field.type))}
    for name in truths & written.keys():
        written[name] = {"true": True, "false": False}.get(written[name])
    return _converted(written, record, "the query", strict=False)


async def read_body(request: Request, record: type[S]) -> S:
    """The body as a record; a Refusal when it is no JSON (400), not sent as JSON (415), too large
    (413) or does not fit (422).
    Where nothing is demanded it may be left out."""
    body = await request.body()
    if len(body) > LARGEST:
        raise Refusal(413, f"the body is longer than {LARGEST} bytes")
    if not body:
        return _converted({}, record, "the body", strict=True)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Refusal(
            415, f"the body is sent as `{media_type or 'nothing'}`", help="send it as application/json"
        )
    return _converted(_read_json(body), record, "the body", strict=True)


def _converted(written: Any, record: type[S], what: str, *, strict: bool) -> S:
    try:
        return convert(written, record, strict=strict)
    except ValidationError as error:
        raise Refusal(422, f"{what} does not fit: {error}", help="see /api/openapi.json") from None


def _read_json(body: bytes) -> Any:
    """JSON as RFC 8259 means it: UTF-8, no NaN, no name twice, no half of a surrogate pair; not too deep."""
    try:
        value = json.loads(
            body.decode(), object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite
        )
        if _depth_exceeds(value, _DEEPEST):
            raise Refusal(400, f"the body is nested deeper than {_DEEPEST} levels")
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise Refusal(400, f"the body is nested deeper than {_DEEPEST} levels") from None
    except UnicodeEncodeError:
        raise Refusal(400, "the body has half of a surrogate pair in a text") from None
    except ValueError as error:
        raise Refusal(400, f"the body is not JSON: {error}") from None
    return value


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"`{name}` is given twice")
        found[name] = value
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is too large")
    return number


def _depth_exceeds(value: Any, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = [
            part
            for one in level
            if isinstance(one, dict | list)
            for part in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True
