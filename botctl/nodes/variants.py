"""Variants: node types whose one word (logicType, loopType, actionType) says which other fields belong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import InitErrorDetails

from botctl.nodes.node_type import NodeData


class Variant(NamedTuple):
    """The fields that a variant needs, and those that it may have."""

    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


def check_variant(data: NodeData, chosen: str, variants: Mapping[str, Variant]) -> None:
    """Raise what a pydantic validator may raise unless exactly the fields of the chosen variant are given.

    A field of another variant that stands at its default is let pass: editors export such leftovers.
    """
    variant = variants[chosen]
    mistakes: list[InitErrorDetails] = []
    for name, field in type(data).model_fields.items():
        is_default = getattr(data, name) == field.get_default(call_default_factory=True)
        if name in variant.needs and is_default:
            mistakes.append(_mistake((), f"`{name}` is needed for {chosen}"))
        elif not is_default and not _belongs(name, variant, variants):
            owners = " or ".join(word for word, other in variants.items() if name in other.needs + other.may)
            mistakes.append(_mistake((name,), f"`{name}` belongs to {owners}, not to {chosen}"))
    if mistakes:
        raise ValidationError.from_exception_data(type(data).__name__, mistakes)


def _belongs(name: str, variant: Variant, variants: Mapping[str, Variant]) -> bool:
    if name in variant.needs or name in variant.may:
        return True
    return not any(name in other.needs or name in other.may for other in variants.values())


def _mistake(at: tuple[str, ...], sentence: str) -> InitErrorDetails:
    return InitErrorDetails(type="value_error", loc=at, input=None, ctx={"error": ValueError(sentence)})
