"""A section: a mapping in one of the user's files. No extra keys; every field is documented below itself."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import get_args

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """The strict model that every YAML section is made of.

    Fields are documented by the text below them. pydantic could read that text itself, but does so whenever a
    class is made, which costs more than all else that `botctl validate` does; `field_docs` reads it when it
    is wanted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


@cache
def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """The documentation of a model's fields by name, its parents' included."""
    import ast
    import inspect
    import textwrap

    docs: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if not issubclass(kind, BaseModel) or kind in (BaseModel, Section):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
        statements = body.body if isinstance(body, ast.ClassDef) else []
        for field, text in pairwise(statements):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
                and isinstance(text.value.value, str)
            ):
                docs[field.target.id] = inspect.cleandoc(text.value.value)
    return docs


_described: set[type[BaseModel]] = set()


def described(model: type[BaseModel]) -> type[BaseModel]:
    """The model, once its fields and those of the models in it have their documentation, for schemas."""
    if model in _described:
        return model
    kinds = [model, *_models_within(model)]
    for kind in kinds:
        docs = field_docs(kind)
        for name, field in kind.model_fields.items():
            field.description = field.description or docs.get(name)
    for kind in reversed(kinds):  # a model takes over what those in it have become
        kind.model_rebuild(force=True)
    _described.add(model)
    return model


def _models_within(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for field in model.model_fields.values():
        waiting = [field.annotation]
        while waiting:
            annotation = waiting.pop()
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                yield annotation
                yield from _models_within(annotation)
            waiting += get_args(annotation)
