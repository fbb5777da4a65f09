"""Template fields of nodes: which fields hold expressions, of which kind, and what they come to in a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Annotated, Any

from msgspec import Struct
from pydantic import AfterValidator, BaseModel, BeforeValidator

from botctl.errors import UserError
from botctl.execution.step import Step
from botctl.expr.condition import parse_condition
from botctl.expr.json_template import parse_json_template
from botctl.expr.path import MISSING, ExpressionError, Parts, look_up, parse_bare_path
from botctl.expr.template import parse_template
from botctl.source.span import Path


class Writing(Enum):
    """How a field's text is read when its node is executed."""

    TEMPLATE = "text with {{placeholders}}"
    JSON_TEMPLATE = "JSON with {{placeholders}}, as text or as a mapping"
    CONDITION = "a condition"
    BARE_PATH = "the name of a variable, or a path into it"
    SET_PATH = "the name of a variable that is set, or a path into it"


def _plain_name(text: str) -> str:
    if not text:
        return text
    try:
        parts = parse_bare_path(text)
    except ExpressionError:
        parts = ()
    if len(parts) != 1 or "{{" in text:
        raise ValueError("should be a plain variable name, such as `order`")
    return text.strip()


def _number_or_template(value: Any) -> Any:
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        if "{{" in text:
            return text
        value = _number(text)
    if isinstance(value, bool) or not isinstance(value, int | float | None) or (value or 0) < 0:
        raise ValueError("should be a number that is not negative, or a {{placeholder}}")
    return value


def _number(text: str) -> int | float | None:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise ValueError("should be a number, or a {{placeholder}}") from None


Template = Annotated[str, Writing.TEMPLATE]
JsonTemplate = Annotated[str | dict[str, Any] | None, Writing.JSON_TEMPLATE]
Condition = Annotated[str, Writing.CONDITION]
BarePath = Annotated[str, Writing.BARE_PATH]
SetPath = Annotated[str, Writing.SET_PATH]
VariableName = Annotated[str, AfterValidator(_plain_name)]
NumberOrTemplate = Annotated[int | float | str | None, BeforeValidator(_number_or_template), Writing.TEMPLATE]


class Written(Struct, frozen=True):
    """One expression of a node: where it stands in `data`, how it is read, and what was written there."""

    path: Path
    writing: Writing
    value: Any


def expressions(data: BaseModel) -> Iterator[Written]:
    """Every expression that was written in a node's `data`, down to the buttons of a message.

    Mappings and lists that are templated yield each text in them.
    """
    if getattr(data, "useTemplate", True):
        yield from _expressions(data, ())


def _expressions(section: BaseModel, path: Path) -> Iterator[Written]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        at: Path = (*path, field.alias or name)
        writing = next((mark for mark in field.metadata if isinstance(mark, Writing)), None)
        if isinstance(value, BaseModel):
            yield from _expressions(value, at)
        elif writing is Writing.TEMPLATE:
            yield from _texts(value, at)
        elif writing is not None:
            if value or isinstance(value, Mapping):
                yield Written(at, writing, value)
        elif isinstance(value, list | tuple):
            for index, entry in enumerate(value):
                if isinstance(entry, BaseModel):
                    yield from _expressions(entry, (*at, index))


def _texts(value: Any, path: Path) -> Iterator[Written]:
    if isinstance(value, str):
        if value:
            yield Written(path, Writing.TEMPLATE, value)
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _texts(entry, (*path, key))
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            yield from _texts(entry, (*path, index))


def render(text: str, step: Step) -> str:
    """The text with its placeholders filled in; UserError where it cannot be read."""
    try:
        return parse_template(text).render(step.variables, step.log.unknown)
    except ExpressionError as error:
        raise _unreadable(text, error) from error


def render_value(text: str, step: Step) -> Any:
    """As `render`, but one placeholder that is the whole text keeps its type."""
    try:
        return parse_template(text).value(step.variables, step.log.unknown)
    except ExpressionError as error:
        raise _unreadable(text, error) from error


def render_json(written: Any, step: Step) -> Any:
    """The value of JSON with placeholders; ExpressionError where it is not JSON, for the caller to tell."""
    return parse_json_template(written).render(step.variables, step.log.unknown)


def holds(condition: str, step: Step) -> bool:
    """Whether a condition is true now; UserError where it cannot be read."""
    try:
        return parse_condition(condition).holds(step.variables, step.log.unknown)
    except ExpressionError as error:
        raise _unreadable(condition, error) from error


def check_condition(condition: str) -> None:
    """UserError unless the condition can be read."""
    try:
        parse_condition(condition)
    except ExpressionError as error:
        raise _unreadable(condition, error) from error


def bare_path(path: str) -> Parts:
    """The parts of a bare path; UserError where it cannot be read."""
    try:
        return parse_bare_path(path)
    except ExpressionError as error:
        raise _unreadable(path, error) from error


def find(path: str, step: Step) -> Any:
    """What a bare path leads to, or MISSING, which is told in the trace."""
    value = look_up(bare_path(path), step.variables)
    if value is MISSING:
        step.log.unknown(path.strip(" {}"))
    return value


def _unreadable(text: str, error: ExpressionError) -> UserError:
    return UserError(f"`{text}` cannot be read: {error.message}", help=error.help or None)
